package lb

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// What a listener has in front of routes comes before what they have themselves, and
// at that listener alone; a route is at no listener one of whose middlewares is missing.
func TestMiddlewaresOfListeners(t *testing.T) {
	c := newCatalog()
	c.options.Entrypoints = []string{"in", "out"}
	c.options.EntrypointMiddlewares = map[string][]string{"in": {"first@file"}}
	c.static(t, tags.Static{
		Routes: []tags.StaticRoute{
			{Name: "both", Source: "a.hcl:1", Rule: "Host(`both`)", Targets: []string{"http://10.0.0.1:1"}, Middlewares: []string{"second"}},
			{Name: "out", Source: "a.hcl:2", Rule: "Host(`out`)", Targets: []string{"http://10.0.0.1:1"}, Entrypoints: []string{"out"}},
			{Name: "bare", Source: "a.hcl:3", Rule: "Host(`bare`)", Targets: []string{"http://10.0.0.1:1"}, WithoutDefaults: true},
		},
		Middlewares: []tags.StaticMiddleware{
			{Name: "first", Spec: spec.AddPrefix{Prefix: "/first"}}, {Name: "second", Spec: spec.AddPrefix{Prefix: "/second"}},
		},
	})
	wanted := map[string][2]string{"both": {"first@file", "second@file"}, "out": {"", ""}, "bare": {"", ""}}
	routes := c.build().Routes()
	if len(routes) != len(wanted) {
		t.Fatalf("%d routes", len(routes))
	}
	for _, r := range routes {
		var got [2]string
		for _, s := range r.Doors["in"] {
			got[0] += s.Name
		}
		for _, s := range r.Steps {
			got[1] += s.Name
		}
		if got != wanted[r.Name] || len(r.Doors["out"]) > 0 {
			t.Errorf("%s: %q, want %q", r.Name, got, wanted[r.Name])
		}
	}
	c.options.EntrypointMiddlewares = map[string][]string{"out": {"none@file"}}
	table := c.build()
	for _, p := range table.Problems() {
		if strings.Contains(p.Error(), "listener out: there is no middleware none@file") {
			return
		}
	}
	t.Errorf("no problem tells of a middleware that is missing: %v", table.Problems())
}
