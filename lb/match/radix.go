package match

import (
	"slices"
	"strings"
)

// entry is a route in one place of an index.
type entry struct {
	route *Route
	test  bool // the expression has to be tested
	first bool // this is the first of the route's places
}

// node is an edge and its end in a byte radix tree of paths. The nil node is an
// empty tree. Trees are persistent: changing one makes new nodes along the path
// and shares the others, except that nodes the same edit has made are changed
// in place.
type node struct {
	owner    *edit
	text     string
	first    string // the first byte of each child's text
	children []*node
	prefix   []entry // routes for whatever starts with the path up to here
	exact    []entry // routes for just the path up to here
}

// with returns the tree with one more entry.
func (n *node) with(o *edit, path string, exact bool, e entry) *node {
	if n == nil {
		n = &node{owner: o, text: path}
		n.insert(exact, e)
		return n
	}
	n = n.owned(o)
	shared := commonPrefix(n.text, path)
	if shared < len(n.text) {
		n = n.split(o, shared)
	}
	path = path[shared:]
	if path == "" {
		n.insert(exact, e)
		return n
	}
	i := strings.IndexByte(n.first, path[0])
	if i < 0 {
		i = len(n.children)
		n.first += path[:1]
		n.children = append(n.children, nil)
	}
	n.children[i] = n.children[i].with(o, path, exact, e)
	return n
}

// without returns the tree without the route's entry at a path.
func (n *node) without(o *edit, path string, exact bool, r *Route) *node {
	if n == nil || !strings.HasPrefix(path, n.text) {
		return n
	}
	n = n.owned(o)
	path = path[len(n.text):]
	if path == "" {
		n.remove(exact, r)
		return n.pruned(o)
	}
	i := strings.IndexByte(n.first, path[0])
	if i < 0 {
		return n
	}
	child := n.children[i].without(o, path, exact, r)
	n.children[i] = child
	if child == nil {
		n.first = n.first[:i] + n.first[i+1:]
		n.children = slices.Delete(n.children, i, i+1)
	}
	return n.pruned(o)
}

// owned returns the node itself, if the edit has made it, or a copy.
func (n *node) owned(o *edit) *node {
	if n.owner == o {
		return n
	}
	return &node{
		owner: o, text: n.text, first: n.first,
		children: slices.Clone(n.children), prefix: slices.Clone(n.prefix), exact: slices.Clone(n.exact),
	}
}

// split cuts the edge to n in two and returns the node in between.
func (n *node) split(o *edit, at int) *node {
	upper := &node{owner: o, text: n.text[:at], first: n.text[at : at+1], children: []*node{n}}
	n.text = n.text[at:]
	return upper
}

// pruned returns the node, or what can stand in its place if it holds nothing.
func (n *node) pruned(o *edit) *node {
	switch {
	case len(n.prefix)+len(n.exact) > 0 || len(n.children) > 1:
		return n
	case len(n.children) == 0:
		return nil
	}
	child := n.children[0].owned(o)
	child.text = n.text + child.text
	return child
}

func (n *node) insert(exact bool, e entry) {
	list := n.entries(exact)
	i, _ := find(*list, e.route)
	*list = slices.Insert(*list, i, e)
}

func (n *node) remove(exact bool, r *Route) {
	list := n.entries(exact)
	if i, ok := find(*list, r); ok {
		*list = slices.Delete(*list, i, i+1)
	}
}

func (n *node) entries(exact bool) *[]entry {
	if exact {
		return &n.exact
	}
	return &n.prefix
}

// find returns the place of a route among entries, the first to win first.
func find(list []entry, r *Route) (i int, ok bool) {
	return slices.BinarySearchFunc(list, r, func(e entry, r *Route) int { return e.route.Precedence.Compare(r.Precedence) })
}

// all calls yield for each entry of the tree until it returns false.
func (n *node) all(yield func(entry) bool) bool {
	if n == nil {
		return true
	}
	for _, list := range [][]entry{n.prefix, n.exact} {
		for _, e := range list {
			if !yield(e) {
				return false
			}
		}
	}
	for _, child := range n.children {
		if !child.all(yield) {
			return false
		}
	}
	return true
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
