package lb

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// The tags of a policy hold for routes of every dialect, of connections too; what
// the dialect or the configuration says for the pool itself goes before, and the
// defaults come behind.
func TestPolicyOfTags(t *testing.T) {
	c := newCatalog()
	c.options.Defaults.Balance = &spec.LoadBalancer{Strategy: "random", PanicThreshold: 40}
	c.static(t, tags.Static{Routes: []tags.StaticRoute{
		{Name: "plain", Source: "a.hcl:1", Rule: "Host(`static`)", Service: "web"},
		{Name: "own", Source: "a.hcl:2", Rule: "Host(`own`)", Service: "web", Balance: &spec.LoadBalancer{Strategy: "p2c"}},
	}})
	policy := []string{"sluice.strategy=leastconn", "sluice.slow-start=30s", "sluice.responsetimeout=7s", "sluice.retries.attempts=1"}
	c.set("web", at("10.0.0.1", append(policy, "urlprefix-fabio/", "urlprefix-:5432 proto=tcp", "urlprefix-mixed/ strip=/a",
		"traefik.http.routers.r.rule=Host(`router`)")...), at("10.0.0.2", "urlprefix-mixed/"))
	c.set("old", at("10.0.0.3", append(policy, "traefik.frontend.rule=Host:frontend")...))
	c.set("bare", at("10.0.0.4", "urlprefix-bare/"))
	table := c.build()
	if problems := table.Problems(); len(problems) != 0 {
		t.Errorf("problems %v", problems)
	}
	for host, want := range map[string]target.Method{
		"fabio": target.LeastConns, "mixed": target.LeastConns, "router": target.LeastConns, "frontend": target.LeastConns,
		"static": target.LeastConns, "own": target.PowerOfTwo, "bare": target.Random,
	} {
		r, ok := table.Lookup(&match.Request{Host: host, Path: "/", RoutingPath: "/"})
		if !ok {
			t.Errorf("%s has no route", host)
			continue
		}
		p, hasPolicy := r.Pool.Policy(), host != "bare"
		if p.Method != want || p.Panic != 40 || (p.SlowStart == 30*time.Second) != hasPolicy ||
			(r.timeout() == 7*time.Second) != hasPolicy || (r.attempts() == 1) != hasPolicy || (r.Policy != nil) != hasPolicy {
			t.Errorf("%s: %+v, timeout %v, attempts %d, because of %+v", host, p, r.timeout(), r.attempts(), r.Policy)
		}
	}
	tcp := table.TCPRoutes()
	if len(tcp) != 1 || tcp[0].Pool.Policy().Method != target.LeastConns || tcp[0].Policy == nil {
		t.Errorf("connections: %+v", tcp)
	}
}

// A policy that goes takes its effect with it, and only that.
func TestPolicyOfTagsChanges(t *testing.T) {
	c := newCatalog()
	b := c.builder()
	methodWith := func(tags ...string) target.Method {
		c.set("web", at("10.0.0.1", append(tags, "urlprefix-web/")...))
		b.Wants(c.snapshot())
		return b.Build(c.snapshot()).Routes()[0].Pool.Policy().Method
	}
	if m := methodWith("sluice.strategy=p2c"); m != target.PowerOfTwo {
		t.Errorf("method %v", m)
	}
	if m := methodWith("sluice.strategy=nonsense"); m != target.RoundRobin || len(b.table.Problems()) != 1 {
		t.Errorf("method %v, problems %v", m, b.table.Problems())
	}
	if m := methodWith(); m != target.RoundRobin || len(b.table.Problems()) != 0 {
		t.Errorf("method %v, problems %v", m, b.table.Problems())
	}
}

// The version of most instances counts while a deploy goes on.
func TestPolicyOfTagsInADeploy(t *testing.T) {
	c := newCatalog()
	instance := func(address, strategy string) watch.Instance {
		i := at(address, "urlprefix-web/", "sluice.strategy="+strategy)
		i.Node.Name = address
		return i
	}
	c.set("web", instance("10.0.0.1", "random"), instance("10.0.0.2", "p2c"), instance("10.0.0.3", "p2c"))
	table := c.build()
	if r := table.Routes()[0]; r.Pool.Policy().Method != target.PowerOfTwo || len(table.Problems()) != 1 {
		t.Errorf("%+v, problems %v", r.Pool.Policy(), table.Problems())
	}
}
