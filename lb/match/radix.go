package match

import (
	"cmp"
	"slices"
)

// node is an edge and its end in a byte radix tree of paths. The nil node is an
// empty tree. Nodes are never changed: [edit.node] makes new ones along the paths
// that change, and shares the others.
//
// A look-up goes from one node to the next, and most are in no cache by then. So
// a node is one cache line, with the text in it: a longer one takes several nodes.
type node struct {
	text    [maxText]byte
	size    uint8
	low     uint8   // the first byte of the first edge
	edges   []edge  // by their first byte
	entries []entry // of the path up to here, the first to win first
}

// maxText is how much text a node has room for.
const maxText = 14

// edge leads to the node whose text begins with first.
type edge struct {
	first byte
	to    *node
}

// entry is a route in one place of an index.
type entry struct {
	route    *Route
	priority int    // the route's
	rest     []Expr // what is to be tested still; see [key.rest]
	exact    bool   // for just the path up to here, not for whatever starts with it
	first    bool   // this is the first of the route's places
}

// compare is the precedence of two entries of one class.
func (e *entry) compare(other *entry) int {
	if e.priority != other.priority {
		return cmp.Compare(other.priority, e.priority)
	}
	return cmp.Or(e.route.Precedence.Compare(other.route.Precedence), compareBool(e.exact, other.exact))
}

// follow is what is left of a path behind the node's text, if it begins with it.
func (n *node) follow(path string, fold bool) (left string, ok bool) {
	if n.size == 1 && path != "" && path[0] == n.text[0] {
		return path[1:], true // as most nodes of a large tree
	}
	text := n.text[:n.size]
	if len(path) < len(text) {
		return "", false
	}
	if !fold {
		return path[len(text):], string(text) == path[:len(text)]
	}
	for i, c := range text {
		if lowerByte(path[i]) != c {
			return "", false
		}
	}
	return path[len(text):], true
}

// child is the node whose text begins with a byte, nil if there is none. The byte
// cannot be farther behind than it is greater than the first one, and with digits
// that is where it is.
func (n *node) child(first byte) *node {
	for i := min(int(first)-int(n.low), len(n.edges)-1); i >= 0; i-- {
		if e := &n.edges[i]; e.first <= first {
			if e.first == first {
				return e.to
			}
			return nil
		}
	}
	return nil
}

// all calls yield for each entry of the tree until it returns false.
func (n *node) all(yield func(*entry) bool) bool {
	for i := range n.entries {
		if !yield(&n.entries[i]) {
			return false
		}
	}
	for _, edge := range n.edges {
		if !edge.to.all(yield) {
			return false
		}
	}
	return true
}

// node returns the tree with changes made to it, which are in order. They have
// the first at bytes of their paths in common: those before the tree.
func (e *edit) node(n *node, list []change, at int) *node {
	made := &node{}
	text := list[0].path.text[at:]
	if n != nil {
		text = string(n.text[:n.size])
	}
	// In order, what the first and the last have in common all have.
	text = text[:min(commonPrefix(text, list[0].path.text[at:]), commonPrefix(text, list[len(list)-1].path.text[at:]), maxText)]
	made.size = uint8(copy(made.text[:], text)) //nolint:gosec // at most maxText
	switch {
	case n == nil:
	case made.size < n.size:
		lower := &node{edges: n.edges, entries: n.entries, low: n.low}
		lower.size = uint8(copy(lower.text[:], n.text[made.size:n.size])) //nolint:gosec // as above
		made.edges = []edge{{lower.text[0], lower}}
	default:
		made.edges, made.entries = n.edges, n.entries
	}
	at += len(text)
	here := 0
	for here < len(list) && len(list[here].path.text) == at {
		here++
	}
	made.entries = e.entries(made.entries, list[:here])
	made.edges = e.edges(made.edges, list[here:], at)
	return made.pruned()
}

// edges returns edges with changes made to what they lead to.
func (e *edit) edges(edges []edge, list []change, at int) []edge {
	if len(list) == 0 {
		return edges
	}
	edges = slices.Clone(edges)
	for len(list) > 0 {
		first, n := list[0].path.text[at], 1
		for n < len(list) && list[n].path.text[at] == first {
			n++
		}
		i, found := slices.BinarySearchFunc(edges, first, func(e edge, first byte) int { return cmp.Compare(e.first, first) })
		if !found {
			edges = slices.Insert(edges, i, edge{first: first})
		}
		if edges[i].to = e.node(edges[i].to, list[:n], at); edges[i].to == nil {
			edges = slices.Delete(edges, i, i+1)
		}
		list = list[n:]
	}
	return slices.Clone(edges) // without room to grow
}

// entries returns entries with changes made.
func (e *edit) entries(entries []entry, list []change) []entry {
	if len(list) == 0 {
		return entries
	}
	size := len(entries)
	for i := range list {
		if list[i].gone {
			size--
		} else {
			size++
		}
	}
	made := make([]entry, 0, size)
	for i := range list {
		changed := e.entry(&list[i])
		before, found := slices.BinarySearchFunc(entries, changed, func(a, b entry) int { return a.compare(&b) })
		made, entries = append(made, entries[:before]...), entries[before:]
		switch {
		case !list[i].gone:
			made = append(made, changed)
		case found:
			entries = entries[1:]
		}
	}
	return append(made, entries...)
}

// pruned returns the node, or what can stand in its place if it holds nothing.
func (n *node) pruned() *node {
	if len(n.edges) > 0 {
		n.low = n.edges[0].first
	}
	switch {
	case len(n.entries) > 0 || len(n.edges) > 1:
		return n
	case len(n.edges) == 0:
		return nil
	}
	child := *n.edges[0].to
	if n.size+child.size > maxText {
		return n
	}
	text := string(n.text[:n.size]) + string(child.text[:child.size])
	child.size = uint8(copy(child.text[:], text)) //nolint:gosec // at most maxText
	return &child
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
