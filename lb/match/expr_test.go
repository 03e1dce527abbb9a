package match

import (
	"net/netip"
	"testing"
)

// compiled is a pattern that is known to be valid.
func compiled(t *testing.T, kind, text string) *Pattern {
	t.Helper()
	p, err := compilers(nil)[kind](text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestExpr_Match(t *testing.T) {
	plain := Request{Host: "www.x.com", Path: "/foo/bar", Method: "GET"}
	dotted := Request{Host: "www.x.com", Dotted: true}
	port := Request{Host: "www.x.com", Port: 1234}
	http := Request{Host: "www.x.com", Port: 80}
	https := Request{Host: "www.x.com", Port: 443, TLS: true}
	escaped := Request{Path: "/a/b", RoutingPath: "/a%2Fb"}
	public := Request{Entrypoint: "public"}
	asked := Request{
		Remote: netip.MustParseAddr("::ffff:10.0.0.7"),
		Fields: fields{"X-A": {"one", "two"}, "k": {"v", "w"}, "empty": {""}},
	}
	isW := compiled(t, "regexp", "^w$")

	tests := []struct {
		expr Expr
		req  Request
		want bool
	}{
		{Host{"www.x.com"}, plain, true},
		{Host{"x.com"}, plain, false},
		{Host{"www.x.com"}, dotted, true},
		{And{Host{"www.x.com"}, Undotted{}}, dotted, false},
		{And{Host{"www.x.com"}, Undotted{}}, plain, true},

		{HostWildcard{Suffix: ".x.com"}, plain, true},
		{HostWildcard{Suffix: ".com"}, plain, true},
		{HostWildcard{Suffix: ".com", OneLabel: true}, plain, false},
		{HostWildcard{Suffix: ".x.com", OneLabel: true}, plain, true},
		{HostWildcard{Suffix: ".www.x.com"}, plain, false},
		{HostWildcard{}, plain, true},
		{HostGlob{"w?w.*"}, plain, true},
		{HostGlob{"w?w.[a-z].com"}, plain, true},
		{HostGlob{"[^w]*"}, plain, false},

		{Port{}, plain, true},
		{Port{}, port, false},
		{Port{1234}, port, true},
		{Port{80}, plain, true},
		{Port{}, http, true},
		{Port{443}, plain, false},
		{Port{}, https, true},
		{Port{443}, https, true},
		{Port{80}, https, false},
		{PortGlob{"12?4"}, port, true},
		{PortGlob{"1[!3]*"}, port, true},
		{PortGlob{"12?"}, port, false},
		{PortGlob{"*"}, plain, false},
		{PortGlob{"*"}, http, false},
		{PortGlob{"*"}, https, false},

		{Path{Text: "/foo/bar"}, plain, true},
		{Path{Text: "/foo"}, plain, false},
		{PathPrefix{Text: "/fo"}, plain, true},
		{PathPrefix{Text: "/foo/bar/"}, plain, false},
		{Path{Text: "/a/b"}, escaped, true},
		{Path{Text: "/a/b", Routing: true}, escaped, false},
		{Path{Text: "/a%2Fb", Routing: true}, escaped, true},
		{Path{Text: "/foo/bar", Routing: true}, plain, true},

		{PathPrefixFold{"/FOO/b"}, plain, true},
		{PathPrefixFold{"/foo/x"}, plain, false},
		{PathPrefixFold{"/É"}, Request{Path: "/éa"}, true},
		{PathPrefixFold{"/k"}, Request{Path: "/\u212a"}, false},
		{PathGlob{"/foo/*"}, plain, true},
		{PathGlob{"/foo"}, plain, false},
		{PathRegexp{compiled(t, "regexp", "o/b"), false}, plain, true},
		{PathRegexp{compiled(t, "path", "/a/{x}"), false}, escaped, true},
		{PathRegexp{compiled(t, "path", "/a/{x}"), true}, escaped, false},
		{HostRegexp{compiled(t, "host", "{sub}.x.com")}, plain, true},
		{HostRegexp{compiled(t, "regexp", "^x")}, plain, false},

		{Header{"X-A", "two"}, asked, true},
		{Header{"X-A", "three"}, asked, false},
		{Header{"X-A", ""}, asked, false},
		{Header{"X-A", "one"}, plain, false},
		{HasHeader{"X-A"}, asked, true},
		{HasHeader{"X-B"}, asked, false},
		{HeaderRegexp{"X-A", compiled(t, "regexp", "^tw")}, asked, true},
		{HeaderRegexp{"X-B", compiled(t, "regexp", "")}, asked, false},
		{Query{"k", "w", false}, asked, true},
		{Query{"k", "w", true}, asked, false},
		{Query{"k", "v", true}, asked, true},
		{Query{"k", "", false}, asked, false},
		{Query{"empty", "", false}, asked, true},
		{Query{"none", "", false}, asked, false},
		{Query{"k", "v", false}, plain, false},
		{QueryRegexp{"k", isW, false}, asked, true},
		{QueryRegexp{"k", isW, true}, asked, false},
		{HasQuery{"k"}, asked, true},
		{HasQuery{"none"}, asked, false},
		{ClientIP{netip.MustParsePrefix("10.0.0.0/8")}, asked, true},
		{ClientIP{netip.MustParsePrefix("10.0.0.8/32")}, asked, false},
		{ClientIP{netip.MustParsePrefix("10.0.0.0/8")}, plain, false},

		{Method{"GET"}, plain, true},
		{Method{"POST"}, plain, false},
		{TLS{}, plain, false},
		{TLS{}, https, true},
		{Entrypoint{[]string{"web", "public"}}, public, true},
		{Entrypoint{[]string{"web"}}, public, false},

		{And{}, plain, true},
		{Or{}, plain, false},
		{Not{Or{Method{"GET"}, TLS{}}}, plain, false},
		{Not{And{Method{"GET"}, TLS{}}}, plain, true},
	}
	for _, test := range tests {
		if got := test.expr.Match(&test.req); got != test.want {
			t.Errorf("%s on %+v: got %t, want %t", test.expr, test.req, got, test.want)
		}
	}
}

func TestExpr_String(t *testing.T) {
	tests := []struct {
		expr Expr
		want string
	}{
		{And{Host{"a"}, Or{PathPrefix{Text: "/x"}, Path{Text: "/y"}}}, "Host(`a`) && (PathPrefix(`/x`) || Path(`/y`))"},
		{Or{And{Host{"a"}, Method{"GET"}}, Not{Host{"b"}}}, "(Host(`a`) && Method(`GET`)) || !Host(`b`)"},
		{Not{And{Host{"a"}, TLS{}}}, "!(Host(`a`) && TLS())"},
		{Host{"a`b"}, "Host(\"a`b\")"},
		{HostWildcard{Suffix: ".d", OneLabel: true}, "Host(`*.d`)"},
		{HostWildcard{}, "Host(`*`)"},
		{HostWildcard{Suffix: ".d"}, "HostGlob(`*.d`)"},
		{PortGlob{"8*"}, "HostPortGlob(`8*`)"},
		{And{Port{}, Port{81}, Undotted{}}, "HostWithoutPort() && HostPort(`81`) && HostWithoutTrailingDot()"},
		{Entrypoint{[]string{"a", "b"}}, "Entrypoint(`a`, `b`)"},
		{Header{"K", "v"}, "Header(`K`, `v`)"},
		{HeaderRegexp{"K", compiled(t, "regexp", "^v")}, "HeaderRegexp(`K`, `^v`)"},
		{Query{"k", "v", true}, "FirstQuery(`k`, `v`)"},
		{QueryRegexp{"k", compiled(t, "query", "{n}"), false}, "QueryRegexp(`k`, `{n}`)"},
		{ClientIP{netip.MustParsePrefix("10.0.0.0/8")}, "ClientIP(`10.0.0.0/8`)"},
		{PathRegexp{Pattern: compiled(t, "prefix", "/a/{x}")}, "PathPrefix(`/a/{x}`)"},
		{HostRegexp{compiled(t, "host", "{s}.x")}, "HostRegexp(`{s}.x`)"},
	}
	for _, test := range tests {
		if got := test.expr.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
