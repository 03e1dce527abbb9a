package match

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// oracle is the package documentation taken literally.
func oracle(routes []*Route, r *Request) *Route {
	var best [classes]*Route
	for _, route := range routes {
		class := route.Precedence.Class
		if route.Expr.Match(r) && (best[class] == nil || route.Precedence.Compare(best[class].Precedence) < 0) {
			best[class] = route
		}
	}
	a, b := best[ByPriority], best[BySpecificity]
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	mine, _ := specific(a.Expr, r)
	other, _ := specific(b.Expr, r)
	if other.compare(mine) > 0 {
		return b
	}
	return a
}

// world draws routes and requests from few words, so that they meet often.
type world struct {
	*rand.Rand
	patterns Patterns
}

func newWorld(seed uint64) *world { return &world{Rand: rand.New(rand.NewPCG(seed, 0))} }

func (w *world) pick(words ...string) string { return words[w.IntN(len(words))] }
func (w *world) host() string                { return w.pick("a.x", "b.x", "c.a.x", "x", "y.z", "", ".x") }
func (w *world) path() string {
	return w.pick("/", "/a", "/ab", "/A", "/a/", "/a/b", "/a/b/c", "/b", "/B/é", "/b/É", "/a%2Fb", "")
}

func (w *world) pattern(make func(string) (*Pattern, error), texts ...string) *Pattern {
	p, err := make(w.pick(texts...))
	if err != nil {
		panic(err)
	}
	return p
}

func (w *world) hostExpr() Expr {
	switch w.IntN(6) {
	case 0, 1:
		return Host{w.host()}
	case 2:
		return HostWildcard{Suffix: w.pick(".x", ".a.x", "", "x", "z"), OneLabel: w.IntN(2) == 0}
	case 3:
		return HostRegexp{w.pattern(w.patterns.Regexp, `^a\.x$`, `\.x$`, `^(a|b)\.x$`, `a`, `^c\.[a-z]\.x$`, `(?i)A\.X$`, `x`)}
	case 4:
		return HostRegexp{w.pattern(w.patterns.Host, "a.x", "{s}.x", "{s:[a-b]}.X", "{s:A}.x", "c.{s:.*}")}
	}
	return HostGlob{w.pick("*", "*.x", "?.x", "[ab].x", "[!a].x", "*a.x", "y.*", "a.x", "*.*")}
}

func (w *world) pathExpr() Expr {
	routing := w.IntN(2) == 0
	switch w.IntN(8) {
	case 0:
		return Path{w.path(), routing}
	case 1, 2, 3:
		return PathPrefix{w.path(), routing}
	case 4:
		return PathPrefixFold{w.path()}
	case 5:
		return PathGlob{w.pick("/", "/*", "/a*", "/a", "*/b", "/?/b*", "/[!b]*", "", "*")}
	case 6:
		return PathRegexp{w.pattern(w.patterns.Regexp, `^/a`, `^/a$`, `/b`, `^(/a)/(b)`, `b$`, `(?i)^/A`, `^/a|^/b`, `(?m)^/a$`, ``), routing}
	}
	if routing {
		return PathRegexp{w.pattern(w.patterns.Path, "/a", "/{x}", "/a/{x:[a-c]}", "/{x:a|b}"), w.IntN(2) == 0}
	}
	return PathRegexp{w.pattern(w.patterns.PathPrefix, "/a", "/{x}", "/a/{x:[a-c]}", "/{x:a|b}/"), w.IntN(2) == 0}
}

func (w *world) otherExpr() Expr {
	switch w.IntN(5) {
	case 0:
		return Port{uint16(w.IntN(2) * 81)}
	case 1:
		return Header{"K", w.pick("v", "w")}
	case 2:
		return Query{"k", w.pick("v", "w"), w.IntN(2) == 0}
	case 3:
		return ClientIP{netip.MustParsePrefix(w.pick("10.0.0.0/8", "10.0.0.1/32", "::/0"))}
	}
	return Method{w.pick("GET", "PUT")}
}

func (w *world) expr(depth int) Expr {
	kinds := 12
	if depth == 0 {
		kinds = 8
	}
	switch w.IntN(kinds) {
	case 0, 1, 2:
		return w.hostExpr()
	case 3, 4, 5:
		return w.pathExpr()
	case 6, 7:
		return w.otherExpr()
	case 8:
		return Not{w.expr(depth - 1)}
	case 9:
		return Or(w.exprs(depth - 1))
	default:
		return And(w.exprs(depth - 1))
	}
}

func (w *world) exprs(depth int) (list []Expr) {
	for range w.IntN(4) {
		list = append(list, w.expr(depth))
	}
	return list
}

func (w *world) route(i int) *Route {
	if w.IntN(2) == 0 {
		r := fabio(w.pick("a.x", "*.x", "*", "", "*.a.x", "x"), w.path())
		r.Precedence.Name = fmt.Sprint(i)
		return r
	}
	return &Route{Expr: w.expr(3), Precedence: &Precedence{Class: ByPriority, Priority: w.IntN(5), Name: fmt.Sprint(i)}}
}

func (w *world) request() *Request {
	r := &Request{
		Host: w.host(), Path: w.path(), Method: w.pick("GET", "PUT"),
		Port: uint16(w.IntN(2) * 81), Dotted: w.IntN(9) == 0,
		Remote: netip.MustParseAddr(w.pick("10.0.0.1", "::ffff:10.0.0.2", "fe80::1%eth0")),
		Fields: fields{"K": {w.pick("v", "w"), "v"}, "k": {w.pick("v", "w"), w.pick("v", "w")}},
	}
	if r.Path == "/a%2Fb" {
		r.Path, r.RoutingPath = "/a/b", r.Path
	}
	return r
}

// fields are header fields and query parameters alike.
type fields map[string][]string

func (f fields) Header(name string, i int) (string, bool) {
	if i >= len(f[name]) {
		return "", false
	}
	return f[name][i], true
}

func (f fields) Query(name string, i int) (string, bool) { return f.Header(name, i) }

// FuzzIndex compares an index, after each of some changes, with a search
// through all routes, and sees that a change leaves older indexes alone.
func FuzzIndex(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := newWorld(seed)
		present := map[*Route]bool{}
		index, n := NewIndex(nil), 0
		var older *Index
		var then []*Route
		for range 1 + w.IntN(6) {
			older, then = index, slices.Collect(maps.Keys(present))
			gone, come := w.change(present, &n)
			index = index.Change(gone, come)
			w.check(t, index, slices.Collect(maps.Keys(present)))
			w.check(t, older, then)
		}
		if index = index.Change(slices.Collect(maps.Keys(present)), nil); !isEmpty(index) {
			t.Errorf("something is left of an index without its routes: %+v", index)
		}
	})
}

// change draws routes to be taken away and new ones, numbered from n.
func (w *world) change(present map[*Route]bool, n *int) (gone, come []*Route) {
	for r := range present {
		if w.IntN(3) == 0 {
			gone = append(gone, r)
		}
	}
	for range w.IntN(20) {
		come = append(come, w.route(*n))
		*n++
	}
	for _, r := range gone {
		delete(present, r)
	}
	for _, r := range come {
		present[r] = true
	}
	return gone, come
}

func (w *world) check(t *testing.T, x *Index, routes []*Route) {
	t.Helper()
	if listed := slices.Collect(x.Routes()); x.Len() != len(routes) || len(listed) != len(routes) {
		t.Fatalf("the index has %d routes and lists %d, want %d", x.Len(), len(listed), len(routes))
	}
	for range 30 {
		r := w.request()
		got, want := x.Lookup(r), oracle(routes, r)
		if got != want {
			t.Fatalf("%+v: got %+v, want %+v", *r, got, want)
		}
		if all := x.Explain(r); got != nil && (len(all) == 0 || all[0].Route != got || !all[0].Matched) {
			t.Fatalf("%+v: explained by %+v, but %v won", *r, all, got)
		}
	}
}

func isEmpty(x *Index) bool {
	return x.Len() == 0 && x.exact.count == 0 && x.suffixes.count == 0 && len(x.any[ByPriority])+len(x.any[BySpecificity]) == 0
}
