package lb

import (
	"testing"

	"github.com/sluiceproxy/sluice/lb/match"
)

// The paths of a user's own rules, from tags to what the upstream sees.
func TestBuild_Traefik1Paths(t *testing.T) {
	tests := []struct{ rule, request, want, prefix string }{
		{"PathPrefixStrip:/cerebro/", "/cerebro/", "/", "/cerebro/"},
		{"PathPrefixStrip:/cerebro/", "/cerebro/x/y", "/x/y", "/cerebro/"},
		{"PathPrefixStrip:/cerebro/", "/cerebro//x", "/x", "/cerebro/"},
		{"PathPrefixStrip:/cerebro/", "/cerebro", "404", ""},
		{"PathPrefixStrip:/cerebro/", "/cerebroz/", "404", ""},
		{"PathPrefixStrip:/products", "/products", "/", "/products"},
		{"PathPrefixStrip:/products", "/products/", "/", "/products"},
		{"PathPrefixStrip:/products", "/products/shoes", "/shoes", "/products"},
		{"PathPrefixStrip:/products", "/productsx", "/x", "/products"},
		{"PathPrefixStrip:/products", "/products%2Fx", "/x", "/products"},
		{"PathPrefixStrip:/a,/a/b", "/a/b/c", "/c", "/a/b"},
		{"PathPrefixStrip:/", "/x", "/x", "/"},
		{"PathPrefixStrip:/api", "/api/a%2Fb", "/a%2Fb", "/api"},
		{"PathStrip:/e", "/e", "/", "/e"},
		{"PathStrip:/e", "/e/", "301 /e", ""},
		{"PathStrip:/e", "/e/x", "404", ""},
		{"Path:/path", "/path", "/path", ""},
		{"Path:/path", "/path/", "301 /path", ""},
		{"Path:/path/", "/path", "301 /path/", ""},
		{"Path:/", "/", "/", ""},
		{"PathPrefix:/bar/", "/bar", "404", ""},
		{"PathPrefix:bar", "/bar", "404", ""},
		{"PathPrefixStrip:/a;AddPrefix:/b", "/a/x", "/b/x", "/a"},
	}
	for _, test := range tests {
		c := newCatalog()
		c.set("cerebro",
			at("10.0.0.1", "traefik.enable=true", "traefik.tags=service", "traefik.frontend.rule="+test.rule),
			at("10.0.0.2", "traefik.enable=true", "traefik.tags=service", "traefik.frontend.rule="+test.rule))
		got, prefix := upstreamPath(t, c.build(), test.request)
		if got != test.want || prefix != test.prefix {
			t.Errorf("%s %s: got %s, prefix %q; want %s, prefix %q", test.rule, test.request, got, prefix, test.want, test.prefix)
		}
	}
}

// upstreamPath is what becomes of a path, and the X-Forwarded-Prefix with it.
func upstreamPath(t *testing.T, table *Table, sent string) (path, prefix string) {
	t.Helper()
	decoded, raw, err := cleanPath(sent)
	if err != nil {
		t.Fatal(err)
	}
	x := &Exchange{RawPath: raw, Request: match.Request{Host: "any", Path: decoded, RoutingPath: match.RoutingPath(raw)}}
	route, ok := table.Lookup(&x.Request)
	if !ok {
		return "404", ""
	}
	if to, ok := route.SlashRedirect(decoded); ok {
		return "301 " + to, ""
	}
	if len(route.Pool.Members()) != 2 {
		t.Errorf("%s: %d members, want both instances", sent, len(route.Pool.Members()))
	}
	x.Route = route
	x.forward = handlerFunc(func(*Exchange) { path, prefix = x.RawPath, x.Header.Get("X-Forwarded-Prefix") })
	route.handler.Serve(x)
	return path, prefix
}
