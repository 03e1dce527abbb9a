package lb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// static puts stanzas into the options of a catalog's tables.
func (c *catalog) static(t *testing.T, s tags.Static) {
	t.Helper()
	var err error
	if c.options.Static, c.options.Tags.StaticPools, err = s.Definition(nil); err != nil {
		t.Fatal(err)
	}
}

func (c *catalog) find(t *testing.T, b *Builder, host string) *Route {
	t.Helper()
	r, _ := b.Build(c.snapshot()).Lookup(&match.Request{Host: host, Path: "/", RoutingPath: "/"})
	return r
}

// A route of the configuration follows the instances of its service, which
// needs no tags, and is there without any.
func TestStaticRouteFollowsItsService(t *testing.T) {
	c := newCatalog()
	c.static(t, tags.Static{Routes: []tags.StaticRoute{
		{Name: "api", Source: "a.hcl:1", Rule: "Host(`api`)", Service: "api"},
		{Name: "tls", Source: "a.hcl:2", Rule: "Host(`tls`)", Service: "api", Scheme: "https", Reach: tags.Reach{SkipVerify: true}, Balance: &spec.LoadBalancer{Strategy: "p2c"}},
	}})
	b := c.builder()
	if r := c.find(t, b, "api"); r == nil || len(r.Pool.Targets()) != 0 {
		t.Fatalf("without instances: %+v", r)
	}
	c.set("api", at("10.0.0.1"), at("10.0.0.2"))
	b.Wants(c.snapshot())
	queries := b.roster.Names()
	if len(queries) != 1 || queries[0] != "api" {
		t.Errorf("services looked at: %v", queries)
	}
	if r := c.find(t, b, "api"); len(r.Pool.Targets()) != 2 || r.Service != "api" || r.Dialect != tags.File {
		t.Errorf("with two instances: %+v", r)
	}
	if r := c.find(t, b, "tls"); len(r.Endpoints) != 2 || r.Endpoints[0].Scheme != "https" || !r.Endpoints[0].SkipVerify {
		t.Errorf("over TLS: %+v", r.Endpoints)
	}
	c.remove("api")
	if r := c.find(t, b, "api"); r == nil || len(r.Pool.Targets()) != 0 {
		t.Errorf("after the last instance: %+v", r)
	}
}

// A route of the configuration may name a service of the load balancer's own,
// which no instances of the catalog are looked for.
func TestStaticRouteToInternalService(t *testing.T) {
	c := newCatalog()
	c.static(t, tags.Static{Routes: []tags.StaticRoute{
		{Name: "noop", Source: "a.hcl:1", Rule: "Host(`noop`)", Service: "NOOP@internal", Reach: tags.Reach{SkipVerify: true}},
		{Name: "api", Source: "a.hcl:2", Rule: "Host(`api`)", Service: "api@internal"},
	}})
	b := c.builder()
	if r := c.find(t, b, "noop"); r == nil || len(r.Pool.Targets()) != 0 {
		t.Errorf("noop@internal: %+v", r)
	}
	problems := b.Build(c.snapshot()).Problems()
	if r := c.find(t, b, "api"); r != nil || len(problems) != 1 || !strings.Contains(problems[0].Reason, "are at the admin listener") {
		t.Errorf("api@internal: %+v, %v", r, problems)
	}
	if b.Wants(c.snapshot()); len(b.roster.Names()) != 0 {
		t.Errorf("services looked at: %v", b.roster.Names())
	}
}

// Middlewares of the configuration are named from tags, and cannot be replaced
// by them.
func TestStaticMiddlewares(t *testing.T) {
	c := newCatalog()
	c.options.Defaults = Defaults{Middlewares: []string{"all@file"}}
	c.static(t, tags.Static{
		Routes: []tags.StaticRoute{
			{Name: "own", Rule: "Host(`own`)", Targets: []string{"http://10.0.0.9"}, Middlewares: []string{"chain", "tag@consulcatalog"}},
			{Name: "bare", Rule: "Host(`bare`)", Targets: []string{"http://10.0.0.9"}, WithoutDefaults: true},
		},
		Middlewares: []tags.StaticMiddleware{
			{Name: "all", Spec: spec.AddPrefix{Prefix: "/all"}},
			{Name: "Add", Spec: spec.AddPrefix{Prefix: "/file"}},
			{Name: "chain", Spec: spec.Chain{Middlewares: []string{"add"}}},
		},
	})
	c.set("web", at("10.0.0.1", "traefik.http.routers.r.rule=Host(`web`)", "traefik.http.routers.r.middlewares=add@file,add",
		"traefik.http.middlewares.add.addprefix.prefix=/tag", "traefik.http.middlewares.add@file.addprefix.prefix=/hostile",
		"traefik.http.middlewares.tag.addprefix.prefix=/by-tag"))
	c.set("plain", at("10.0.0.2", "urlprefix-plain/"))
	b := c.builder()
	for host, want := range map[string]string{
		"own": "/all /file /by-tag", "bare": "", "web": "/all /file /tag", "plain": "/all",
	} {
		r := c.find(t, b, host)
		if r == nil {
			t.Errorf("%s: no route: %v", host, b.table.Problems())
			continue
		}
		var got []string
		for _, s := range r.Steps {
			got = append(got, s.Spec.(spec.AddPrefix).Prefix)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: middlewares %v, want %s", host, got, want)
		}
	}
}

// A route of the configuration without one of its parts is a problem with its
// place.
func TestStaticRouteWithoutAMiddleware(t *testing.T) {
	c := newCatalog()
	c.static(t, tags.Static{Routes: []tags.StaticRoute{
		{Name: "r", Source: "a.hcl:1", Rule: "Host(`a`)", Targets: []string{"http://10.0.0.9"}, Middlewares: []string{"m@consulcatalog"}},
	}})
	table := c.build()
	if len(table.Routes()) != 0 || len(table.Problems()) != 1 || table.Problems()[0].Source != "a.hcl:1" {
		t.Errorf("routes %v, problems %v", table.Routes(), table.Problems())
	}
	c.set("web", at("10.0.0.1", "urlprefix-/", "traefik.enable=true", "traefik.http.middlewares.m.addprefix.prefix=/x"))
	if table = c.build(); len(table.Problems()) != 0 {
		t.Errorf("problems %v", table.Problems())
	}
}

func TestDefaultBalanceAndEntrypoints(t *testing.T) {
	c := newCatalog()
	c.options.Entrypoints = []string{"web", "admin"}
	c.options.Defaults = Defaults{Entrypoints: []string{"web"}, Balance: &spec.LoadBalancer{Sticky: &spec.Sticky{Cookie: &spec.Cookie{Name: "c"}}}}
	c.set("web", at("10.0.0.1", "urlprefix-plain/", "traefik.http.routers.r.rule=Host(`own`)", "traefik.http.routers.r.entrypoints=admin",
		"traefik.http.services.web.loadbalancer.strategy=p2c"))
	b := c.builder()
	for _, tt := range []struct {
		host, entrypoint string
		sticky           bool
	}{{"plain", "web", true}, {"own", "admin", false}} {
		b.Build(c.snapshot())
		r, ok := b.table.Lookup(&match.Request{Host: tt.host, Path: "/", RoutingPath: "/", Entrypoint: tt.entrypoint})
		if !ok || (r.sticky != nil) != tt.sticky {
			t.Errorf("%s at %s: found %v, %+v", tt.host, tt.entrypoint, ok, r)
		}
		if _, ok := b.table.Lookup(&match.Request{Host: tt.host, Path: "/", RoutingPath: "/", Entrypoint: "other"}); ok {
			t.Errorf("%s is served at another listener", tt.host)
		}
	}
}

// A service of the configuration may be composed of others of it, of services of the
// catalog, and of those that tags declare; tags name it as well.
func TestStaticServices(t *testing.T) {
	c := newCatalog()
	c.static(t, tags.Static{
		Routes: []tags.StaticRoute{
			{Name: "split", Rule: "Host(`split`)", Service: "Split"},
			{Name: "alone", Rule: "Host(`alone`)", Service: "own"},
		},
		Services: []tags.StaticService{
			{Name: "split", Composed: &spec.Composition{Weighted: &spec.Weighted{Services: []spec.WeightedService{
				{Name: "own", Weight: 3}, {Name: "api", Weight: 2}, {Name: "tagged@consulcatalog", Weight: 1}, {Name: "gone", Weight: 1},
			}}}},
			{Name: "own", Targets: []string{"http://10.0.0.9:80"}},
		},
	})
	c.set("api", at("10.0.0.1"))
	c.set("web", at("10.0.0.2", "traefik.http.routers.r.rule=Host(`web`)", "traefik.http.routers.r.service=split@file",
		"traefik.http.services.tagged.loadbalancer.server.port=80"))
	b := c.builder()
	for _, host := range []string{"split", "web"} {
		r := c.find(t, b, host)
		if r == nil || r.Outline() == nil {
			t.Fatalf("%s: %+v, problems %v", host, r, b.Build(c.snapshot()).Problems())
		}
		var parts []string
		for _, p := range r.Outline().Parts {
			parts = append(parts, fmt.Sprintf("%s %d %d", p.Service, p.Weight, len(p.Endpoints)))
		}
		if got, want := strings.Join(parts, ", "), "own 3 1, api 2 1, tagged 1 1, gone 1 0"; got != want {
			t.Errorf("%s is made of %s, want %s", host, got, want)
		}
	}
	if r := c.find(t, b, "alone"); r == nil || len(r.Endpoints) != 1 || r.Endpoints[0].Address != "10.0.0.9:80" {
		t.Errorf("a service with targets: %+v", r)
	}
	c.set("gone", at("10.0.0.3"))
	if r := c.find(t, b, "split"); len(r.Outline().Parts[3].Endpoints) != 1 {
		t.Errorf("a part that has come back: %+v", r.Outline().Parts[3])
	}
}

// A service serves if an instance is healthy of a part that requests go to.
func TestOutlineServes(t *testing.T) {
	up := Outline{Endpoints: []tags.Endpoint{{}, {Serving: true}}}
	down := Outline{Endpoints: []tags.Endpoint{{}}}
	for _, tt := range []struct {
		outline Outline
		want    bool
	}{
		{up, true},
		{down, false},
		{Outline{Kind: "weighted", Parts: []Part{{Outline: down, Weight: 1}, {Outline: up, Weight: 1}}}, true},
		{Outline{Kind: "weighted", Parts: []Part{{Outline: down, Weight: 1}, {Outline: up}}}, false},
		{Outline{Kind: "mirroring", Parts: []Part{{Outline: down, Role: "service"}, {Outline: up, Role: "mirror", Percent: 100}}}, false},
		{Outline{Kind: "mirroring", Parts: []Part{{Outline: up, Role: "service"}, {Outline: down, Role: "mirror", Percent: 100}}}, true},
		{Outline{Kind: "failover", Parts: []Part{{Outline: down, Role: "service"}, {Outline: up, Role: "fallback"}}}, true},
	} {
		if got := tt.outline.Serves(); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.outline, got, tt.want)
		}
	}
}
