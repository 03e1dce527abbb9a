package lb

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/claim"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// What a careless or hostile owner registers is bounded, told of with the name
// of the service, and no harm to the others.
func TestHostileOwners(t *testing.T) {
	const router = "traefik.http.routers.r.rule=Host(`hostile`)"
	repeat := func(n int, tag func(i int) string) (all []string) {
		for i := range n {
			all = append(all, tag(i))
		}
		return all
	}
	long := strings.Repeat("(a|b)", 20_000)
	for _, tt := range []struct {
		name   string
		tags   []string
		served bool // the hostile service, at its own host
		reason string
	}{
		{"another's host", []string{"traefik.http.routers.r.rule=Host(`hostile`) || Host(`shop`)"}, false, "the host is reserved"},
		{"a million routes of Fabio", repeat(1_000_000, func(i int) string { return fmt.Sprint("urlprefix-hostile/", i) }), false, "more than"},
		{"a hundred thousand bad tags", repeat(100_000, func(i int) string { return fmt.Sprint("urlprefix-hostile/ weight=x", i) }), false, "more than"},
		{"a hundred thousand routers", repeat(100_000, func(i int) string {
			return fmt.Sprintf("traefik.http.routers.r%d.rule=Host(`hostile`) && Path(`/%d`)", i, i)
		}), false, "more than"},
		{"a hundred thousand frontends", repeat(100_000, func(i int) string { return fmt.Sprintf("traefik.frontends.r%d.rule=Host:hostile;Path:/%d", i, i) }), true, "more than"},
		{"a hundred thousand tags of no use", repeat(100_000, func(i int) string { return fmt.Sprint("x", i) }), false, ""},
		{"a long regular expression", []string{"traefik.http.routers.r.rule=HostRegexp(`" + long + "`)"}, false, "more than 4096 bytes"},
		{"a long regular expression of a middleware", []string{router, "traefik.http.middlewares.m.replacepathregex.regex=" + long}, true, "more than 4096 bytes"},
		{"a regular expression that repeats itself", []string{"traefik.http.routers.r.rule=HostRegexp(`^((a{100}){100}){100}$`)"}, false, "repe"},
		{"a weight below 0", []string{router, "traefik.http.services.s.loadbalancer.server.weight=-1"}, true, "weight"},
		{"a weight below 0 of Fabio", []string{"urlprefix-hostile/ weight=-1"}, true, "weight"},
		{"a weight below 0 of Traefik v1", []string{"traefik.frontend.rule=Host:hostile", "traefik.weight=-1"}, true, "weight"},
		{"a weight beyond all numbers", []string{router, "traefik.http.services.s.loadbalancer.server.weight=99999999999999999999"}, false, "not a whole number"},
		{"a cookie with a line feed", []string{router, "traefik.http.services.s.loadbalancer.sticky.cookie.name=a\nSet-Cookie: b"}, false, "cookie"},
		{"a cookie with a line feed of Traefik v1", []string{"traefik.frontend.rule=Host:hostile", "traefik.backend.loadbalancer.stickiness=true", "traefik.backend.loadbalancer.stickiness.cookieName=a\r\nb"}, true, "cookie"},
		{"headers of two megabytes", append(repeat(500, func(i int) string {
			return fmt.Sprintf("traefik.http.middlewares.m.headers.customresponseheaders.X-%d=%s", i, strings.Repeat("x", 4000))
		}), router, "traefik.http.routers.r.middlewares=m"), false, "fields of more than"},
		{"a chain of itself", []string{router, "traefik.http.routers.r.middlewares=m", "traefik.http.middlewares.m.chain.middlewares=m"}, false, "contains itself"},
		{"ten thousand middlewares", append(repeat(10_000, func(i int) string { return fmt.Sprintf("traefik.http.middlewares.m%d.addprefix.prefix=/x", i) }), router), true, "more than"},
		{"a header with a line feed", []string{router, "traefik.http.routers.r.middlewares=m", "traefik.http.middlewares.m.headers.customresponseheaders.X-A=a\r\nB: c"}, false, "line"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCatalog()
			c.options.Claims = claim.List{{Host: "shop", Services: []string{"shop"}}}
			c.set("shop", at("10.0.0.1", "urlprefix-shop/"))
			c.set("hostile", at("10.0.0.2", tt.tags...))
			table := c.build()
			find := func(host string) bool {
				_, ok := table.Lookup(&match.Request{Host: host, Path: "/", RoutingPath: "/"})
				return ok
			}
			if !find("shop") {
				t.Error("the other service is not served")
			}
			if got := find("hostile"); got != tt.served {
				t.Errorf("the service is served: %v, want %v", got, tt.served)
			}
			if n := len(table.Routes()); n > 1+tags.MaxRoutes {
				t.Errorf("%d routes", n)
			}
			told, size := false, 0
			for _, p := range table.Problems() {
				told = told || p.Service == "hostile" && strings.Contains(p.Reason, tt.reason)
				size += len(p.Tag) + len(p.Reason)
			}
			if tt.reason != "" && !told {
				t.Errorf("no problem tells of %q: %.300v", tt.reason, table.Problems())
			}
			if n := len(table.Problems()); n > tags.MaxProblems+2 || size > 1<<20 {
				t.Errorf("%d problems of %d bytes", n, size)
			}
		})
	}
}

// A thousand prefixes, each as long as a tag may be, are not what a request becomes.
func TestRewrittenPathsAreBounded(t *testing.T) {
	x := &Exchange{}
	x.setPath("/", "/")
	var err error
	for n := 0; err == nil; n++ {
		if n > 100 {
			t.Fatalf("the path has %d bytes", len(x.RawPath))
		}
		err = x.AddPrefix("/" + strings.Repeat("p", 4000))
	}
	if len(x.RawPath) > maxRewrittenPath || !errors.Is(err, errPathLong) {
		t.Errorf("%d bytes, %v", len(x.RawPath), err)
	}
}

// What a change of one service costs does not grow with what another one asks for.
func TestHostileOwnersCostOthersNothing(t *testing.T) {
	cost := func(hostile ...string) float64 {
		c := newCatalog()
		if len(hostile) > 0 {
			c.set("hostile", at("10.0.0.2", hostile...))
		}
		c.set("shop", at("10.0.0.1", "urlprefix-shop/"))
		b := c.builder()
		b.Wants(c.snapshot())
		b.Build(c.snapshot())
		n := 1
		return testing.AllocsPerRun(20, func() {
			n++
			c.generation++ // of the health of one service alone
			i := at(fmt.Sprint("10.0.1.", n), "urlprefix-shop/")
			i.Service.ID = "shop-1"
			c.entries[c.options.health("shop")] = watch.Entry{Value: []watch.Instance{i}, Known: true, Version: c.generation}
			if table := b.Build(watch.NewSnapshot(c.generation, c.entries)); table.Routes() == nil {
				t.Fatal("nothing is routed")
			}
		})
	}
	var million []string
	for i := range 1_000_000 {
		million = append(million, fmt.Sprint("urlprefix-hostile/", i))
	}
	alone, beside := cost(), cost(million...)
	if beside > 2*alone+100 {
		t.Errorf("a change takes %v allocations, and %v beside a million tags", alone, beside)
	}
	t.Logf("a change takes %v allocations, and %v beside a million tags", alone, beside)
}
