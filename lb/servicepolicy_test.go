package lb

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// What the configuration says of a service goes before what its tags say, but not
// before what the configuration says of a pool; and it can be told who says what.
func TestServicePolicy(t *testing.T) {
	c := newCatalog()
	c.options.Defaults.Balance = &spec.LoadBalancer{Strategy: "random", PanicThreshold: 40}
	c.options.Tags.Policies = tags.SortPolicies([]tags.ServicePolicy{
		{Service: "*", Source: "a.hcl:1", Balance: &spec.LoadBalancer{MaxRequests: 9, RequestTimeout: time.Hour}},
		{Service: "web", Source: "a.hcl:2", Balance: &spec.LoadBalancer{Strategy: "leastconn", RequestTimeout: time.Minute}},
	})
	c.static(t, tags.Static{Routes: []tags.StaticRoute{
		{Name: "own", Source: "a.hcl:3", Rule: "Host(`own`)", Service: "web", Balance: &spec.LoadBalancer{Strategy: "p2c"}},
	}})
	c.set("web", at("10.0.0.1", "urlprefix-fabio/", "urlprefix-mixed/ strip=/a", "urlprefix-:5432 proto=tcp", "sluice.strategy=hrw", "sluice.slowstart=30s",
		"traefik.http.routers.r.rule=Host(`router`)", "traefik.http.services.r.loadbalancer.sticky.cookie=true",
		"traefik.http.services.r.loadbalancer.healthcheck.path=/up"), at("10.0.0.2", "urlprefix-mixed/"))
	c.set("bare", at("10.0.0.4", "urlprefix-bare/"))
	table := c.build()
	if problems := table.Problems(); len(problems) != 0 {
		t.Errorf("problems %v", problems)
	}
	const (
		byName = `policy "web", a.hcl:2`
		byStar = `policy "*", a.hcl:1`
		byTags = "tags sluice.… of instance web-1 on n1"
	)
	for host, want := range map[string]struct {
		method  target.Method
		timeout time.Duration
		by      string
	}{
		"fabio":  {target.LeastConns, time.Minute, fmt.Sprint(byName, " [strategy=leastconn requesttimeout=1m0s] ", byStar, " [maxrequests=9] ", byTags, " [slowstart=30s] defaults [panicthreshold=40]")},
		"mixed":  {target.LeastConns, time.Minute, fmt.Sprint(byName, " [strategy=leastconn requesttimeout=1m0s] ", byStar, " [maxrequests=9] ", byTags, " [slowstart=30s] defaults [panicthreshold=40]")},
		"router": {target.LeastConns, time.Minute, fmt.Sprint(byName, " [strategy=leastconn requesttimeout=1m0s] ", byStar, " [maxrequests=9] its own tags [healthcheck] ", byTags, " [slowstart=30s] defaults [panicthreshold=40]")},
		"own":    {target.PowerOfTwo, time.Minute, fmt.Sprint("its own stanza [strategy=p2c] ", byName, " [requesttimeout=1m0s] ", byStar, " [maxrequests=9] ", byTags, " [slowstart=30s] defaults [panicthreshold=40]")},
		"bare":   {target.Random, time.Hour, fmt.Sprint(byStar, " [maxrequests=9 requesttimeout=1h0m0s] defaults [strategy=random panicthreshold=40]")},
	} {
		r, ok := table.Lookup(&match.Request{Host: host, Path: "/", RoutingPath: "/"})
		if !ok {
			t.Errorf("%s has no route", host)
			continue
		}
		p, by := r.Pool.Policy(), ""
		for _, b := range r.Policy.Balanced() {
			by += fmt.Sprint(" ", b.By, " ", b.Options)
		}
		if p.Method != want.method || p.Panic != 40 || p.MaxInFlight != 9 || (p.SlowStart == 30*time.Second) != (host != "bare") ||
			r.wholeTimeout() != want.timeout || r.sticky != nil || by != " "+want.by {
			t.Errorf("%s: %+v, timeout %v, sticky %v, by%s; want\n%s", host, p, r.wholeTimeout(), r.sticky, by, want.by)
		}
	}
	if tcp := table.TCPRoutes(); len(tcp) != 1 || tcp[0].Pool.Policy().Method != target.LeastConns || tcp[0].Policy.Balanced() == nil {
		t.Errorf("connections: %+v", tcp)
	}
}

// The middlewares of a policy come behind those that all routes have, of which a
// policy may spare a service some, and before the service's own.
func TestServicePolicyMiddlewares(t *testing.T) {
	c := newCatalog()
	c.options.Middlewares = anyMiddleware{}
	c.options.Defaults.Middlewares = []string{"one@file", "two@file"}
	c.options.Tags.Policies = []tags.ServicePolicy{
		{Service: "web", Source: "a.hcl:1", Middlewares: []string{"mine@file"}, Without: []string{"two"}},
		{Service: "broken", Source: "a.hcl:2", Middlewares: []string{"none@file"}},
	}
	middleware := func(name string) tags.StaticMiddleware {
		return tags.StaticMiddleware{Name: name, Source: "a.hcl:1", Spec: spec.AddPrefix{Prefix: "/" + name}}
	}
	c.static(t, tags.Static{Middlewares: []tags.StaticMiddleware{middleware("one"), middleware("two"), middleware("mine")}})
	c.set("web", at("10.0.0.1", "urlprefix-web/ strip=/a", "urlprefix-mixed/ strip=/a"), at("10.0.0.2", "urlprefix-mixed/ strip=/b"))
	c.set("other", at("10.0.0.3", "urlprefix-other/ strip=/a"))
	c.set("broken", at("10.0.0.4", "urlprefix-broken/"))
	table := c.build()
	names := func(steps []Step) (all []string) {
		for _, s := range steps {
			all = append(all, s.Spec.Kind()+" "+s.Name)
		}
		return all
	}
	for host, want := range map[string][]string{
		"web":   {"addprefix one@file", "addprefix mine@file", "stripprefix "},
		"other": {"addprefix one@file", "addprefix two@file", "stripprefix "},
		"mixed": {"addprefix one@file"},
	} {
		r, ok := table.Lookup(&match.Request{Host: host, Path: "/", RoutingPath: "/"})
		if !ok || !slices.Equal(names(r.Steps), want) {
			t.Errorf("%s: %v, %v; want %v", host, ok, names(r.Steps), want)
			continue
		}
		for _, v := range r.Variants() {
			if got := names(v.Steps); !slices.Equal(got, []string{"addprefix mine@file", "stripprefix "}) {
				t.Errorf("a variant of %s: %v", host, got)
			}
		}
	}
	if _, ok := table.Lookup(&match.Request{Host: "broken", Path: "/", RoutingPath: "/"}); ok || len(table.Problems()) != 1 {
		t.Errorf("a policy with a middleware that is not there: %v, %v", ok, table.Problems())
	}
}
