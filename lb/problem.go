package lb

import (
	"cmp"
	"slices"

	"github.com/sluiceproxy/sluice/lb/sorted"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// problemSet holds the problems by what they are of, and what has changed since
// they were last listed.
type problemSet struct {
	of         map[owner][]tags.Problem
	gone, come []tags.Problem
}

// owner is what a problem is of: a service, or an object of some kind.
type owner struct {
	kind string
	name name
}

func newProblemSet() *problemSet { return &problemSet{of: map[owner][]tags.Problem{}} }

// set puts the problems of an owner in the place of those it had.
func (p *problemSet) set(o owner, list []tags.Problem) {
	before := p.of[o]
	if slices.Equal(before, list) {
		return
	}
	p.gone = append(p.gone, before...)
	p.come = append(p.come, list...)
	if p.of[o] = list; len(list) == 0 {
		delete(p.of, o)
	}
}

// patch brings the last list up to what has changed since.
func (p *problemSet) patch(list []tags.Problem) []tags.Problem {
	list = sorted.Patch(list, p.gone, p.come, compareProblems)
	p.gone, p.come = nil, nil
	return list
}

// compareProblems orders problems by service and tag. Only equal problems are
// equal, so that the order does not change between tables.
func compareProblems(a, b tags.Problem) int {
	return cmp.Or(
		cmp.Compare(a.Service, b.Service),
		cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Tag, b.Tag),
		cmp.Compare(a.Route, b.Route),
		cmp.Compare(a.Offset, b.Offset),
		cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Hint, b.Hint),
		cmp.Compare(a.Node, b.Node),
		cmp.Compare(a.Instance, b.Instance),
		cmp.Compare(a.Instances, b.Instances),
	)
}
