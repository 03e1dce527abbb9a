package lb

import (
	"fmt"

	"github.com/sluiceproxy/sluice/lb/match"
)

// Explanation tells why a request goes where it goes.
type Explanation struct {
	// Route is the one that serves the request, or nil if there is none.
	Route *Route
	// Candidates are the routes that came into question: the winner, the other
	// matches in their order, and those that failed at one condition.
	Candidates []Candidate
	// Complete is false while the catalog is not fully known, so that a route may
	// be missing only for now; see [Table.Complete].
	Complete bool
}

// Candidate is a route that came into question for a request.
type Candidate struct {
	Route   *Route
	Matched bool
	// Reason says in words why it won, lost, or does not match.
	Reason string
}

// Explain looks at all routes; it is for people, not for requests.
func (t *Table) Explain(r *match.Request) Explanation {
	e := Explanation{Complete: t.Complete()}
	for _, c := range t.index.Explain(r) {
		candidate := Candidate{Route: c.Route.Value.(*Route), Matched: c.Matched}
		switch {
		case !c.Matched:
			candidate.Reason = c.Failed.String() + " does not hold"
		case e.Route == nil:
			e.Route = candidate.Route
			candidate.Reason = "wins"
		default:
			candidate.Reason = lost(candidate.Route, e.Route)
		}
		e.Candidates = append(e.Candidates, candidate)
	}
	return e
}

// lost is why a route that matches gave way to the winner.
func lost(r, winner *Route) string {
	mine, best := r.Precedence, winner.Precedence
	switch {
	case mine.Class != best.Class:
		return fmt.Sprintf("%s asks for more of the host and path, or the same", winner.Name)
	case mine.Class == match.ByPriority && mine.Priority != best.Priority:
		return fmt.Sprintf("%s is lower than %s", priorityOf(r), priorityOf(winner))
	case mine.Class == match.ByPriority:
		return fmt.Sprintf("of equal priorities the first by name wins, %s", winner.Name)
	case mine.Host != best.Host:
		return fmt.Sprintf("host %s is more specific", best.Host)
	case mine.Port != best.Port:
		return fmt.Sprintf("host %s:%s is more specific", best.Host, best.Port)
	}
	return fmt.Sprintf("path %s is longer", best.Path)
}

// priorityOf says also where a priority comes from that nobody has given.
func priorityOf(r *Route) string {
	if r.Precedence.Priority == len(r.Rule) {
		return fmt.Sprintf("priority %d (the length of its rule)", r.Precedence.Priority)
	}
	return fmt.Sprintf("priority %d", r.Precedence.Priority)
}
