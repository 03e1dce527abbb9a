package match

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Route is one entry of an index.
type Route struct {
	Expr       Expr
	Precedence Precedence
}

// Index finds the winning route of a request among many. It is immutable and
// safe for concurrent use.
type Index struct {
	routes []Route
	// ranked are the routes of each class, the first to win first.
	ranked [classes][]int32

	exact    map[string]*paths
	suffixes map[string]*paths
	any      *paths
	// longest is the length of the longest suffix, so that the look-up of a very
	// long host costs no more than one of a normal length.
	longest int
}

// paths are the routes of one host, found by decoded or by routing path. The
// roots are nil without routes.
type paths struct{ decoded, routing *node }

// NewIndex builds an index. Routes are named by their position in the slice,
// which must not be changed afterwards.
func NewIndex(routes []Route) *Index {
	x := &Index{
		routes:   routes,
		exact:    map[string]*paths{},
		suffixes: map[string]*paths{},
		any:      &paths{},
	}
	order := make([]int32, len(routes))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(routes[a].Precedence.Compare(routes[b].Precedence), cmp.Compare(a, b))
	})
	// Adding in order of rank keeps the entries of every place sorted.
	for _, i := range order {
		class := routes[i].Precedence.Class
		rank := int32(len(x.ranked[class]))
		x.ranked[class] = append(x.ranked[class], i)
		for _, t := range cover(routes[i].Expr) {
			x.add(t.key, class, entry{rank, !t.enough})
		}
	}
	return x
}

func (x *Index) add(k key, class Class, e entry) {
	root := x.host(k.host).root(k.path.routing)
	place := root.at(k.path.text)
	list := &place.prefix[class]
	if k.path.exact {
		list = &place.exact[class]
	}
	// Two alternatives of one route may come to the same place.
	if last := len(*list) - 1; last >= 0 && (*list)[last].rank == e.rank {
		(*list)[last].test = (*list)[last].test && e.test
		return
	}
	*list = append(*list, e)
}

func (x *Index) host(k hostKey) *paths {
	hosts := x.exact
	switch {
	case k.name == "":
		return x.any
	case k.suffix:
		hosts = x.suffixes
		x.longest = max(x.longest, len(k.name))
	}
	p := hosts[k.name]
	if p == nil {
		p = &paths{}
		hosts[k.name] = p
	}
	return p
}

func (p *paths) root(routing bool) *node {
	root := &p.decoded
	if routing {
		root = &p.routing
	}
	if *root == nil {
		*root = &node{}
	}
	return *root
}

// Lookup returns the position of the winning route.
func (x *Index) Lookup(r *Request) (route int, ok bool) {
	s := search{index: x, request: r, best: [classes]int32{none, none}}
	if p := x.exact[r.Host]; p != nil {
		s.paths(p)
	}
	if x.longest > 0 {
		s.suffixes()
	}
	s.paths(x.any)
	return s.winner()
}

// none is a rank behind all others.
const none = math.MaxInt32

// search is the state of one look-up.
type search struct {
	index   *Index
	request *Request
	best    [classes]int32 // ranks
}

func (s *search) suffixes() {
	host := s.request.Host
	for i := max(0, len(host)-s.index.longest); i < len(host); i++ {
		dot := strings.IndexByte(host[i:], '.')
		if dot < 0 {
			return
		}
		i += dot
		if p := s.index.suffixes[host[i:]]; p != nil {
			s.paths(p)
		}
	}
}

func (s *search) paths(p *paths) {
	if p.decoded != nil {
		s.walk(p.decoded, s.request.path(false))
	}
	if p.routing != nil {
		s.walk(p.routing, s.request.path(true))
	}
}

// walk tries the routes at all nodes along a path.
func (s *search) walk(n *node, path string) {
	for {
		s.try(&n.prefix)
		if path == "" {
			s.try(&n.exact)
			return
		}
		i := strings.IndexByte(n.first, path[0])
		if i < 0 {
			return
		}
		n = n.children[i]
		if !strings.HasPrefix(path, n.text) {
			return
		}
		path = path[len(n.text):]
	}
}

// try keeps the first route of each class that is better than the best so far.
func (s *search) try(place *entries) {
	for class := range place {
		for _, e := range place[class] {
			if e.rank >= s.best[class] {
				break
			}
			if !e.test || s.route(Class(class), e.rank).Expr.Match(s.request) {
				s.best[class] = e.rank
				break
			}
		}
	}
}

func (s *search) route(class Class, rank int32) *Route {
	return &s.index.routes[s.index.ranked[class][rank]]
}

// winner is the better of the best of the two classes; see the package
// documentation for the rule.
func (s *search) winner() (route int, ok bool) {
	byPriority, bySpecificity := s.best[ByPriority], s.best[BySpecificity]
	class := ByPriority
	switch {
	case byPriority == none && bySpecificity == none:
		return 0, false
	case byPriority == none:
		class = BySpecificity
	case bySpecificity == none:
	default:
		a, _ := specific(s.route(ByPriority, byPriority).Expr, s.request)
		b, _ := specific(s.route(BySpecificity, bySpecificity).Expr, s.request)
		if b.compare(a) > 0 {
			class = BySpecificity
		}
	}
	return int(s.index.ranked[class][s.best[class]]), true
}
