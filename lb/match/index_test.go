package match

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fabio and traefik make routes as the two dialects do.
func fabio(host, path string) Route {
	e := And{PathPrefix{Text: path}}
	switch {
	case strings.HasPrefix(host, "*"):
		e = append(e, HostWildcard{Suffix: host[1:]})
	case host != "":
		e = append(e, Host{host}, Undotted{}, Port{})
	}
	return Route{e, Precedence{Class: BySpecificity, Host: host, Path: path, Name: "fabio " + host + path}}
}

func traefik(priority int, e Expr) Route {
	return Route{e, Precedence{Class: ByPriority, Priority: priority, Name: e.String()}}
}

func TestIndex_Precedence(t *testing.T) {
	host := func(name string) Expr { return Host{name} }
	prefix := func(text string) Expr { return PathPrefix{Text: text} }

	tests := []struct {
		name   string
		routes []Route
		host   string
		path   string
		want   string // name of the winner
	}{
		{"no route", nil, "x", "/", ""},
		{"no match", []Route{fabio("x", "/foo/")}, "x", "/foo", ""},

		{"fabio: longest path", []Route{fabio("x", "/"), fabio("x", "/foo"), fabio("x", "/fo")}, "x", "/foobar", "fabio x/foo"},
		{"fabio: exact host before wildcard", []Route{fabio("*.x.com", "/foo"), fabio("a.x.com", "/")}, "a.x.com", "/foo", "fabio a.x.com/"},
		{"fabio: host without matching path falls through", []Route{fabio("*.x.com", "/"), fabio("a.x.com", "/foo")}, "a.x.com", "/bar", "fabio *.x.com/"},
		{"fabio: falls through to hostless", []Route{fabio("", "/"), fabio("*.x.com", "/foo"), fabio("a.x.com", "/foo")}, "a.x.com", "/bar", "fabio /"},
		{"fabio: longer wildcard first", []Route{fabio("*.com", "/foo"), fabio("*", "/foo"), fabio("*.x.com", "/")}, "a.x.com", "/foo", "fabio *.x.com/"},
		{"fabio: wildcard crosses dots", []Route{fabio("*.x.com", "/")}, "a.b.x.com", "/", "fabio *.x.com/"},
		{"fabio: wildcard is not the bare name", []Route{fabio("*.x.com", "/")}, "x.com", "/", ""},
		{"fabio: any host beats hostless with longer path", []Route{fabio("", "/foo/bar"), fabio("*", "/")}, "x", "/foo/bar", "fabio */"},

		{"traefik: priority", []Route{traefik(1, host("x")), traefik(2, prefix("/"))}, "x", "/", "PathPrefix(`/`)"},
		{"traefik: ties by name", []Route{traefik(1, prefix("/")), traefik(1, host("x"))}, "x", "/", "Host(`x`)"},
		{"traefik: negative priority is last", []Route{traefik(-1, host("x")), traefik(1, prefix("/"))}, "x", "/", "PathPrefix(`/`)"},
		{"traefik: not indexable", []Route{traefik(9, Not{host("x")}), traefik(1, prefix("/"))}, "y", "/", "!Host(`x`)"},
		{"traefik: one alternative of many", []Route{traefik(1, Or{host("x"), And{host("y"), prefix("/foo")}})}, "y", "/foo", "Host(`x`) || (Host(`y`) && PathPrefix(`/foo`))"},
		{"traefik: one label only", []Route{traefik(1, HostWildcard{".x.com", true})}, "a.b.x.com", "/", ""},

		{"across: exact host beats longer path", []Route{fabio("x", "/"), traefik(99, prefix("/foo/bar"))}, "x", "/foo/bar", "fabio x/"},
		{"across: exact host beats wildcard", []Route{fabio("*.x.com", "/foo"), traefik(1, host("a.x.com"))}, "a.x.com", "/foo", "Host(`a.x.com`)"},
		{"across: longer suffix", []Route{fabio("*.com", "/foo"), traefik(1, HostWildcard{".x.com", true})}, "a.x.com", "/foo", "Host(`*.x.com`)"},
		{"across: wildcard beats none", []Route{fabio("*.com", "/"), traefik(99, prefix("/foo"))}, "a.com", "/foo", "fabio *.com/"},
		{"across: longer path", []Route{fabio("x", "/foo"), traefik(99, host("x"))}, "x", "/foo", "fabio x/foo"},
		{"across: exact path", []Route{fabio("", "/foo"), traefik(1, Path{Text: "/foo"})}, "x", "/foo", "Path(`/foo`)"},
		{"across: traefik on equal terms", []Route{fabio("x", "/foo"), traefik(1, And{host("x"), prefix("/foo")})}, "x", "/foo", "Host(`x`) && PathPrefix(`/foo`)"},
		{"across: the matching alternative counts", []Route{fabio("y", "/"), traefik(1, Or{host("x"), prefix("/foo/bar")})}, "y", "/foo/bar", "fabio y/"},
		{"across: a catch-all hides nothing", []Route{fabio("", "/"), traefik(1, And{host("x"), prefix("/foo")}), traefik(0, prefix("/"))}, "z", "/foo", "PathPrefix(`/`)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if i, ok := NewIndex(test.routes).Lookup(&Request{Host: test.host, Path: test.path}); ok {
				got = test.routes[i].Precedence.Name
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// A pattern with a port is asked before the same one without.
func TestIndex_PortFirst(t *testing.T) {
	withPort := Route{And{Host{"x"}, Port{1234}, PathPrefix{Text: "/"}}, Precedence{Class: BySpecificity, Host: "x", Port: "1234", Path: "/"}}
	anyPort := Route{And{Host{"x"}, PathPrefix{Text: "/"}}, Precedence{Class: BySpecificity, Host: "x", Path: "/"}}
	got, _ := NewIndex([]Route{anyPort, withPort}).Lookup(&Request{Host: "x", Port: 1234, Path: "/"})
	if got != 1 {
		t.Errorf("got route %d, want 1", got)
	}
}

// A rule with more alternatives than an index takes must still be found.
func TestIndex_TooManyAlternatives(t *testing.T) {
	var hosts, paths Or
	for i := range 2 * maxTerms {
		paths = append(paths, PathPrefix{Text: fmt.Sprint("/p", i, "/")})
	}
	for i := range 10 {
		hosts = append(hosts, Host{fmt.Sprint("h", i)})
	}
	byHost := NewIndex([]Route{traefik(1, And{hosts, paths})})
	if len(byHost.exact) != len(hosts) || byHost.any.decoded != nil {
		t.Errorf("not indexed by its %d hosts", len(hosts))
	}
	for i := range 2 * maxTerms {
		hosts = append(hosts, Host{fmt.Sprint("h", i)})
	}
	for _, x := range []*Index{byHost, NewIndex([]Route{traefik(1, And{hosts, paths})})} {
		if _, ok := x.Lookup(&Request{Host: "h7", Path: "/p300/x"}); !ok {
			t.Error("no match")
		}
		if _, ok := x.Lookup(&Request{Host: "h7", Path: "/q/x"}); ok {
			t.Error("match")
		}
	}
}

func TestIndex_Explain(t *testing.T) {
	routes := []Route{
		traefik(5, And{Host{"x"}, PathPrefix{Text: "/api"}, Method{"POST"}}),
		traefik(2, Host{"x"}),
		fabio("", "/"),
		fabio("x", "/app"),
		traefik(9, Host{"other"}),
		traefik(3, PathPrefix{Text: "/ap"}),
		traefik(8, Not{Host{"x"}}),
		traefik(7, PathPrefix{Text: "/elsewhere"}),
	}
	var got []string
	for _, c := range NewIndex(routes).Explain(&Request{Host: "x", Path: "/app/1", Method: "GET"}) {
		line := routes[c.Route].Precedence.Name
		if !c.Matched {
			line += " fails at " + c.Failed.String()
		}
		got = append(got, line)
	}
	want := []string{
		"fabio x/app",
		"fabio /",
		"PathPrefix(`/ap`)",
		"Host(`x`)",
		"Host(`x`) && PathPrefix(`/api`) && Method(`POST`) fails at PathPrefix(`/api`)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
}

// oracle is the package documentation taken literally.
func oracle(routes []Route, r *Request) (winner int, ok bool) {
	best := [classes]int{-1, -1}
	for i, route := range routes {
		c := route.Precedence.Class
		if route.Expr.Match(r) && (best[c] < 0 || route.Precedence.Compare(routes[best[c]].Precedence) < 0) {
			best[c] = i
		}
	}
	a, b := best[ByPriority], best[BySpecificity]
	if a < 0 || b < 0 {
		return max(a, b), a >= 0 || b >= 0
	}
	mine, _ := specific(routes[a].Expr, r)
	other, _ := specific(routes[b].Expr, r)
	if other.compare(mine) > 0 {
		return b, true
	}
	return a, true
}

// world draws routes and requests from few words, so that they meet often.
type world struct{ *rand.Rand }

func (w world) pick(words ...string) string { return words[w.IntN(len(words))] }
func (w world) host() string                { return w.pick("a.x", "b.x", "c.a.x", "x", "y.z", "", ".x") }
func (w world) path() string {
	return w.pick("/", "/a", "/ab", "/a/", "/a/b", "/a/b/c", "/b", "/a%2Fb", "")
}

func (w world) expr(depth int) Expr {
	kinds := 13
	if depth == 0 {
		kinds = 9
	}
	switch w.IntN(kinds) {
	case 0, 1:
		return Host{w.host()}
	case 2:
		return HostWildcard{Suffix: w.pick(".x", ".a.x", "", "x", "z"), OneLabel: w.IntN(2) == 0}
	case 3:
		return HostGlob{w.pick("*", "*.x", "?.x", "[ab].x", "*a.x", "y.*", "a.x")}
	case 4:
		return Path{w.path(), w.IntN(2) == 0}
	case 5, 6:
		return PathPrefix{w.path(), w.IntN(2) == 0}
	case 7:
		return Method{w.pick("GET", "PUT")}
	case 8:
		return Port{uint16(w.IntN(2) * 81)}
	case 9:
		return Not{w.expr(depth - 1)}
	case 10:
		return Or(w.exprs(depth - 1))
	default:
		return And(w.exprs(depth - 1))
	}
}

func (w world) exprs(depth int) (list []Expr) {
	for range w.IntN(4) {
		list = append(list, w.expr(depth))
	}
	return list
}

func (w world) route(i int) Route {
	if w.IntN(2) == 0 {
		r := fabio(w.pick("a.x", "*.x", "*", "", "*.a.x", "x"), w.path())
		r.Precedence.Name = fmt.Sprint(i)
		return r
	}
	return Route{w.expr(3), Precedence{Class: ByPriority, Priority: w.IntN(5), Name: fmt.Sprint(i)}}
}

func (w world) request() *Request {
	r := &Request{Host: w.host(), Path: w.path(), Method: w.pick("GET", "PUT"), Port: uint16(w.IntN(2) * 81), Dotted: w.IntN(9) == 0}
	if r.Path == "/a%2Fb" {
		r.Path, r.RoutingPath = "/a/b", r.Path
	}
	return r
}

func FuzzIndex(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := world{rand.New(rand.NewPCG(seed, 0))}
		routes := make([]Route, w.IntN(30))
		for i := range routes {
			routes[i] = w.route(i)
		}
		x := NewIndex(routes)
		for range 50 {
			r := w.request()
			got, ok := x.Lookup(r)
			want, wantOK := oracle(routes, r)
			if ok != wantOK || ok && got != want {
				t.Fatalf("%+v: got %d %t, want %d %t", *r, got, ok, want, wantOK)
			}
			if all := x.Explain(r); ok && (len(all) == 0 || all[0].Route != got || !all[0].Matched) {
				t.Fatalf("%+v: explained by %+v, but %d won", *r, all, got)
			}
		}
	})
}
