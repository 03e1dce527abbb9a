package lb

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/claim"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/watch"
)

// Who gets the requests for a host, when several services ask for it.
func TestClaims(t *testing.T) {
	shop := claim.Claim{Host: "shop.example.com", Services: []string{"shop"}}
	team := claim.Claim{Host: "*.team.example.com", Services: []string{"team-*"}}
	all := claim.Claim{Host: "*", Services: []string{"edge"}}
	rule := func(text string) string { return "traefik.http.routers.r-NAME.rule=" + text }
	for _, tt := range []struct {
		name     string
		claims   claim.List
		owner    string // of the host, without claims
		service  string
		tag      string
		host     string
		served   bool
		problems int
	}{
		{"a name of its own", claim.List{shop}, "", "shop", rule("Host(`shop.example.com`)"), "shop.example.com", true, 0},
		{"another's name", claim.List{shop}, "", "thief", rule("Host(`shop.example.com`)"), "shop.example.com", false, 1},
		{"another's name of Fabio", claim.List{shop}, "", "thief", "urlprefix-shop.example.com/", "shop.example.com", false, 1},
		{"another's name of Traefik v1", claim.List{shop}, "", "thief", "traefik.frontend.rule=Host:shop.example.com", "shop.example.com", false, 1},
		{"a free name", claim.List{shop, team}, "", "thief", rule("Host(`free.example.com`)"), "free.example.com", true, 0},
		{"one of two names", claim.List{shop}, "", "thief", rule("Host(`free.example.com`) || Host(`shop.example.com`)"), "free.example.com", false, 1},
		{"below a wildcard", claim.List{team}, "", "team-a", rule("Host(`x.y.team.example.com`)"), "x.y.team.example.com", true, 0},
		{"below another's wildcard", claim.List{team}, "", "thief", rule("Host(`x.team.example.com`)"), "x.team.example.com", false, 1},
		{"another's wildcard", claim.List{team}, "", "thief", "urlprefix-*.team.example.com/", "x.team.example.com", false, 1},
		{"a wider wildcard, elsewhere", claim.List{team}, "", "thief", "urlprefix-*.example.com/", "x.example.com", true, 0},
		{"a wider wildcard", claim.List{team}, "", "thief", "urlprefix-*.example.com/", "x.team.example.com", false, 0},
		{"a regular expression for it", claim.List{shop}, "", "thief", rule("HostRegexp(`^sho[p]\\.example\\.com$`)"), "shop.example.com", false, 1},
		{"a regular expression for all", claim.List{shop}, "", "thief", rule("HostRegexp(`.*`)"), "shop.example.com", false, 0},
		{"a regular expression for all, elsewhere", claim.List{shop}, "", "thief", rule("HostRegexp(`.*`)"), "free.example.com", true, 0},
		{"all hosts but one", claim.List{shop}, "", "thief", rule("!Host(`free.example.com`)"), "shop.example.com", false, 0},
		{"no host", claim.List{shop}, "", "thief", rule("PathPrefix(`/`)"), "shop.example.com", false, 0},
		{"no host, elsewhere", claim.List{shop}, "", "thief", rule("PathPrefix(`/`)"), "free.example.com", true, 0},
		{"no host, let in", claim.List{{Host: shop.Host, Services: shop.Services, CatchAll: true}}, "", "thief", rule("PathPrefix(`/`)"), "shop.example.com", true, 0},
		{"no host, but all are reserved", claim.List{all}, "", "thief", rule("PathPrefix(`/`)"), "free.example.com", false, 1},
		{"no host, for who may", claim.List{all}, "", "edge", rule("PathPrefix(`/`)"), "free.example.com", true, 0},
		{"the most specific claim counts", claim.List{all, shop}, "", "shop", rule("Host(`shop.example.com`)"), "shop.example.com", true, 0},
		{"no claims", nil, "", "thief", rule("Host(`shop.example.com`)"), "shop.example.com", true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCatalog()
			c.options.Claims = tt.claims
			for _, claim := range tt.claims {
				if err := claim.Validate(); err != nil {
					t.Fatal(err)
				}
			}
			c.set(tt.service, at("10.0.0.1", strings.ReplaceAll(tt.tag, "NAME", tt.service)))
			table := c.build()
			_, served := table.Lookup(&match.Request{Host: tt.host, Path: "/", RoutingPath: "/"})
			if served != tt.served || len(table.Problems()) != tt.problems {
				t.Errorf("served %v, want %v; problems %v, want %d", served, tt.served, table.Problems(), tt.problems)
			}
			for _, p := range table.Problems() {
				if p.Service != tt.service || p.Tag == "" || !strings.Contains(p.Reason, "reserved") {
					t.Errorf("problem %+v", p)
				}
			}
		})
	}
}

// on is a healthy instance on a node, in a namespace of Consul.
func on(node, namespace, address string, tags ...string) watch.Instance {
	i := at(address, tags...)
	i.Node.Name, i.Service.Namespace = node, namespace
	return i
}

// An instance that runs where the claim does not say is not among the targets
// of the others; what it asks for is a problem with its name.
func TestClaimsByNodeAndNamespace(t *testing.T) {
	const tag = "urlprefix-shop.example.com/"
	c := newCatalog()
	c.options.Claims = claim.List{{Host: "shop.example.com", Nodes: []string{"safe-*"}, Namespaces: []string{"default", "shop"}}}
	c.set("shop", on("safe-1", "", "10.0.0.1", tag), on("safe-2", "shop", "10.0.0.2", tag), on("other", "", "10.0.0.3", tag),
		on("safe-3", "dev", "10.0.0.4", tag), on("other", "dev", "10.0.0.5", "urlprefix-free.example.com/"))
	table := c.build()
	got := map[string][]string{}
	for _, r := range table.Routes() {
		for _, e := range r.Endpoints {
			got[r.Rule] = append(got[r.Rule], e.Address)
		}
	}
	want := "map[free.example.com/:[10.0.0.5:80] shop.example.com/:[10.0.0.1:80 10.0.0.2:80]]"
	if fmt.Sprint(got) != want {
		t.Errorf("endpoints %v, want %s", got, want)
	}
	var told []string
	for _, p := range table.Problems() {
		told = append(told, p.Instance+" on "+p.Node)
	}
	if slices.Sort(told); !slices.Equal(told, []string{"shop-3 on other", "shop-4 on safe-3"}) {
		t.Errorf("problems of %v: %v", told, table.Problems())
	}
}

// A name that a service with hosts of its own uses cannot be taken by one with
// more instances, nor can its pool be joined.
func TestNamesOfClaimedServices(t *testing.T) {
	c := newCatalog()
	c.options.Claims = claim.List{{Host: "shop.example.com", Services: []string{"shop"}}}
	tagsOf := func(host string) []string {
		return []string{
			"traefik.http.routers.web.rule=Host(`" + host + "`)", "traefik.http.routers.web.middlewares=m",
			"traefik.http.services.web.loadbalancer.passhostheader=true",
			"traefik.http.middlewares.m.addprefix.prefix=/" + host,
		}
	}
	c.set("shop", at("10.0.0.1", tagsOf("shop.example.com")...))
	c.set("thief", at("10.0.0.2", tagsOf("thief.example.com")...), at("10.0.0.3", tagsOf("thief.example.com")...))
	table := c.build()
	r, ok := table.Lookup(&match.Request{Host: "shop.example.com", Path: "/", RoutingPath: "/"})
	if !ok || len(r.Endpoints) != 1 || r.Endpoints[0].Address != "10.0.0.1:80" || fmt.Sprint(r.Steps[0].Spec) != "{/shop.example.com}" {
		t.Fatalf("found %v: %+v", ok, r)
	}
	reasons := fmt.Sprint(table.Problems())
	for _, part := range []string{"a route of the same name", "declares middleware m in another way", "get no requests for it"} {
		if !strings.Contains(reasons, part) {
			t.Errorf("%q is not among the problems: %s", part, reasons)
		}
	}
}
