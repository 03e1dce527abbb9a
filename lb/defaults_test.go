package lb

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// Tags may leave out default middlewares, but only those of which the operator says so.
func TestDefaultsThatTagsLeaveOut(t *testing.T) {
	c := newCatalog()
	c.options.Defaults = Defaults{Middlewares: []string{"Guard@file", "Extra@file", "more@file"}, Optional: []string{"Extra@file", "more@file"}}
	c.static(t, tags.Static{Middlewares: []tags.StaticMiddleware{
		{Name: "Guard", Spec: spec.AddPrefix{Prefix: "/guard"}},
		{Name: "Extra", Spec: spec.AddPrefix{Prefix: "/extra"}},
		{Name: "more", Spec: spec.AddPrefix{Prefix: "/more"}},
	}})
	c.set("plain", at("10.0.0.1", "urlprefix-plain/"))
	c.set("one", at("10.0.0.2", "urlprefix-one/", "sluice.without=extra"))
	c.set("both", at("10.0.0.3", "traefik.http.routers.r.rule=Host(`both`)", "sluice.without=MORE@file, extra@file"))
	c.set("bold", at("10.0.0.4", "traefik.frontend.rule=Host:bold", "sluice.without=guard,extra"))
	c.set("odd", at("10.0.0.5", "urlprefix-odd/", "sluice.without.guard=true"))
	b := c.builder()
	for host, want := range map[string]string{
		"plain": "/guard /extra /more", "one": "/guard /more", "both": "/guard", "bold": "/guard /more", "odd": "/guard /extra /more",
	} {
		r := c.find(t, b, host)
		if r == nil {
			t.Fatalf("%s has no route: %v", host, b.table.Problems())
		}
		var got []string
		for _, s := range r.Steps {
			got = append(got, s.Spec.(spec.AddPrefix).Prefix)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s goes through %v, want %s", host, got, want)
		}
	}
	told := map[string]string{}
	for _, p := range b.table.Problems() {
		told[p.Service] = p.Reason
	}
	if len(told) != 2 || !strings.Contains(told["bold"], "guard cannot be left out") || !strings.Contains(told["odd"], "no option sluice.without.guard") {
		t.Errorf("problems %v", told)
	}
}
