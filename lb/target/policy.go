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
	// PowerOfTwo takes two random turns, and of their targets the one with fewer
	// requests in flight for its weight.
	PowerOfTwo
	// LeastTime takes the target with the shortest time to the first byte,
	// multiplied by its requests in flight and divided by its weight.
	LeastTime
	// Rendezvous takes the same target for the same affinity as long as it is
	// there, by weight; of the others' affinities none moves when it goes.
	Rendezvous
)

// Policy says how a pool picks, and when it passes over a target that its
// catalog says is well. It is comparable. The zero value takes turns and passes
// over none.
type Policy struct {
	Method Method
	// MaxLoad bounds what Rendezvous gives one target, in percent of its part of
	// all requests in flight; 0 does not, and else it is more than 100.
	MaxLoad int
	// Watched has targets passed over that were said to be down by
	// [Pool.SetUp].
	Watched bool
	// Fall and Rise are how often in a row that has to be said, and the opposite,
	// before it counts; 0 is as 1.
	Fall, Rise int
	// MaxFailures within Window have a target passed over for another Window; 0 is
	// never. All of a pool's targets may be passed over.
	MaxFailures int
	Window      time.Duration
	Ejection    Ejection
	// SlowStart is how long a target that joins a pool, or comes back, takes to
	// get its full share. Those a pool begins with have it at once.
	SlowStart time.Duration
	// Panic is the share of targets, in percent, below which it no longer counts
	// whether they are well: with so few left, those would be overrun. 0 is never.
	Panic int
	// Near says whether it counts how near targets are.
	Near Near
	// MaxInFlight bounds the requests in flight to one target; 0 does not.
	MaxInFlight int
	Budget      Budget
}

// Ejection passes over targets that fail again and again, for longer each time.
// The zero value does not.
type Ejection struct {
	// Failures in a row eject.
	Failures int
	// Base is how long a target is passed over the first time. It doubles each
	// time up to Max, and begins anew when the target was well for Max.
	Base, Max time.Duration
	// Share is the part of the targets, in percent, that may be ejected at a time.
	Share int
	// Least is the least status that is a failure, 0 if none is: requests without
	// an answer always are. Most is the last one.
	Least, Most int
}

// isFailure reports whether an answer of that status, 0 for none, is a failure.
func (e Ejection) isFailure(status int) bool {
	return status == 0 || e.Least > 0 && status >= e.Least && status <= e.Most
}

// Budget bounds second tries of requests that may have cost a target something:
// Percent of the requests of the last ten seconds, and PerSecond besides. The
// zero value allows none.
type Budget struct{ Percent, PerSecond int }
