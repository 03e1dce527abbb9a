package lb

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

func TestBuilder_Wants(t *testing.T) {
	c := newCatalog()
	b := c.builder()
	check := func(s *watch.Snapshot, want ...watch.Query) {
		t.Helper()
		queries, changed := b.Wants(s)
		if diff := cmp.Diff(want, queries); diff != "" || changed != (len(want) > 0) {
			t.Errorf("changed %t, queries (-want +got):\n%s", changed, diff)
		}
	}
	services := c.options.services()
	check(nil, services)
	check(nil)
	c.list("untagged", at("a"))
	c.list("b", at("b", "traefik.enable=true"))
	c.list("a", at("b", "urlprefix-/"))
	check(c.snapshot(), services, c.options.health("a"), c.options.health("b"))
	c.set("b", at("b", "traefik.enable=true", "other"))
	check(c.snapshot())
	c.remove("a")
	s := c.snapshot()
	b.Build(s) // must not keep it from being told
	check(s, services, c.options.health("b"))

	c.options.Tags.Exposed = tags.ExposeAll
	if got, _ := c.builder().Wants(c.snapshot()); len(got) != 3 {
		t.Errorf("exposed by default: %v", got)
	}
}
