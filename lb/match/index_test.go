package match

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fabio and traefik make routes as the two dialects do.
func fabio(host, path string) *Route {
	e := And{PathPrefix{Text: path}}
	switch {
	case strings.HasPrefix(host, "*"):
		e = append(e, HostWildcard{Suffix: host[1:]})
	case host != "":
		e = append(e, Host{host}, Undotted{}, Port{})
	}
	return &Route{Expr: e, Precedence: &Precedence{Class: BySpecificity, Host: host, Path: path, Name: "fabio " + host + path}}
}

func traefik(priority int, e Expr) *Route {
	return &Route{Expr: e, Precedence: &Precedence{Class: ByPriority, Priority: priority, Name: e.String()}}
}

func TestIndex_Precedence(t *testing.T) {
	host := func(name string) Expr { return Host{name} }
	prefix := func(text string) Expr { return PathPrefix{Text: text} }

	tests := []struct {
		name   string
		routes []*Route
		host   string
		path   string
		want   string // name of the winner
	}{
		{"no route", nil, "x", "/", ""},
		{"no match", []*Route{fabio("x", "/foo/")}, "x", "/foo", ""},

		{"fabio: longest path", []*Route{fabio("x", "/"), fabio("x", "/foo"), fabio("x", "/fo")}, "x", "/foobar", "fabio x/foo"},
		{"fabio: exact host before wildcard", []*Route{fabio("*.x.com", "/foo"), fabio("a.x.com", "/")}, "a.x.com", "/foo", "fabio a.x.com/"},
		{"fabio: host without matching path falls through", []*Route{fabio("*.x.com", "/"), fabio("a.x.com", "/foo")}, "a.x.com", "/bar", "fabio *.x.com/"},
		{"fabio: falls through to hostless", []*Route{fabio("", "/"), fabio("*.x.com", "/foo"), fabio("a.x.com", "/foo")}, "a.x.com", "/bar", "fabio /"},
		{"fabio: longer wildcard first", []*Route{fabio("*.com", "/foo"), fabio("*", "/foo"), fabio("*.x.com", "/")}, "a.x.com", "/foo", "fabio *.x.com/"},
		{"fabio: wildcard crosses dots", []*Route{fabio("*.x.com", "/")}, "a.b.x.com", "/", "fabio *.x.com/"},
		{"fabio: wildcard is not the bare name", []*Route{fabio("*.x.com", "/")}, "x.com", "/", ""},
		{"fabio: any host beats hostless with longer path", []*Route{fabio("", "/foo/bar"), fabio("*", "/")}, "x", "/foo/bar", "fabio */"},

		{"traefik: priority", []*Route{traefik(1, host("x")), traefik(2, prefix("/"))}, "x", "/", "PathPrefix(`/`)"},
		{"traefik: ties by name", []*Route{traefik(1, prefix("/")), traefik(1, host("x"))}, "x", "/", "Host(`x`)"},
		{"traefik: negative priority is last", []*Route{traefik(-1, host("x")), traefik(1, prefix("/"))}, "x", "/", "PathPrefix(`/`)"},
		{"traefik: not indexable", []*Route{traefik(9, Not{host("x")}), traefik(1, prefix("/"))}, "y", "/", "!Host(`x`)"},
		{"traefik: one alternative of many", []*Route{traefik(1, Or{host("x"), And{host("y"), prefix("/foo")}})}, "y", "/foo", "Host(`x`) || (Host(`y`) && PathPrefix(`/foo`))"},
		{"traefik: one label only", []*Route{traefik(1, HostWildcard{".x.com", true})}, "a.b.x.com", "/", ""},

		{"across: exact host beats longer path", []*Route{fabio("x", "/"), traefik(99, prefix("/foo/bar"))}, "x", "/foo/bar", "fabio x/"},
		{"across: exact host beats wildcard", []*Route{fabio("*.x.com", "/foo"), traefik(1, host("a.x.com"))}, "a.x.com", "/foo", "Host(`a.x.com`)"},
		{"across: longer suffix", []*Route{fabio("*.com", "/foo"), traefik(1, HostWildcard{".x.com", true})}, "a.x.com", "/foo", "Host(`*.x.com`)"},
		{"across: wildcard beats none", []*Route{fabio("*.com", "/"), traefik(99, prefix("/foo"))}, "a.com", "/foo", "fabio *.com/"},
		{"across: longer path", []*Route{fabio("x", "/foo"), traefik(99, host("x"))}, "x", "/foo", "fabio x/foo"},
		{"across: exact path", []*Route{fabio("", "/foo"), traefik(1, Path{Text: "/foo"})}, "x", "/foo", "Path(`/foo`)"},
		{"across: traefik on equal terms", []*Route{fabio("x", "/foo"), traefik(1, And{host("x"), prefix("/foo")})}, "x", "/foo", "Host(`x`) && PathPrefix(`/foo`)"},
		{"across: the matching alternative counts", []*Route{fabio("y", "/"), traefik(1, Or{host("x"), prefix("/foo/bar")})}, "y", "/foo/bar", "fabio y/"},
		{"across: a catch-all hides nothing", []*Route{fabio("", "/"), traefik(1, And{host("x"), prefix("/foo")}), traefik(0, prefix("/"))}, "z", "/foo", "PathPrefix(`/`)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if winner := NewIndex(test.routes).Lookup(&Request{Host: test.host, Path: test.path}); winner != nil {
				got = winner.Precedence.Name
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// A pattern with a port is asked before the same one without.
func TestIndex_PortFirst(t *testing.T) {
	source := func(port string, conditions ...Expr) *Route {
		return &Route{Expr: And(conditions), Precedence: &Precedence{Class: BySpecificity, Host: "x", Port: port, Path: "/"}}
	}
	withPort := source("1234", Host{"x"}, Port{1234}, PathPrefix{Text: "/"})
	anyPort := source("", Host{"x"}, PathPrefix{Text: "/"})
	index := NewIndex([]*Route{anyPort, withPort})
	if got := index.Lookup(&Request{Host: "x", Port: 1234, Path: "/"}); got != withPort {
		t.Errorf("got %v, want the one with the port", got)
	}
}

// A rule with more alternatives than an index takes must still be found.
func TestIndex_TooManyAlternatives(t *testing.T) {
	var hosts, paths Or
	for i := range 2 * maxKeys {
		paths = append(paths, PathPrefix{Text: fmt.Sprint("/p", i, "/")})
	}
	for i := range 10 {
		hosts = append(hosts, Host{fmt.Sprint("h", i)})
	}
	byHost := NewIndex([]*Route{traefik(1, And{hosts, paths})})
	if byHost.exact.count != len(hosts) || len(byHost.any[ByPriority])+len(byHost.any[BySpecificity]) != 0 {
		t.Errorf("not indexed by its %d hosts", len(hosts))
	}
	for i := range 2 * maxKeys {
		hosts = append(hosts, Host{fmt.Sprint("h", i)})
	}
	for _, x := range []*Index{byHost, NewIndex([]*Route{traefik(1, And{hosts, paths})})} {
		if x.Lookup(&Request{Host: "h7", Path: "/p300/x"}) == nil {
			t.Error("no match")
		}
		if x.Lookup(&Request{Host: "h7", Path: "/q/x"}) != nil {
			t.Error("match")
		}
	}
}

func TestIndex_Explain(t *testing.T) {
	routes := []*Route{
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
		line := c.Route.Precedence.Name
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
