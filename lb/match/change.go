package match

import "slices"

// edit is one change of an index under way. It works on a copy of its own of
// everything but the trees, of which it makes the nodes it touches anew. These
// know it for as long as they live, but it lets go of the index.
type edit struct{ index *Index }

// Change returns an index without the routes that are gone and with those that
// have come. It costs time in proportion to them, apart from copying some bytes
// for each host. Both indexes are valid afterwards, and share what they can.
//
// A route that is gone must be the very one that came. No two routes of an
// index may have equal precedence.
func (x *Index) Change(gone, come []*Route) *Index {
	next := &Index{
		exact: x.exact.clone(), suffixes: x.suffixes.clone(), any: x.any,
		longest: x.longest, count: x.count + len(come) - len(gone),
	}
	e := &edit{next}
	for _, r := range gone {
		for _, t := range cover(r.Expr) {
			e.at(t.key, r.Precedence.Class, func(n *node) *node {
				return n.without(e, t.path.text, t.path.exact, r)
			})
		}
	}
	// In the order of their entries they are all appended.
	come = slices.Clone(come)
	slices.SortFunc(come, func(a, b *Route) int { return a.Precedence.Compare(b.Precedence) })
	for _, r := range come {
		for i, t := range cover(r.Expr) {
			e.at(t.key, r.Precedence.Class, func(n *node) *node {
				return n.with(e, t.path.text, t.path.exact, entry{route: r, test: !t.enough, first: i == 0})
			})
		}
	}
	e.index = nil
	return next
}

// at changes the tree of a key.
func (e *edit) at(k key, class Class, change func(*node) *node) {
	x := e.index
	if k.host.name == "" {
		x.any = x.any.change(class, k.path.form, change)
		return
	}
	hosts := &x.exact
	if k.host.suffix {
		hosts = &x.suffixes
		x.longest = max(x.longest, len(k.host.name))
	}
	hosts.set(k.host.name, hosts.get(k.host.name).change(class, k.path.form, change))
}
