package lb

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// catalog is a changing set of services to take snapshots of.
type catalog struct {
	options    Options
	generation uint64
	entries    map[watch.Query]watch.Entry
	services   map[string][]string // tags by name
}

func newCatalog() *catalog {
	return &catalog{options: DefaultOptions(), entries: map[watch.Query]watch.Entry{}, services: map[string][]string{}}
}

// What asks for a list of services, and for the instances of one.
func (o Options) services() watch.Services           { r := o.roster(); return r.Services() }
func (o Options) health(service string) watch.Health { r := o.roster(); return r.Instances(service) }

// set registers the instances of a service in place of those before.
func (c *catalog) set(service string, instances ...watch.Instance) {
	c.list(service, instances...)
	c.entries[c.options.health(service)] = watch.Entry{Value: instances, Known: true, Version: c.generation}
}

// list registers them, but nothing has been heard of the instances yet.
func (c *catalog) list(service string, instances ...watch.Instance) {
	c.generation++
	c.services[service] = nil
	for i := range instances {
		s := &instances[i].Service
		s.ID = fmt.Sprint(service, "-", i+1)
		s.Name = service
		c.services[service] = append(c.services[service], s.Tags...)
	}
	delete(c.entries, c.options.health(service))
}

func (c *catalog) remove(service string) {
	c.generation++
	delete(c.services, service)
}

func (c *catalog) snapshot() *watch.Snapshot {
	var list []watch.ServiceTags
	for name, tags := range c.services {
		list = append(list, watch.ServiceTags{Name: name, Tags: tags})
	}
	c.entries[c.options.services()] = watch.Entry{Value: list, Known: true, Version: c.generation}
	return watch.NewSnapshot(c.generation, c.entries)
}

func (c *catalog) builder() *Builder { return NewBuilder(c.options, target.NewRegistry(nil)) }

// build makes a table from nothing.
func (c *catalog) build() *Table { return c.builder().Build(c.snapshot()) }

// at is a healthy instance on port 80 of an address.
func at(address string, tags ...string) watch.Instance {
	return watch.Instance{
		Node:    watch.NodeInfo{Name: "n1", Address: "192.0.2.1", Datacenter: "dc1"},
		Service: watch.ServiceInfo{Address: address, Port: 80, Tags: tags, ModifyIndex: 1},
	}
}

func critical(i watch.Instance) watch.Instance {
	i.Checks = []watch.Check{{ID: "c", Status: watch.Critical}}
	return i
}

// tableText writes routes and problems in few words.
func tableText(t *Table) string {
	var b strings.Builder
	for _, r := range t.Routes() {
		fmt.Fprintf(&b, "%s of %s -> %s:", r.Name, r.Service, r.Pool.Name())
		for _, m := range r.Pool.Members() {
			fmt.Fprintf(&b, " %s*%d", strings.TrimSuffix(m.Key.Address, ":80"), m.Weight)
		}
		b.WriteByte('\n')
	}
	for _, r := range t.TCPRoutes() {
		fmt.Fprintf(&b, "tcp %s of %s -> %s: %v\n", r.Name, r.Service, r.Pool.Name(), r.Pool.Members())
		for _, v := range r.Variants() {
			fmt.Fprintf(&b, "\t%s: %v\n", v.Rule, v.Endpoints)
		}
	}
	for _, p := range t.Problems() {
		fmt.Fprintf(&b, "! %s %s: %s\n", p.Service, p.Route, p.Reason)
	}
	return b.String()
}

func TestBuild(t *testing.T) {
	tests := []struct {
		name  string
		setup func(c *catalog)
		want  string
	}{
		{"nothing", func(*catalog) {}, ""},
		{"untagged", func(c *catalog) { c.set("web", at("a", "v1")) }, ""},
		{"fabio: instances carrying the tag", func(c *catalog) {
			c.set("web", at("a", "urlprefix-/x"), at("b", "urlprefix-/x", "urlprefix-/y"), at("c"))
		}, "/y of web -> /y@fabio: b*1\n/x of web -> /x@fabio: a*1 b*1\n"},
		{"fabio: services share a route", func(c *catalog) {
			c.set("web", at("a", "urlprefix-/x"))
			c.set("canary", at("b", "urlprefix-/x weight=0.1"))
		}, "/x of canary -> /x@fabio: a*9000 b*1000\n"},
		{"fabio: services ask for a route in two ways", func(c *catalog) {
			c.set("web", at("a", "urlprefix-/x"), at("b", "urlprefix-/x"))
			c.set("canary", at("c", "urlprefix-/x strip=/x"))
		}, "/x of web -> /x@fabio: a*1 b*1 c*1\n"},
		{"fabio: names differ in case alone", func(c *catalog) {
			c.set("web", at("a", "urlprefix-/X"), at("b", "urlprefix-/x"))
		}, "/x of web -> /x@fabio: b*1\n/X of web -> /X@fabio: a*1\n"},
		{"fabio: a redirect is a target", func(c *catalog) {
			c.options.Middlewares = anyMiddleware{}
			c.set("web", at("a", "urlprefix-/x"), at("b", "urlprefix-/x"))
			c.set("canary", at("c", "urlprefix-/x redirect=301,https://y/"))
		}, "/x of web -> /x@fabio: a*1 b*1 https://y/*1\n"},
		{"an instance twice", func(c *catalog) { c.set("web", critical(at("a", "urlprefix-/x")), at("a", "urlprefix-/x")) },
			"/x of web -> /x@fabio: a*1\n"},
		{"no healthy instance keeps the route", func(c *catalog) {
			c.set("web", critical(at("a", "urlprefix-/x", "traefik.frontend.rule=Host:x")))
		}, "frontend-web of web -> backend-web@traefik1:\n/x of web -> /x@fabio:\n"},
		{"node address", func(c *catalog) { c.set("web", at("", "urlprefix-/x")) }, "/x of web -> /x@fabio: 192.0.2.1*1\n"},
		{"mesh proxy", func(c *catalog) {
			proxy := at("a", "urlprefix-/x")
			proxy.Service.Kind = "connect-proxy"
			c.set("web-sidecar-proxy", proxy)
		}, ""},
		{"traefik: parts of other services", func(c *catalog) {
			c.set("web", at("a", "traefik.http.routers.r.rule=Host(`x`)", "traefik.http.routers.r.service=API", "traefik.http.routers.r.middlewares=Strip"))
			c.set("api", at("b", "traefik.http.services.api.loadbalancer.server.weight=2", "traefik.http.middlewares.strip.stripprefix.prefixes=/x"))
		}, "api of api -> api@traefik: b*2\nr of web -> api@traefik: b*2\n"},
		{"traefik: service in two", func(c *catalog) {
			c.set("blue", at("a", "traefik.http.services.s.loadbalancer.server.port=80", "traefik.http.routers.r.rule=Host(`x`)"))
			c.set("green", at("b", "traefik.http.services.s.loadbalancer.server.port=80", "traefik.http.routers.r.rule=Host(`x`)"))
		}, "r of blue -> s@traefik: a*1 b*1\n"},
		{"traefik: missing and broken parts", func(c *catalog) {
			c.set("web", at("a",
				"traefik.http.routers.a.rule=Host(`a`)", "traefik.http.routers.a.middlewares=none",
				"traefik.http.routers.b.rule=Host(`b`)", "traefik.http.routers.b.middlewares=auth",
				"traefik.http.middlewares.auth.basicauth.users=u:p",
				"traefik.http.routers.c.rule=Host(`c`)", "traefik.http.routers.c.service=none",
				"traefik.http.routers.d.rule=Host(`d`)", "traefik.http.routers.d.service=api@internal",
				"traefik.http.routers.e.rule=Host(`e`)", "traefik.http.routers.e.service=web@consulcatalog"))
		}, `e of web -> web@traefik: a*1
! web a: there is no middleware none
! web b: middleware auth: middlewares of kind basicauth are not available
! web c: there is no service none
! web d: service api@internal: of services @internal there are noop and ping, for routers that name them; routes, problems and metrics are at the admin listener
`},
		{"traefik: two services disagree", func(c *catalog) {
			newer := at("b", "traefik.http.routers.r.rule=Host(`new`)", "traefik.http.middlewares.m.addprefix.prefix=/new")
			newer.Service.ModifyIndex = 9
			c.set("a", at("a", "traefik.http.routers.r.rule=Host(`old`)", "traefik.http.middlewares.m.addprefix.prefix=/old"))
			c.set("b", newer)
		}, `r of b -> b@traefik: b*1
r~279158d2bbc731c5 of a -> a@traefik: a*1
! a : service b declares middleware m in another way, which counts
! a : service b asks for a route of the same name in another way, which counts
`},
		{"entry points", func(c *catalog) {
			c.options.Entrypoints = []string{"web"}
			c.set("web", at("a",
				"traefik.http.routers.a.rule=Host(`a`)", "traefik.http.routers.a.entrypoints=web,other",
				"traefik.http.routers.b.rule=Host(`b`)", "traefik.http.routers.b.entrypoints=other"))
		}, "a of web -> web@traefik: a*1\n! web b: no listener has one of the names other\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newCatalog()
			test.setup(c)
			builder := c.builder()
			table := builder.Build(c.snapshot())
			if diff := cmp.Diff(test.want, tableText(table)); diff != "" {
				t.Errorf("table (-want +got):\n%s", diff)
			}
			if !table.Complete() || table.Generation() != c.generation {
				t.Errorf("complete %t, generation %d", table.Complete(), table.Generation())
			}
			if again := tableText(builder.Build(c.snapshot())); again != tableText(table) {
				t.Errorf("built again:\n%s", again)
			}
		})
	}
}

// One changed service among many is all that is parsed anew.
func TestBuild_ParsesOnlyWhatChanged(t *testing.T) {
	c := newCatalog()
	c.set("a", at("a", "urlprefix-/a"))
	c.set("b", at("b", "urlprefix-/b"))
	builder := c.builder()
	first := builder.Build(c.snapshot())
	c.set("b", at("b", "urlprefix-/b2"))
	second := builder.Build(c.snapshot())

	if tableText(second) != "/b2 of b -> /b2@fabio: b*1\n/a of a -> /a@fabio: a*1\n" {
		t.Errorf("the table after the change:\n%s", tableText(second))
	}
	if first.Routes()[1] != second.Routes()[1] {
		t.Error("the service that did not change was parsed again")
	}
	c.remove("a")
	if third := builder.Build(c.snapshot()); len(builder.services) != 1 || len(third.Routes()) != 1 {
		t.Errorf("the service that went is still there: %s", tableText(third))
	}
}

func TestBuild_Complete(t *testing.T) {
	c := newCatalog()
	if table := c.builder().Build(nil); table.Complete() {
		t.Error("complete without any answer")
	}
	c.set("a", at("a", "urlprefix-/a"))
	c.list("b", at("b", "urlprefix-/b"))
	table := c.build()
	if table.Complete() || len(table.Routes()) != 1 {
		t.Errorf("with one service unknown: complete %t, %d routes", table.Complete(), len(table.Routes()))
	}
	c.entries[c.options.health("b")] = watch.Entry{Err: errors.New("connection refused")}
	if c.build().Complete() {
		t.Error("complete with one service unreachable")
	}
	c.entries[c.options.health("b")] = watch.Entry{Err: fmt.Errorf("health: %w", watch.ErrDenied)}
	table = c.build()
	if !table.Complete() || len(table.Problems()) != 1 {
		t.Errorf("with one service denied: complete %t, problems %v", table.Complete(), table.Problems())
	}
}
