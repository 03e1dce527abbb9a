package lb

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/watch"
)

// TestRollingDeploys replaces the instances of a service one by one with such of
// other tags. At no time is there a request without a route that the tags of a
// registered instance ask for.
func TestRollingDeploys(t *testing.T) {
	tests := []struct {
		name        string
		old, new    []string // tags
		byOld, both string   // paths that only old tags ask for, and that both do
		byNew       string
		broken      bool // the new tags cannot be honoured
	}{
		{
			name: "v3: another rule", old: []string{"traefik.http.routers.app.rule=PathPrefix(`/old`)"},
			new: []string{"traefik.http.routers.app.rule=PathPrefix(`/new`)"}, byOld: "/old", byNew: "/new",
		},
		{
			name: "v3: a wider rule", old: []string{"traefik.http.routers.app.rule=PathPrefix(`/api`)"},
			new: []string{"traefik.http.routers.app.rule=PathPrefix(`/api`) || Path(`/health`)"}, both: "/api", byNew: "/health",
		},
		{
			name: "v3: another name", old: []string{"traefik.http.routers.v1.rule=PathPrefix(`/old`)"},
			new: []string{"traefik.http.routers.v2.rule=PathPrefix(`/new`)"}, byOld: "/old", byNew: "/new",
		},
		{
			name: "v3: a middleware that changes",
			old: []string{"traefik.http.routers.app.rule=PathPrefix(`/api`)", "traefik.http.routers.app.middlewares=cut",
				"traefik.http.middlewares.cut.stripprefix.prefixes=/api"},
			new: []string{"traefik.http.routers.app.rule=PathPrefix(`/api`)", "traefik.http.routers.app.middlewares=cut",
				"traefik.http.middlewares.cut.addprefix.prefix=/v2"},
			both: "/api",
		},
		{
			name: "v3: a service that changes",
			old:  []string{"traefik.http.routers.app.rule=PathPrefix(`/api`)", "traefik.http.services.app.loadbalancer.passhostheader=true"},
			new:  []string{"traefik.http.routers.app.rule=PathPrefix(`/api`)", "traefik.http.services.app.loadbalancer.strategy=p2c"},
			both: "/api",
		},
		{
			name: "v3: a rule with a fault", old: []string{"traefik.http.routers.app.rule=PathPrefix(`/api`)"},
			new: []string{"traefik.http.routers.app.rule=PathPrefix(`/api`"}, byOld: "/api", broken: true,
		},
		{
			name: "v3: a middleware with a fault",
			old: []string{"traefik.http.routers.app.rule=PathPrefix(`/api`)", "traefik.http.routers.app.middlewares=cut",
				"traefik.http.middlewares.cut.stripprefix.prefixes=/api"},
			new: []string{"traefik.http.routers.app.rule=PathPrefix(`/api`)", "traefik.http.routers.app.middlewares=cut",
				"traefik.http.middlewares.cut.addprefix.prefix="},
			byOld: "/api", broken: true,
		},
		{
			name: "v3: a tag that does not exist", old: []string{"traefik.http.routers.app.rule=PathPrefix(`/api`)"},
			new: []string{"traefik.http.routers.app.rules=PathPrefix(`/api`)"}, byOld: "/api", broken: true,
		},
		{
			name: "v1: another rule", old: []string{"traefik.frontend.rule=PathPrefixStrip:/old"},
			new: []string{"traefik.frontend.rule=PathPrefixStrip:/new"}, byOld: "/old", byNew: "/new",
		},
		{
			name: "v1: another option", old: []string{"traefik.frontend.rule=PathPrefixStrip:/app", "traefik.frontend.passHostHeader=true"},
			new: []string{"traefik.frontend.rule=PathPrefixStrip:/app", "traefik.frontend.passHostHeader=false"}, both: "/app",
		},
		{
			name: "v1: a rule with a fault", old: []string{"traefik.frontend.rule=PathPrefixStrip:/app"},
			new: []string{"traefik.frontend.rule=PathPrefixStrip/app"}, byOld: "/app", broken: true,
		},
		{
			name: "from v1 to v3", old: []string{"traefik.frontend.rule=PathPrefix:/app"},
			new: []string{"traefik.http.routers.app.rule=PathPrefix(`/app`)"}, both: "/app",
		},
		{
			name: "fabio: another path", old: []string{"urlprefix-/old strip=/old"}, new: []string{"urlprefix-/new strip=/new"},
			byOld: "/old", byNew: "/new",
		},
		{
			name: "fabio: another option", old: []string{"urlprefix-/app"}, new: []string{"urlprefix-/app strip=/app"}, both: "/app",
		},
	}
	const instances = 4
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newCatalog()
			c.options.Middlewares = anyMiddleware{}
			b := c.builder()
			for replaced := range instances + 1 {
				var all []watch.Instance
				for i := range instances {
					tags := test.old
					if i < replaced {
						tags = test.new
					}
					one := at("10.0.0."+string(rune('1'+i)), tags...)
					if i < replaced {
						one.Service.ModifyIndex = 2
					}
					all = append(all, one)
				}
				c.set("app", all...)
				table := b.Build(c.snapshot())
				wanted := map[string]bool{test.both: true, test.byOld: replaced < instances, test.byNew: replaced > 0}
				for _, path := range slices.Sorted(maps.Keys(wanted)) {
					if path == "" {
						continue
					}
					r, ok := table.Lookup(&match.Request{Method: "GET", Host: "h", Path: path})
					if served := ok && len(r.Pool.Targets()) > 0; served != wanted[path] {
						t.Errorf("with %d of %d instances replaced, %s is served: %v\n%s", replaced, instances, path, served, tableText(table))
					}
				}
				settled := replaced == 0 || replaced == instances && !test.broken
				if settled && len(table.Problems()) > 0 {
					t.Errorf("with %d of %d instances replaced: %v", replaced, instances, table.Problems())
				}
			}
		})
	}
}

// Where the tags of both versions match a request, those that count decide: most
// instances, then the newest.
func TestNewestVersionCounts(t *testing.T) {
	c := newCatalog()
	older, newer := at("10.0.0.1", "traefik.http.routers.app.rule=PathPrefix(`/app`)"),
		at("10.0.0.2", "traefik.http.routers.app.rule=PathPrefix(`/`)")
	newer.Service.ModifyIndex = 2
	c.set("app", older, newer)
	table := c.build()
	r, _ := table.Lookup(&match.Request{Method: "GET", Host: "h", Path: "/app"})
	if r == nil || r.Name != "app" || r.Rule != "PathPrefix(`/`)" {
		t.Errorf("the route is %+v", r)
	}
	if !strings.Contains(tableText(table), "router app is declared differently by other instances") {
		t.Errorf("no problem tells of it:\n%s", tableText(table))
	}
}
