package match

import "testing"

func TestExpr_Match(t *testing.T) {
	plain := Request{Host: "www.x.com", Path: "/foo/bar", Method: "GET"}
	dotted := Request{Host: "www.x.com", Dotted: true}
	port := Request{Host: "www.x.com", Port: 1234}
	http := Request{Host: "www.x.com", Port: 80}
	https := Request{Host: "www.x.com", Port: 443, TLS: true}
	escaped := Request{Path: "/a/b", RoutingPath: "/a%2Fb"}
	public := Request{Entrypoint: "public"}

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

		{Path{Text: "/foo/bar"}, plain, true},
		{Path{Text: "/foo"}, plain, false},
		{PathPrefix{Text: "/fo"}, plain, true},
		{PathPrefix{Text: "/foo/bar/"}, plain, false},
		{Path{Text: "/a/b"}, escaped, true},
		{Path{Text: "/a/b", Routing: true}, escaped, false},
		{Path{Text: "/a%2Fb", Routing: true}, escaped, true},
		{Path{Text: "/foo/bar", Routing: true}, plain, true},

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
		{And{Port{}, Port{81}, Undotted{}}, "HostWithoutPort() && HostPort(`81`) && HostWithoutTrailingDot()"},
		{Entrypoint{[]string{"a", "b"}}, "Entrypoint(`a`, `b`)"},
	}
	for _, test := range tests {
		if got := test.expr.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
