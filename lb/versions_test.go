package lb

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// deployed is an instance in the middle of a deploy.
type deployed struct {
	service, address string
	age              uint64   // the larger, the newer
	status           string   // empty: passing
	asks             []string // tags
}

// deploy registers these instances and no others.
func deploy(s *watchtest.Source, instances ...deployed) {
	all, list := map[string][]watch.Instance{}, []watch.ServiceTags{}
	for _, d := range instances {
		host, text, _ := net.SplitHostPort(d.address)
		one := at(host, d.asks...)
		one.Service.ID, one.Service.Name, one.Service.ModifyIndex = d.address, d.service, d.age
		one.Service.Port, _ = strconv.Atoi(text)
		if d.status != "" {
			one.Checks = []watch.Check{{ID: "c", Status: d.status}}
		}
		all[d.service] = append(all[d.service], one)
		list = append(list, watch.ServiceTags{Name: d.service, Tags: d.asks})
	}
	for service, instances := range all {
		s.Set(watch.Health{Service: service}, instances)
	}
	s.Set(watch.Services{}, list)
}

func routerApp(rule string, more ...string) []string {
	return append([]string{"traefik.http.routers.app.rule=" + rule}, more...)
}

// Each instance is sent requests as its own tags say: those its rule asks for,
// through the middlewares that it declares.
func TestInstancesAreAskedAsTheirTagsSay(t *testing.T) {
	old, new := seer(t, "old"), seer(t, "new")
	before := routerApp("PathPrefix(`/app`) || PathPrefix(`/old`)", "traefik.http.routers.app.middlewares=all",
		"traefik.http.middlewares.all.chain.middlewares=change", "traefik.http.middlewares.change.stripprefix.prefixes=/app")
	after := routerApp("PathPrefix(`/app`) || PathPrefix(`/new`)", "traefik.http.routers.app.middlewares=all",
		"traefik.http.middlewares.all.chain.middlewares=change", "traefik.http.middlewares.change.addprefix.prefix=/v2")
	c := startWithCatalog(t, func(s *watchtest.Source) {
		deploy(s, deployed{"app", old, 1, "", before}, deployed{"app", new, 2, "", after})
	})
	eventually(t, "the catalog was read", c.Ready)
	for path, want := range map[string]map[string]int{
		"/app/x": {"200 old /x host 127.0.0.1": 4, "200 new /v2/app/x host 127.0.0.1": 4},
		"/old":   {"200 old /old host 127.0.0.1": 8},
		"/new":   {"200 new /v2/new host 127.0.0.1": 8},
		"/other": {"404 404 page not found\n": 8},
	} {
		got := asked(c, 8, path)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	for _, text := range []string{"router app is declared differently", "middleware change is declared differently"} {
		if !slices.ContainsFunc(c.Table().Problems(), func(p tags.Problem) bool { return strings.Contains(p.Reason, text) }) {
			t.Errorf("no problem tells that %s: %v", text, c.Table().Problems())
		}
	}

	// Others stand in where there is nobody, by the tags of those who are gone.
	deploy(c.source, deployed{"app", old, 1, watch.Critical, before}, deployed{"app", new, 2, "", after})
	eventually(t, "the new one stands in", func() bool { return asked(c, 4, "/old")["200 new /old host 127.0.0.1"] == 4 })
	deploy(c.source, deployed{"app", new, 2, "", after})
	eventually(t, "the deploy is over", func() bool { return asked(c, 1, "/old")["404 404 page not found\n"] == 1 })
	if problems := c.Table().Problems(); len(problems) > 0 {
		t.Errorf("when it is over: %v", problems)
	}
}

// Where two services, or two versions of one, disagree about something of one
// name, nothing is taken away from either.
func TestDisagreements(t *testing.T) {
	tests := []struct {
		name  string
		a, b  []string // tags of service a, and of the newer service b
		same  bool     // they are versions of one service
		table string   // how requests go: path, service, path behind the middlewares
		told  string
	}{
		{
			name: "routers of different rules", a: routerApp("PathPrefix(`/a`)"), b: routerApp("PathPrefix(`/b`)"),
			table: "/a to a as /a, /b to b as /b", told: "service b asks for a route of the same name in another way",
		},
		{
			name: "routers of one rule", a: routerApp("PathPrefix(`/a`)"), b: routerApp("PathPrefix(`/a`)"),
			table: "/a to b as /a", told: "service b asks for a route of the same name in another way, which counts",
		},
		{
			name: "a newer router that overlaps", a: routerApp("PathPrefix(`/a`) || PathPrefix(`/only`) || Path(`/more`)"), b: routerApp("PathPrefix(`/a`)"),
			table: "/a to b as /a, /only to a as /only", told: "asks for a route of the same name",
		},
		{
			name: "a router whose service is not there", a: routerApp("PathPrefix(`/a`)"),
			b:     routerApp("PathPrefix(`/a`)", "traefik.http.routers.app.service=gone"),
			table: "/a to a as /a", told: "there is no service gone",
		},
		{
			name: "a router whose middleware is not there", a: routerApp("PathPrefix(`/a`)"),
			b:     routerApp("PathPrefix(`/a`)", "traefik.http.routers.app.middlewares=gone"),
			table: "/a to a as /a", told: "there is no middleware gone",
		},
		{
			name: "a version whose middleware is not there", a: routerApp("PathPrefix(`/a`)"),
			b:    routerApp("PathPrefix(`/a`)", "traefik.http.routers.app.middlewares=gone"),
			same: true, table: "/a to a b as /a", told: "there is no middleware gone",
		},
		{
			name: "a router with a fault in its rule", a: routerApp("PathPrefix(`/a`)"), b: routerApp("PathPrefix(/a)"),
			table: "/a to a as /a", told: "found '/' where an argument",
		},
		{
			name:  "middlewares",
			a:     []string{"traefik.http.routers.a.rule=PathPrefix(`/a`)", "traefik.http.routers.a.middlewares=m", "traefik.http.middlewares.m.addprefix.prefix=/old"},
			b:     []string{"traefik.http.routers.b.rule=PathPrefix(`/b`)", "traefik.http.routers.b.middlewares=m", "traefik.http.middlewares.m.addprefix.prefix=/new"},
			table: "/a to a as /old/a, /b to b as /new/b", told: "service b declares middleware m in another way",
		},
		{
			name:  "a middleware with a fault",
			a:     []string{"traefik.http.routers.a.rule=PathPrefix(`/a`)", "traefik.http.routers.a.middlewares=m", "traefik.http.middlewares.m.addprefix.prefix=/old"},
			b:     []string{"traefik.http.routers.b.rule=PathPrefix(`/b`)", "traefik.http.routers.b.middlewares=m", "traefik.http.middlewares.m.addprefix.prefix="},
			table: "/a to a as /old/a, /b to b as /old/b", told: "prefix",
		},
		{
			name: "services of different options",
			a: []string{"traefik.http.routers.a.rule=PathPrefix(`/a`)", "traefik.http.routers.a.service=s",
				"traefik.http.services.s.loadbalancer.passhostheader=true"},
			b:     []string{"traefik.http.services.s.loadbalancer.strategy=p2c"},
			table: "/a to a b as /a", told: "service b declares the service s with other options, which count",
		},
		{
			name: "a service with a fault",
			a: []string{"traefik.http.routers.a.rule=PathPrefix(`/a`)", "traefik.http.routers.a.service=s",
				"traefik.http.services.s.loadbalancer.passhostheader=true"},
			b:     []string{"traefik.http.services.s.loadbalancer.strategy=none"},
			table: "/a to a b as /a", told: "service a declares the service s with other options, which count",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newCatalog()
			older, newer := at("a", test.a...), at("b", test.b...)
			older.Service.ID, newer.Service.ID, newer.Service.ModifyIndex = "a", "b", 2
			if test.same {
				c.set("app", older, newer)
			} else {
				c.set("a", older)
				c.set("b", newer)
			}
			table := c.build()
			var got []string
			for _, path := range []string{"/a", "/b", "/only"} {
				r, ok := table.Lookup(&match.Request{Method: "GET", Host: "h", Path: path, RoutingPath: path})
				if !ok {
					continue
				}
				got = append(got, path+" to "+hosts(r)+" as "+prefixOf(r)+path)
			}
			if all := strings.Join(got, ", "); all != test.table {
				t.Errorf("got %s, want %s\n%s", all, test.table, tableText(table))
			}
			if !strings.Contains(fmt.Sprint(table.Problems()), test.told) {
				t.Errorf("no problem says %q: %v", test.told, table.Problems())
			}
		})
	}
}

func hosts(r *Route) string {
	var all []string
	for _, e := range r.Endpoints {
		host, _, _ := net.SplitHostPort(e.Address)
		all = append(all, host)
	}
	return strings.Join(all, " ")
}

// prefixOf is what the route's middlewares put in front of the path.
func prefixOf(r *Route) (prefix string) {
	for _, step := range r.Steps {
		if add, ok := step.Spec.(spec.AddPrefix); ok {
			prefix = add.Prefix + prefix
		}
	}
	return prefix
}

// Routes are told apart by their names, which strangers have a say in.
func TestNamesBesideDiffer(t *testing.T) {
	name := func(header, service string) string {
		return nameBeside("app", "PathPrefix(`/app`) && Header(`X`, `"+header+"`)", []string(nil), []string(nil), service, service)
	}
	if name("38033", "s1") == name("1433", "s2") { // they have the FNV-1a of 32 bits in common
		t.Error("names of different routes can be made equal")
	}
	if nameBeside("app", "a", "bc") == nameBeside("app", "ab", "c") || nameBeside("app", []string{"a b"}) == nameBeside("app", []string{"a", "b"}) {
		t.Error("parts run into each other")
	}
}
