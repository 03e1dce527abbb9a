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
			cmp.Compare(a.Route, b.Route),
			cmp.Compare(a.Offset, b.Offset),
			cmp.Compare(a.Reason, b.Reason),
		)
	})
	return problems
}
