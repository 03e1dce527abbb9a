package target

import "time"

// Method is how a pool picks one of its targets.
type Method uint8

const (
	// RoundRobin takes turns by weight.
	RoundRobin Method = iota
	// Random takes any of the turns.
	Random
	// LeastConns takes the target with the fewest requests in flight for its
	// weight.
	LeastConns
	// PowerOfTwo takes of two random targets the one with fewer requests in
	// flight, whatever their weights.
	PowerOfTwo
	// LeastTime takes the target with the shortest time to the first byte,
	// multiplied by its requests in flight and divided by its weight.
	LeastTime
	// Rendezvous takes the same target for the same client as long as it is there,
	// by weight; of the others' clients none moves when it goes.
	Rendezvous
)

// Policy says how a pool picks, and when it passes over a target that its
// catalog says is well. The zero value takes turns and passes over none.
type Policy struct {
	Method Method
	// Watched has targets passed over that were said to be down by
	// [Pool.SetUp].
	Watched bool
	// MaxFailures within Window have a target passed over for another Window; 0 is
	// never.
	MaxFailures int
	Window      time.Duration
}

// needsSeats reports whether anything is to be remembered of each target.
func (p Policy) needsSeats() bool { return p.Watched || p.MaxFailures > 0 }
