package lb

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/roster"
	"github.com/sluiceproxy/sluice/watch"
)

// in tells of a service in another datacenter.
func (c *catalog) in(datacenter, service string, instances ...watch.Instance) {
	c.generation++
	c.entries[watch.Services{Scope: watch.Scope{Datacenter: datacenter}}] = watch.Entry{Known: true, Version: c.generation, Value: []watch.ServiceTags{{Name: service, Tags: []string{"urlprefix-/" + service}}}}
	c.entries[watch.Health{Scope: watch.Scope{Datacenter: datacenter}, Service: service}] = watch.Entry{Value: instances, Known: true, Version: c.generation}
}

func TestFailoverToOtherDatacenters(t *testing.T) {
	c := newCatalog()
	c.options.Failover = []string{"dc2", "dc3"}
	at := func(address string, status string) watch.Instance {
		return watch.Instance{
			Node:    watch.NodeInfo{Name: address, Address: address},
			Service: watch.ServiceInfo{ID: address, Name: "web", Port: 80, Tags: []string{"urlprefix-/web"}},
			Checks:  []watch.Check{{Status: status}},
		}
	}
	c.set("web", at("10.1.0.1", watch.Passing))
	b := c.builder()
	asks := func(datacenter string) bool {
		b.unasked = true
		queries, _ := b.Wants(c.snapshot())
		return slices.Contains(queries, watch.Query(watch.Health{Scope: watch.Scope{Datacenter: datacenter}, Service: "web"}))
	}
	want := func(when, address string) {
		t.Helper()
		b.Wants(c.snapshot())
		b.Build(c.snapshot())
		routes := b.Build(c.snapshot()).Routes()
		if len(routes) != 1 {
			t.Fatalf("%s: %d routes", when, len(routes))
		}
		got := ""
		for _, m := range routes[0].Pool.Members() {
			got += m.Key.Address
		}
		if got != address {
			t.Errorf("%s: sent to %q, want %q", when, got, address)
		}
	}
	want("at first", "10.1.0.1:80")
	if asks("dc2") || asks("dc3") {
		t.Error("others are asked without need")
	}
	c.set("web", at("10.1.0.1", watch.Critical))
	want("critical, nobody has answered", "")
	if !asks("dc2") || asks("dc3") {
		t.Error("the second datacenter is not asked, or the third")
	}
	c.in("dc2", "web", at("10.2.0.1", watch.Critical))
	want("critical there too", "")
	if !asks("dc3") {
		t.Error("the third datacenter is not asked")
	}
	c.in("dc3", "web", at("10.3.0.1", watch.Passing))
	want("well in the third", "10.3.0.1:80")
	c.in("dc2", "web", at("10.2.0.1", watch.Passing))
	want("well in the second", "10.2.0.1:80")
	c.remove("web")
	delete(c.entries, c.options.health("web"))
	c.entries[c.options.health("web")] = watch.Entry{Known: true, Version: c.generation, Value: []watch.Instance(nil)}
	want("deregistered at home", "10.2.0.1:80")
	c.set("web", at("10.1.0.9", watch.Passing))
	want("back at home", "10.1.0.9:80")
	c.set("web", at("10.1.0.9", watch.Critical))
	want("critical again, dc2 still known", "10.2.0.1:80")
	c.in("dc2", "web", at("10.2.0.1", watch.Critical))
	c.in("dc3", "web", at("10.3.0.1", watch.Critical))
	want("nobody is well", "")
	c.set("web", at("10.1.0.9", watch.Passing))
	want("well at home", "10.1.0.9:80")
	wantMoves := []roster.Move{
		{Service: "web", Datacenter: "dc3"}, {Service: "web", Datacenter: "dc2"}, {Service: "web"}, {Service: "web", Datacenter: "dc2"}, {Service: "web"},
	}
	if moves := b.roster.TakeMoves(); !slices.Equal(moves, wantMoves) {
		t.Errorf("moves %v, want %v", moves, wantMoves)
	}
	if asks("dc2") || asks("dc3") {
		t.Error("others are still asked")
	}
}

// What stands in for services counts for them: the guard does not add those they
// lost, which are dead for all that is known.
func TestGuardLeavesFailoverAlone(t *testing.T) {
	c := newCatalog()
	c.options.Guard, c.options.Failover = guard.DefaultOptions(), []string{"dc2"}
	for s := range 3 {
		c.set(numbered(s), replicas(s, 4)...)
	}
	g := &guarding{c, c.builder(), t}
	g.want("at home", 12)
	var listed []watch.ServiceTags
	for s := range 3 {
		listed = append(listed, watch.ServiceTags{Name: numbered(s), Tags: []string{"urlprefix-/" + numbered(s)}})
		away := replicas(s, 1)
		away[0].Node.Name, away[0].Node.Address = "far", fmt.Sprintf("10.2.0.%d", s)
		c.in("dc2", numbered(s), away...)
		c.set(numbered(s), allCritical(replicas(s, 4))...)
	}
	c.entries[watch.Services{Scope: watch.Scope{Datacenter: "dc2"}}] = watch.Entry{Known: true, Version: c.generation, Value: listed}
	g.build()
	g.want("in the second datacenter", 3)
	for s := range 3 {
		c.set(numbered(s), replicas(s, 4)...)
	}
	g.want("at home again", 12)
	if s := g.guard.State(); s.Holding {
		t.Errorf("%+v", s)
	}
}
