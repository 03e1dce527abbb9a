package lb

import (
	"cmp"
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// sortProblems puts problems in an order that does not change between tables.
func sortProblems(problems []tags.Problem) []tags.Problem {
	slices.SortStableFunc(problems, func(a, b tags.Problem) int {
		return cmp.Or(
			cmp.Compare(a.Service, b.Service),
			cmp.Compare(a.Tag, b.Tag),
			cmp.Compare(a.Reason, b.Reason),
		)
	})
	return problems
}

// NewProblems are those of t that prev, which may be nil, does not have: what
// is worth a line in the log.
func (t *Table) NewProblems(prev *Table) []tags.Problem {
	if prev == nil {
		return t.problems
	}
	type identity struct{ service, tag, reason, route string }
	of := func(p tags.Problem) identity { return identity{p.Service, p.Tag, p.Reason, p.Route} }
	known := make(map[identity]bool, len(prev.problems))
	for _, p := range prev.problems {
		known[of(p)] = true
	}
	var fresh []tags.Problem
	for _, p := range t.problems {
		if !known[of(p)] {
			fresh = append(fresh, p)
		}
	}
	return fresh
}
