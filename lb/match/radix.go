package match

import "strings"

// entry is a route in one place of an index.
type entry struct {
	rank int32 // its place in the order of its class
	test bool  // the expression has to be tested
}

// entries are the routes in one place, by class and rank.
type entries [classes][]entry

// node is an edge and its end in a byte radix tree of paths.
type node struct {
	text     string
	first    string // the first byte of each child's text
	children []*node
	prefix   entries // routes for whatever starts with the path up to here
	exact    entries // routes for just the path up to here
}

// at returns the node at the end of path, which it adds to the tree below n if
// there is none yet.
func (n *node) at(path string) *node {
	for path != "" {
		i := strings.IndexByte(n.first, path[0])
		if i < 0 {
			child := &node{text: path}
			n.first += path[:1]
			n.children = append(n.children, child)
			return child
		}
		child := n.children[i]
		shared := commonPrefix(child.text, path)
		if shared < len(child.text) {
			child = child.split(shared)
			n.children[i] = child
		}
		n, path = child, path[shared:]
	}
	return n
}

// split cuts the edge to n in two and returns the node in between.
func (n *node) split(at int) *node {
	upper := &node{text: n.text[:at], first: n.text[at : at+1], children: []*node{n}}
	n.text = n.text[at:]
	return upper
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
