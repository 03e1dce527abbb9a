package guard

import "time"

// State is a moment's view of the guard.
type State struct {
	// Holding is set while lost instances are kept, since Since and until Until
	// unless they come back.
	Holding      bool
	Since, Until time.Time
	// Held counts the kept ones by service; Instances is their sum.
	Held      map[string]int
	Instances int
	// Trips counts how often a loss was not believed.
	Trips uint64
}

// State is what the guard holds at the moment.
func (g *Guard) State() State {
	s := State{Holding: !g.until.IsZero(), Since: g.since, Until: g.until, Trips: g.trips, Held: map[string]int{}}
	for service, known := range g.missing {
		for _, l := range known.losses {
			if l.held {
				s.Held[service]++
				s.Instances++
			}
		}
	}
	return s
}
