package tags

import "testing"

// With a prefix of its own, tags with that one count and no others. What templates
// see of Traefik's later versions has the usual one.
func TestOwnPrefix(t *testing.T) {
	o := DefaultOptions()
	o.TraefikPrefix = "edge"
	o.DefaultRule = "Host(`{{ index .Labels \"traefik.zone\" }}`)"
	for name, test := range map[string]struct {
		tags []string
		rule string // of the only route, if there is one
	}{
		"router":         {[]string{"edge.http.routers.r.rule=Host(`a`)"}, "Host(`a`)"},
		"default rule":   {[]string{"edge.enable=true", "edge.zone=east", "traefik.zone=west"}, "Host(`east`)"},
		"frontend":       {[]string{"edge.frontend.rule=Host:{{getAttribute \"zone\" .Attributes \"none\"}}", "edge.zone=east", "traefik.zone=west"}, "Host:east"},
		"the usual one":  {[]string{"traefik.enable=true", "traefik.http.routers.r.rule=Host(`a`)"}, ""},
		"in other case":  {[]string{"Edge.http.routers.r.rule=Host(`a`)"}, ""},
		"a longer one":   {[]string{"edges.http.routers.r.rule=Host(`a`)"}, ""},
		"not in front":   {[]string{" edge.http.routers.r.rule=Host(`a`)"}, ""},
		"usual frontend": {[]string{"traefik.frontend.rule=Host:a"}, ""},
	} {
		d := Parse(o, "web", []Instance{{ID: "i", Node: "n", Address: "a", Port: 1, Serving: true, Tags: test.tags}})
		got := ""
		for _, r := range d.Routes {
			got += r.Rule
		}
		if got != test.rule || len(d.Problems) > 0 {
			t.Errorf("%s: routes %q, want %q; problems %v", name, got, test.rule, d.Problems)
		}
	}
}
