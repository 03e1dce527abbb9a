package claim

import (
	"testing"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// What others have reserved is left out; what only may match it is kept from it.
func TestRestrict(t *testing.T) {
	all := List{{Host: "*.team.test", Services: []string{"team-*"}}, {Host: "shop.test", Services: []string{"shop"}, Nodes: []string{"safe-*"}}}.Sorted()
	shop := match.Host{Name: "shop.test"}
	for name, test := range map[string]struct {
		asked   match.Expr
		owner   Owner
		left    bool
		claimed bool // it ranks above what others ask for
		host    string
		matches bool
	}{
		"its own":              {shop, Owner{Service: "shop"}, true, true, "shop.test", true},
		"on another node":      {shop, Owner{Service: "shop", Node: "n"}, false, false, "", false},
		"another's":            {shop, Owner{Service: "thief"}, false, false, "", false},
		"below a wildcard":     {match.Host{Name: "x.team.test"}, Owner{Service: "team-a"}, true, true, "x.team.test", true},
		"nobody's":             {match.Host{Name: "free.test"}, Owner{Service: "thief"}, true, false, "free.test", true},
		"any host":             {match.PathPrefix{Text: "/"}, Owner{Service: "thief"}, true, false, "shop.test", false},
		"any host, for nobody": {match.PathPrefix{Text: "/"}, Owner{Service: "thief"}, true, false, "free.test", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := all.Restrict(tags.Definition{
				Routes:    []tags.Route{{Declaration: tags.Declaration{Name: "r", Match: test.asked}}},
				TCPRoutes: []tags.TCPRoute{{Declaration: tags.Declaration{Name: "r", Match: test.asked}}},
			}, test.owner)
			if left := len(d.Routes) == 1; left != test.left || len(d.TCPRoutes) != len(d.Routes) || left == (len(d.Problems) > 0) {
				t.Fatalf("%+v", d)
			}
			for _, r := range d.Routes {
				if r.Origin.Claimed != test.claimed || r.Match.Match(&match.Request{Host: test.host, RoutingPath: "/", Path: "/"}) != test.matches {
					t.Errorf("%s, claimed %t", r.Match, r.Origin.Claimed)
				}
			}
		})
	}
}

func TestServerNamesOfFabio(t *testing.T) {
	all := List{{Host: "shop.test", Services: []string{"shop"}}}
	asked := tags.Definition{TCPRoutes: []tags.TCPRoute{{ServerName: "shop.test"}, {ServerName: "free.test"}}}
	if d := all.Restrict(asked, Owner{Service: "thief"}); len(d.TCPRoutes) != 1 || d.TCPRoutes[0].ServerName != "free.test" || len(d.Problems) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestClaimsAreChecked(t *testing.T) {
	some := []string{"s"}
	for _, c := range []Claim{{Host: "www.a.test", Services: some}, {Host: "*.a.test", Nodes: some}, {Host: "*", Namespaces: some}} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []Claim{{Host: "a.test"}, {Host: "A.test", Services: some}, {Host: "a.test:80", Services: some}, {Host: "*a.test", Services: some}, {Services: some}, {Host: "a.test", Services: []string{"["}}} {
		if c.Validate() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
