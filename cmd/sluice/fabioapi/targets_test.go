package fabioapi

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/fabio"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// Routes are shown as the commands that would make them.
func TestFabioTargets(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		weights          []float64
	}{
		{"plain", "route add web WWW.x.com http://127.0.0.1:1", "route add web www.x.com/ http://127.0.0.1:1/", []float64{1}},
		{
			"options, tags and a weight", `route add web x.com/a http://127.0.0.1:1/ weight 0.3 tags "a,b" opts "strip=/a proto=http"`,
			`route add web x.com/a http://127.0.0.1:1/ weight 0.3000 tags "a,b" opts "proto=http strip=/a"`, []float64{1},
		},
		{
			"targets with shares, of two services", "route add a /x http://127.0.0.1:1/ weight 0.5\nroute add b /x http://127.0.0.1:2/\nroute add b /x http://127.0.0.1:3/",
			"route add b /x http://127.0.0.1:3/\nroute add b /x http://127.0.0.1:2/\nroute add a /x http://127.0.0.1:1/ weight 0.5000", []float64{0.25, 0.25, 0.5},
		},
		{
			"a weight that is split", "route add a /x http://127.0.0.1:1/\nroute add a /x http://127.0.0.1:2/\nroute weight a /x weight 1",
			"route add a /x http://127.0.0.1:2/ weight 0.5000\nroute add a /x http://127.0.0.1:1/ weight 0.5000", []float64{0.5, 0.5},
		},
		{"TLS", `route add a /x https://127.0.0.1:1 opts "tlsskipverify=true"`, `route add a /x https://127.0.0.1:1 opts "tlsskipverify=true"`, []float64{1}},
		{"a redirect", `route add a old.com/ https://new.com$path opts "redirect=301"`, `route add a old.com/ https://new.com$path opts "redirect=301"`, []float64{1}},
		{"connections", "route add a :1234 tcp://127.0.0.1:1", "route add a :1234 tcp://127.0.0.1:1", []float64{1}},
		{"by host, longer paths first", "route add a /a http://127.0.0.1:1/\nroute add a /b http://127.0.0.1:1/\nroute add a x.com/ http://127.0.0.1:1/",
			"route add a /b http://127.0.0.1:1/\nroute add a /a http://127.0.0.1:1/\nroute add a x.com/ http://127.0.0.1:1/", []float64{1, 1, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := config.DefaultConfig()
			fabio.SetDefaults(&c)
			c.Fabio.RoutesKey, c.Fabio.NoRouteKey, c.Fabio.Routes = "", "", test.text
			o, err := c.ServerOptions()
			if err != nil {
				t.Fatal(err)
			}
			snapshot := watch.NewSnapshot(1, map[watch.Query]watch.Entry{watch.Services{}: {Known: true, Version: 1, Value: []watch.ServiceTags{}}})
			table := lb.NewBuilder(o.TableOptions(), target.NewRegistry(nil)).Build(snapshot)
			all := targetsOf(table, newOwners("urlprefix-", test.text, nil, snapshot))
			var lines []string
			var weights []float64
			for _, shown := range all {
				lines, weights = append(lines, shown.command()), append(weights, shown.Weight)
			}
			if diff := cmp.Diff(test.want, strings.Join(lines, "\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(test.weights, weights); diff != "" {
				t.Errorf("weights: -want +got:\n%s", diff)
			}
		})
	}
}
