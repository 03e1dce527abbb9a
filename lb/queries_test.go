package lb

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/watch"
)

func TestWantedQueries(t *testing.T) {
	c := newCatalog()
	services := c.options.services()
	if diff := cmp.Diff([]watch.Query{services}, WantedQueries(nil, c.options)); diff != "" {
		t.Error(diff)
	}
	c.list("untagged", at("a"))
	c.list("b", at("b", "traefik.enable=true"))
	c.list("a", at("b", "urlprefix-/"))
	want := []watch.Query{services, c.options.health("a"), c.options.health("b")}
	if diff := cmp.Diff(want, WantedQueries(c.snapshot(), c.options)); diff != "" {
		t.Error(diff)
	}
	c.options.Tags.ExposedByDefault = true
	if got := WantedQueries(c.snapshot(), c.options); len(got) != 4 {
		t.Errorf("exposed by default: %v", got)
	}
}
