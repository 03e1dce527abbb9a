package match

import (
	"iter"
	"slices"
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
	any      [classes]trees
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
		each := func(e *entry) bool { return !e.first || yield(e.route) }
		for _, table := range []hosts{x.exact, x.suffixes} {
			for _, bucket := range table.buckets {
				if !bucket.all(each) {
					return
				}
			}
		}
		for _, all := range x.any {
			if !all.all(each) {
				return
			}
		}
	}
}

// ForHost reports whether one of the routes that are for a host by its very name
// fits. Routes that ask for no host are for the host "".
func (x *Index) ForHost(host string, fits func(*Route) bool) bool {
	all := *x.exact.bucket(x.exact.hash(host))
	if host == "" {
		all = slices.Concat(x.any[:]...)
	}
	for i := range all {
		if all[i].host == host && !all[i].root.all(func(e *entry) bool { return !fits(e.route) }) {
			return true
		}
	}
	return false
}

// Lookup returns the winning route of a request, or nil.
func (x *Index) Lookup(r *Request) *Route {
	s := search{request: r}
	if x.exact.count > 0 {
		s.host(&x.exact, r.Host)
	}
	if x.suffixes.count > 0 {
		s.suffixes(x)
	}
	for i := range x.any[BySpecificity] {
		s.tree(&x.any[BySpecificity][i])
	}
	if s.isSettled(x.any[ByPriority]) {
		return s.best[BySpecificity].route
	}
	for i := range x.any[ByPriority] {
		s.tree(&x.any[ByPriority][i])
	}
	return s.winner()
}

// search is the state of one look-up.
type search struct {
	request *Request
	best    [classes]*entry
	hosted  [classes]bool // whether the best one asks for a host
}

// isSettled reports whether the best route BySpecificity wins, whatever is found in
// the trees that are left, all ByPriority: one that asks for a host goes before all
// that say nothing of it.
func (s *search) isSettled(left trees) bool {
	if !s.hosted[BySpecificity] || s.best[ByPriority] != nil {
		return false
	}
	for i := range left {
		if !left[i].hostless {
			return false
		}
	}
	return true
}

func (s *search) suffixes(x *Index) {
	host := s.request.Host
	for i := max(0, len(host)-x.longest); i < len(host); i++ {
		dot := strings.IndexByte(host[i:], '.')
		if dot < 0 {
			return
		}
		i += dot
		s.host(&x.suffixes, host[i:])
	}
}

func (s *search) host(table *hosts, host string) {
	hash := table.hash(host)
	bucket := *table.bucket(hash)
	for i := range bucket {
		if t := &bucket[i]; t.hash == hash && t.host == host {
			s.tree(t)
		}
	}
}

// tree tries the routes at all nodes along the request's path.
func (s *search) tree(t *tree) {
	if best := s.best[t.class]; best != nil && best.priority > t.highest {
		return
	}
	fold := t.form == folded
	path := s.request.path(t.form == routing)
	for n := t.root; n != nil; {
		var ok bool
		if path, ok = n.follow(path, fold); !ok {
			return
		}
		if len(n.entries) > 0 {
			s.try(t, n.entries, path == "")
		}
		switch {
		case path == "":
			return
		case fold:
			n = n.child(lowerByte(path[0]))
		default:
			n = n.child(path[0])
		}
	}
}

// try keeps the first entry that is better than the best so far. Those for the
// whole path count at its end.
func (s *search) try(t *tree, entries []entry, atEnd bool) {
	best := s.best[t.class]
	for i := range entries {
		e := &entries[i]
		if best != nil && e.compare(best) >= 0 {
			return
		}
		if (atEnd || !e.exact) && e.holds(s.request) {
			s.best[t.class], s.hosted[t.class] = e, t.hosted
			return
		}
	}
}

// holds tests what is left to be tested.
func (e *entry) holds(r *Request) bool {
	for _, x := range e.rest {
		if !x.Match(r) {
			return false
		}
	}
	return true
}

// winner is the better of the best of the two classes; see the package
// documentation for the rule.
func (s *search) winner() *Route {
	a, b := s.best[ByPriority], s.best[BySpecificity]
	switch {
	case a == nil && b == nil:
		return nil
	case a == nil:
		return b.route
	case b == nil:
		return a.route
	}
	mine, _ := specific(a.route.Expr, s.request)
	other, _ := specific(b.route.Expr, s.request)
	if other.compare(mine) > 0 {
		return b.route
	}
	return a.route
}
