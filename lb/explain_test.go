package lb

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/match"
)

func TestTable_Explain(t *testing.T) {
	c := newCatalog()
	c.set("web", at("a",
		"urlprefix-/", "urlprefix-x/", "urlprefix-x/app",
		"traefik.http.routers.low.rule=PathPrefix(`/app`)", "traefik.http.routers.low.priority=1",
		"traefik.http.routers.high.rule=Host(`x`) && PathPrefix(`/app`)",
		"traefik.http.routers.same.rule=Host(`x`) && PathPrefix(`/app`)",
		"traefik.http.routers.put.rule=Host(`x`) && Method(`PUT`)"))
	e := c.build().Explain(&match.Request{Host: "x", Path: "/app", Method: "GET"})
	var got []string
	for _, c := range e.Candidates {
		got = append(got, c.Route.Name+": "+c.Reason)
	}
	want := []string{
		"high: wins",
		"same: of equal priorities the first by name wins, high",
		"low: priority 1 is lower than priority 31 (the length of its rule)",
		"x/app: high asks for more of the host and path, or the same",
		"x/: high asks for more of the host and path, or the same",
		"/: high asks for more of the host and path, or the same",
		"put: Method(`PUT`) does not hold",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
	if e.Route == nil || e.Route.Name != "high" || !e.Complete {
		t.Errorf("explained as %+v", e)
	}
	if e := c.build().Explain(&match.Request{Host: "y", Path: "/"}); e.Route.Name != "/" {
		t.Errorf("got %s", e.Route.Name)
	}
}

func TestTable_Empty(t *testing.T) {
	table := newCatalog().build()
	if r, ok := table.Lookup(&match.Request{Host: "x", Path: "/"}); ok {
		t.Errorf("found %v", r)
	}
	if e := table.Explain(&match.Request{Host: "x", Path: "/"}); e.Route != nil || len(e.Candidates) > 0 {
		t.Errorf("explained as %+v", e)
	}
}
