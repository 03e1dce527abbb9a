package tags

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCanRoute(t *testing.T) {
	o := DefaultOptions()
	exposed := o
	exposed.Exposed = ExposeAll
	onlyFabio := exposed
	onlyFabio.Traefik, onlyFabio.Traefik1 = false, false
	tests := []struct {
		options Options
		tags    []string
		want    bool
	}{
		{o, nil, false},
		{o, []string{"a", "urlprefixes"}, false},
		{o, []string{"a", " urlprefix-/"}, true},
		{o, []string{"traefik.enable=true"}, true},
		{o, []string{"Traefik.enable=true"}, false},
		{exposed, nil, true},
		{onlyFabio, nil, false},
		{onlyFabio, []string{"traefik.enable=true"}, false},
	}
	for _, test := range tests {
		if got := CanRoute(test.options, test.tags); got != test.want {
			t.Errorf("%+v %q: got %t", test.options, test.tags, got)
		}
	}
}

func TestParse_Limits(t *testing.T) {
	var many []string
	for i := range MaxRoutes + 10 {
		many = append(many,
			fmt.Sprintf("urlprefix-h%d/", i),
			fmt.Sprintf("traefik.http.routers.r%d.rule=Host(`h%d`)", i, i))
	}
	long := "urlprefix-/" + strings.Repeat("x", MaxTag)
	d := Parse(DefaultOptions(), "web", []Instance{{ID: "i", Node: "n", Address: "a", Port: 1, Tags: append(many, long)}})
	count := map[Dialect]int{}
	for _, r := range d.Routes {
		count[r.Dialect]++
	}
	if count[Fabio] != MaxRoutes || count[Traefik] != MaxRoutes {
		t.Errorf("got %v routes, want %d of each", count, MaxRoutes)
	}
	if len(d.Problems) != 2 {
		t.Errorf("got problems %v, want one of the routes left out and one of the long tag", d.Problems)
	}
}

// The order in which a source lists instances must not move routes about.
func TestParse_OrderOfInstances(t *testing.T) {
	instances := []Instance{
		{ID: "a", Node: "n1", Address: "1", Port: 1, Tags: []string{"urlprefix-/a", "traefik.frontend.rule=Host:x"}},
		{ID: "b", Node: "n1", Address: "2", Port: 1, Tags: []string{"urlprefix-/a", "traefik.frontend.rule=Host:y", "urlprefix-:x"}},
		{ID: "a", Node: "n2", Address: "3", Port: 1, Tags: []string{"urlprefix-/a strip=/a", "traefik.http.routers.r.rule=Host(`x`)"}},
		{ID: "b", Node: "n2", Address: "4", Port: 1, Tags: []string{"traefik.http.routers.r.rule=Host(`y`)"}},
	}
	want := dump(Parse(DefaultOptions(), "web", instances))
	slices.Reverse(instances)
	if diff := cmp.Diff(want, dump(Parse(DefaultOptions(), "web", instances))); diff != "" {
		t.Error(diff)
	}
}

func TestProblem_HoldsNoSecret(t *testing.T) {
	d := Parse(DefaultOptions(), "web", []Instance{
		{ID: "1", Address: "a", Port: 1, Tags: []string{"traefik.frontend.auth.basik.users=u:s3cret", "traefik.frontend.rule=Host:x"}},
		{ID: "2", Address: "a", Port: 1, Tags: []string{"traefik.frontend.headers.customRequestHeaderz=K:s3cret", "traefik.frontend.rule=Host:x"}},
		{ID: "3", Address: "a", Port: 1, Tags: []string{"traefik.http.middlewares.m.digestauth.users=u:r:s3cret"}},
		{ID: "4", Address: "a", Port: 1, Tags: []string{"traefik.http.middlewares.m.basicauthh.users=u:s3cret"}},
		{ID: "5", Address: "a", Port: 1, Tags: []string{"traefik.http.middlewares.m.headers.customrequestheaders.K=s3cret"}},
	})
	// What a middleware is given it must know; what is told of it is less.
	d.Middlewares, d.Routes = nil, nil
	if text := dump(d); strings.Contains(text, "s3cret") || len(d.Problems) < 3 {
		t.Error(text)
	}
}

func TestWeightsDoNotOverflow(t *testing.T) {
	d := Parse(DefaultOptions(), "web", []Instance{{ID: "a", Node: "n", Address: "a", Port: 1, Weight: 1 << 16, Serving: true, Tags: []string{
		"traefik.http.routers.r.rule=Host(`h`)", "traefik.http.services.s.loadbalancer.server.weight=9223372036854775807",
	}}})
	if e := d.Pools[0].Endpoints[0]; e.Weight <= 0 {
		t.Errorf("the weight is %d", e.Weight)
	}
}

func TestTemplatesOfTagsEnd(t *testing.T) {
	for _, rule := range []string{
		"{{range 9223372036854775807}}{{end}}Host:x",
		"{{if true}}{{with 1}}{{else}}{{range 9223372036854775807}}{{end}}{{end}}{{end}}Host:x",
		`{{define "a"}}x{{end}}{{define "b"}}{{template "a"}}{{template "a"}}{{end}}{{template "b"}}`,
		`{{template "rule" .}}`,
		`{{$x := "a"}}` + strings.Repeat(`{{$x = print $x $x}}`, 60) + "Host:{{$x}}",
		`{{$x := "\\"}}` + strings.Repeat(`{{$x = js $x}}`, 60) + "Host:{{$x}}",
		"Host:" + strings.Repeat("{{.Attributes}}", 250),
	} {
		d := Parse(DefaultOptions(), "web", []Instance{{ID: "a", Node: "n", Address: "a", Port: 1, Serving: true, Tags: []string{
			"traefik.frontends.bad.rule=" + rule, "traefik.frontend.rule=Host:good",
		}}})
		if len(d.Routes) != 1 || d.Routes[0].Rule != "Host:good" || len(d.Problems) != 1 {
			t.Errorf("%.60s: routes %v, problems %v", rule, d.Routes, d.Problems)
		}
	}
}
