package match

import (
	"cmp"
	"slices"
)

// Candidate is a route that was considered for a request.
type Candidate struct {
	Route   *Route
	Matched bool
	// Failed is the first condition that did not hold, or nil for a match.
	Failed Expr
}

// Explain returns the routes that come into question for a request: the winner
// first, then the other matches in the order of their classes, beginning with
// the winner's, then those that share the host, or the path if they ask for no
// host, but fail at another condition. It is for people: it looks at
// every route.
func (x *Index) Explain(r *Request) []Candidate {
	var matches, misses []Candidate
	for route := range x.Routes() {
		switch e := route.Expr; {
		case e.Match(r):
			matches = append(matches, Candidate{Route: route, Matched: true})
		case near(e, r):
			misses = append(misses, Candidate{Route: route, Failed: failed(e, r)})
		}
	}
	var first Class
	if winner := x.Lookup(r); winner != nil {
		first = winner.Precedence.Class
	}
	byClass := func(a, b Candidate) int {
		return cmp.Or(
			-compareBool(a.Route.Precedence.Class == first, b.Route.Precedence.Class == first),
			a.Route.Precedence.Compare(b.Route.Precedence),
		)
	}
	slices.SortFunc(matches, byClass)
	slices.SortFunc(misses, func(a, b Candidate) int { return a.Route.Precedence.Compare(b.Route.Precedence) })
	return append(matches, misses...)
}

// near reports whether a rule that does not match is worth mentioning.
func near(e Expr, r *Request) bool {
	return allows(e, r, false, isHost) && (names(e, r) || allows(e, r, false, isPath))
}

// allows reports whether e (or its negation) could hold, if all conditions but
// those of one kind did.
func allows(e Expr, r *Request, negated bool, kind func(Expr) bool) bool {
	var all bool
	var parts []Expr
	switch e := e.(type) {
	case Not:
		return allows(e.X, r, !negated, kind)
	case And:
		all, parts = !negated, e
	case Or:
		all, parts = negated, e
	default:
		return !kind(e) || e.Match(r) != negated
	}
	for _, x := range parts {
		if allows(x, r, negated, kind) != all {
			return !all
		}
	}
	return all
}

// names reports whether e has a condition that holds for the host.
func names(e Expr, r *Request) bool {
	switch e := e.(type) {
	case And:
		return slices.ContainsFunc(e, func(x Expr) bool { return names(x, r) })
	case Or:
		return slices.ContainsFunc(e, func(x Expr) bool { return names(x, r) })
	case Not:
		return false
	}
	return isHost(e) && e.Match(r)
}

// saysOfHost reports whether any condition of e is of the host.
func saysOfHost(e Expr) bool {
	switch e := e.(type) {
	case And:
		return slices.ContainsFunc(e, saysOfHost)
	case Or:
		return slices.ContainsFunc(e, saysOfHost)
	case Not:
		return saysOfHost(e.X)
	}
	return isHost(e)
}

func isHost(e Expr) bool {
	switch e.(type) {
	case Host, HostWildcard, HostGlob, HostRegexp:
		return true
	}
	return false
}

func isPath(e Expr) bool {
	switch e.(type) {
	case Path, PathPrefix, PathPrefixFold, PathGlob, PathRegexp:
		return true
	}
	return false
}

// failed is the first condition of e that does not hold.
func failed(e Expr, r *Request) Expr {
	if parts, ok := e.(And); ok {
		for _, x := range parts {
			if !x.Match(r) {
				return failed(x, r)
			}
		}
	}
	return e
}
