package match

import (
	"iter"
	"strings"
)

// Route is one entry of an index. It must not be changed once it is in one.
type Route struct {
	Expr       Expr
	Precedence *Precedence
	// Value is the caller's.
	Value any
}

// Index finds the winning route of a request among many. It is immutable and
// safe for concurrent use; [Index.Change] makes others of it.
type Index struct {
	exact    hosts
	suffixes hosts
	any      trees
	// longest is the length of the longest suffix there ever was, so that the
	// look-up of a very long host costs no more than one of a normal length.
	longest int
	count   int
}

// NewIndex builds an index; see [Index.Change].
func NewIndex(routes []*Route) *Index {
	empty := Index{exact: newHosts(), suffixes: newHosts()}
	return empty.Change(nil, routes)
}

// Len is the number of routes.
func (x *Index) Len() int { return x.count }

// Routes lists all routes, in no order.
func (x *Index) Routes() iter.Seq[*Route] {
	return func(yield func(*Route) bool) {
		each := func(e entry) bool { return !e.first || yield(e.route) }
		for _, table := range []hosts{x.exact, x.suffixes} {
			for _, bucket := range table.buckets {
				for _, h := range bucket {
					if !h.trees.all(each) {
						return
					}
				}
			}
		}
		x.any.all(each)
	}
}

// ForHost reports whether one of the routes that are for a host by its very name
// fits. Routes that ask for no host are for the host "".
func (x *Index) ForHost(host string, fits func(*Route) bool) bool {
	found := x.any
	if host != "" {
		found = x.exact.get(host)
	}
	return !found.all(func(e entry) bool { return !fits(e.route) })
}

// Lookup returns the winning route of a request, or nil.
func (x *Index) Lookup(r *Request) *Route {
	s := search{request: r}
	if x.exact.count > 0 {
		s.trees(x.exact.get(r.Host))
	}
	if x.suffixes.count > 0 {
		s.suffixes(x)
	}
	s.trees(x.any)
	return s.winner()
}

// search is the state of one look-up.
type search struct {
	request *Request
	best    [classes]*Route
}

func (s *search) suffixes(x *Index) {
	host := s.request.Host
	for i := max(0, len(host)-x.longest); i < len(host); i++ {
		dot := strings.IndexByte(host[i:], '.')
		if dot < 0 {
			return
		}
		i += dot
		s.trees(x.suffixes.get(host[i:]))
	}
}

func (s *search) trees(all trees) {
	for i := range all {
		switch t := &all[i]; t.form {
		case folded:
			s.walkFolded(t.class, t.root, s.request.Path)
		default:
			s.walk(t.class, t.root, s.request.path(t.form == routing))
		}
	}
}

// walk tries the routes at all nodes along a path.
func (s *search) walk(class Class, n *node, path string) {
	for strings.HasPrefix(path, n.text) {
		path = path[len(n.text):]
		s.try(class, n.prefix)
		if path == "" {
			s.try(class, n.exact)
			return
		}
		i := strings.IndexByte(n.first, path[0])
		if i < 0 {
			return
		}
		n = n.children[i]
	}
}

// walkFolded is walk for texts in lower case.
func (s *search) walkFolded(class Class, n *node, path string) {
	for hasPrefixFold(path, n.text) {
		path = path[len(n.text):]
		s.try(class, n.prefix)
		if path == "" {
			s.try(class, n.exact)
			return
		}
		i := strings.IndexByte(n.first, lowerByte(path[0]))
		if i < 0 {
			return
		}
		n = n.children[i]
	}
}

// try keeps the first route that is better than the best so far.
func (s *search) try(class Class, list []entry) {
	best := s.best[class]
	for i := range list {
		e := &list[i]
		if best != nil && e.route.Precedence.Compare(best.Precedence) >= 0 {
			return
		}
		if !e.test || e.route.Expr.Match(s.request) {
			s.best[class] = e.route
			return
		}
	}
}

// winner is the better of the best of the two classes; see the package
// documentation for the rule.
func (s *search) winner() *Route {
	a, b := s.best[ByPriority], s.best[BySpecificity]
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	mine, _ := specific(a.Expr, s.request)
	other, _ := specific(b.Expr, s.request)
	if other.compare(mine) > 0 {
		return b
	}
	return a
}
