package match

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// edit is one change of an index under way.
type edit struct {
	// shared are the conditions that have come, so that equal ones are one: rules
	// have few methods and header fields between them, which stay in the
	// processor's caches if it is not each time another copy.
	shared map[Expr]Expr
}

// change is a route that comes to a place of an index or goes from it.
type change struct {
	key
	route *Route
	gone  bool
	first bool // as in [entry]
}

// Change returns an index without the routes that are gone and with those that
// have come. It costs time in proportion to them, apart from copying some bytes
// for each host. Both indexes are valid afterwards, and share what they can.
//
// A route that is gone must be the very one that came. No two routes of an
// index may have equal precedence.
func (x *Index) Change(gone, come []*Route) *Index {
	var list []change
	for _, r := range gone {
		for _, k := range cover(r.Expr) {
			list = append(list, change{key: k, route: r, gone: true})
		}
	}
	for _, r := range come {
		for i, k := range cover(r.Expr) {
			list = append(list, change{key: k, route: r, first: i == 0})
		}
	}
	slices.SortFunc(list, func(a, b change) int { return a.compare(&b) })
	next := &Index{
		exact: x.exact.clone(), suffixes: x.suffixes.clone(), any: x.any,
		longest: x.longest, count: x.count + len(come) - len(gone),
	}
	e := &edit{shared: map[Expr]Expr{}}
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].compareTrees(&list[0]) == 0 {
			n++
		}
		next.change(e, list[:n])
		list = list[n:]
	}
	return next
}

// change makes the changes of one tree.
func (x *Index) change(e *edit, list []change) {
	grow := func(root *node) *node { return e.node(root, list, 0) }
	t := tree{host: list[0].host.name, class: list[0].route.Precedence.Class, form: list[0].path.form}
	t.highest = list[0].route.Precedence.Priority
	t.hosted, t.hostless = true, true
	for i := range list {
		r := list[i].route
		t.highest = max(t.highest, r.Precedence.Priority)
		t.hosted, t.hostless = t.hosted && asksForHost(r.Expr), t.hostless && !saysOfHost(r.Expr)
	}
	switch {
	case t.host == "":
		x.any[t.class] = x.any[t.class].change(t, grow)
	case list[0].host.suffix:
		x.longest = max(x.longest, len(t.host))
		x.suffixes.change(t, grow)
	default:
		x.exact.change(t, grow)
	}
}

// compareTrees orders changes by the trees they are of.
func (c *change) compareTrees(other *change) int {
	return cmp.Or(
		compareBool(c.host.suffix, other.host.suffix),
		strings.Compare(c.host.name, other.host.name),
		cmp.Compare(c.route.Precedence.Class, other.route.Precedence.Class),
		cmp.Compare(c.path.form, other.path.form),
	)
}

// compare orders changes by tree, path and entry.
func (c *change) compare(other *change) int {
	if order := cmp.Or(c.compareTrees(other), strings.Compare(c.path.text, other.path.text)); order != 0 {
		return order
	}
	return cmp.Or(c.route.Precedence.Compare(other.route.Precedence), compareBool(c.path.exact, other.path.exact))
}

// entry is what a node is to have of a change.
func (e *edit) entry(c *change) entry {
	made := entry{route: c.route, priority: c.route.Precedence.Priority, exact: c.path.exact, first: c.first}
	if !c.gone {
		made.rest = c.rest(nil, c.route.Expr)
		for i, x := range made.rest {
			made.rest[i] = e.share(x)
		}
	}
	return made
}

// share returns the condition that stands for all its equals.
func (e *edit) share(x Expr) Expr {
	if !reflect.ValueOf(x).Comparable() {
		return x
	}
	if _, ok := e.shared[x]; !ok {
		e.shared[x] = x
	}
	return e.shared[x]
}
