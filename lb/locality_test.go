package lb

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// onNode is an instance on a node of a zone.
func onNode(node, zone, address string, tags ...string) watch.Instance {
	i := at(address, tags...)
	i.Node.Name, i.Node.Meta = node, map[string]string{"zone": zone}
	return i
}

// circlesOf are the members of a route's pool with their circles.
func circlesOf(t *testing.T, table *Table, name string) string {
	t.Helper()
	for _, r := range table.Routes() {
		if r.Name == name {
			var all []string
			for _, m := range r.Pool.Members() {
				all = append(all, strings.TrimSuffix(m.Key.Address, ":80")+"/"+string('0'+rune(m.Circle)))
			}
			return strings.Join(all, " ")
		}
	}
	t.Fatalf("there is no route %s", name)
	return ""
}

// Where the load balancer is the catalog tells, once somebody wants to know; the tables
// that are made then go by it.
func TestLocality(t *testing.T) {
	c := newCatalog()
	b := c.builder()
	build := func() *Table {
		b.Wants(c.snapshot())
		return b.Build(c.snapshot())
	}
	asks := func() bool {
		b.unasked = true
		queries, _ := b.Wants(c.snapshot())
		return slices.Contains(queries, watch.Query(watch.Node{}))
	}
	c.set("plain", onNode("edge", "a", "10.0.0.9", "urlprefix-plain/"))
	if build(); asks() {
		t.Error("the agent's node is asked for without need")
	}
	web := []string{"urlprefix-web/", "traefik.http.routers.r.rule=Host(`r`)", "sluice.locality.prefer=node,zone"}
	other := onNode("other", "b", "10.0.0.3", web...)
	moved := onNode("other", "b", "10.0.0.4", web...)
	moved.Service.Meta = map[string]string{"zone": "a"}
	c.set("web", onNode("edge", "a", "10.0.0.1", web...), onNode("next", "a", "10.0.0.2", web...), other, moved)
	if got := circlesOf(t, build(), "web/"); got != "10.0.0.1/2 10.0.0.2/2 10.0.0.3/2 10.0.0.4/2" {
		t.Errorf("while it is not known where we are: %s", got)
	}
	if _, changed := b.Wants(c.snapshot()); !changed || !asks() {
		t.Error("the agent's node is not asked for")
	}
	c.node(&watch.NodeServices{Node: watch.NodeInfo{Name: "edge", Meta: map[string]string{"zone": "a"}}}, nil)
	table := build()
	for name, want := range map[string]string{
		"web/": "10.0.0.1/0 10.0.0.2/1 10.0.0.3/2 10.0.0.4/1", "r": "10.0.0.1/0 10.0.0.2/1 10.0.0.3/2 10.0.0.4/1",
		"plain/": "10.0.0.9/0",
	} {
		if got := circlesOf(t, table, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if problems := table.Problems(); len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
	// It is moved to another zone.
	c.node(&watch.NodeServices{Node: watch.NodeInfo{Name: "edge", Meta: map[string]string{"zone": "b"}}}, nil)
	if got := circlesOf(t, build(), "web/"); got != "10.0.0.1/0 10.0.0.2/2 10.0.0.3/1 10.0.0.4/2" {
		t.Errorf("in the other zone: %s", got)
	}
}

// The configuration says the same for its own routes, and for all.
func TestLocalityOfTheConfiguration(t *testing.T) {
	c := newCatalog()
	c.options.Locality = Locality{Node: "edge", Zone: "a"}
	c.options.Defaults.Balance = &spec.LoadBalancer{Locality: &spec.Locality{Prefer: []string{"zone"}}}
	c.static(t, tags.Static{Routes: []tags.StaticRoute{
		{Name: "static", Source: "a.hcl:1", Rule: "Host(`static`)", Service: "web", Balance: &spec.LoadBalancer{Locality: &spec.Locality{Prefer: []string{"node"}}}},
	}})
	c.set("web", onNode("edge", "a", "10.0.0.1", "urlprefix-web/"), onNode("next", "a", "10.0.0.2", "urlprefix-web/"), onNode("other", "b", "10.0.0.3", "urlprefix-web/"))
	table := c.build()
	for name, want := range map[string]string{"static": "10.0.0.1/0 10.0.0.2/2 10.0.0.3/2", "web/": "10.0.0.1/1 10.0.0.2/1 10.0.0.3/2"} {
		if got := circlesOf(t, table, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// node is what the catalog tells of the agent's node.
func (c *catalog) node(n *watch.NodeServices, err error) {
	c.generation++
	c.entries[watch.Node{}] = watch.Entry{Value: n, Known: err == nil, Version: c.generation, Err: err}
}

// Those of whom the catalog says that they are not well count as near ones that are
// missing, but for those that somebody has taken out.
func TestLocalityCountsTheUnhealthy(t *testing.T) {
	c := newCatalog()
	c.options.Locality = Locality{Node: "edge", Zone: "a", Key: "az"}
	instance := func(address, zone string) watch.Instance {
		i := at(address, "urlprefix-web/", "sluice.locality.prefer=zone", "sluice.locality.healthy=60")
		i.Node.Name, i.Node.Meta = address, map[string]string{"az": zone}
		return i
	}
	retired := instance("10.0.0.4", "a")
	retired.Checks = []watch.Check{{ID: "_node_maintenance", Status: watch.Critical}}
	c.set("web", instance("10.0.0.1", "a"), critical(instance("10.0.0.2", "a")), instance("10.0.0.3", "b"), retired)
	table := c.build()
	p := table.Routes()[0].Pool
	if near := p.Policy().Near; near.Known != [2]int{0, 2} || near.Healthy != 60 || !p.Spills() {
		t.Errorf("%+v, spills: %v; problems %v", near, p.Spills(), table.Problems())
	}
}

// Why nothing is near is a problem.
func TestLocalityThatIsNotKnown(t *testing.T) {
	for name, test := range map[string]struct {
		node *watch.NodeServices
		err  error
		at   Locality
		tag  string
		want string
	}{
		"denied":          {nil, watch.ErrDenied, Locality{}, "node", "cannot be read"},
		"hidden":          {nil, nil, Locality{}, "node", "does not show its own node"},
		"without a zone":  {&watch.NodeServices{Node: watch.NodeInfo{Name: "edge"}}, nil, Locality{}, "zone", "no metadata zone"},
		"no zone needed":  {&watch.NodeServices{Node: watch.NodeInfo{Name: "edge"}}, nil, Locality{}, "node", ""},
		"said by config":  {nil, watch.ErrDenied, Locality{Node: "edge", Zone: "a"}, "zone", ""},
		"misspelt":        {nil, nil, Locality{Node: "edge", Zone: "a"}, "rack", "locality.prefer is"},
		"the other order": {nil, nil, Locality{Node: "edge", Zone: "a"}, "zone,node", "locality.prefer is"},
	} {
		c := newCatalog()
		c.options.Locality = test.at
		c.set("web", at("10.0.0.1", "urlprefix-web/", "sluice.locality.prefer="+test.tag))
		b := c.builder()
		b.Build(c.snapshot())
		c.node(test.node, test.err)
		problems := b.Build(c.snapshot()).Problems()
		if (len(problems) > 0) != (test.want != "") || len(problems) > 0 && !strings.Contains(problems[0].Error(), test.want) {
			t.Errorf("%s: problems %v, want %q", name, problems, test.want)
		}
		if test.err != nil && len(problems) > 0 && errors.Is(test.err, watch.ErrDenied) {
			c.node(&watch.NodeServices{Node: watch.NodeInfo{Name: "edge", Meta: map[string]string{"zone": "a"}}}, nil)
			if problems := b.Build(c.snapshot()).Problems(); len(problems) > 0 {
				t.Errorf("%s: put right, there are still problems %v", name, problems)
			}
		}
	}
}
