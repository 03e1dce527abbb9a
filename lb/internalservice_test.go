package lb

import (
	"testing"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// A router that names ping@internal tells who asks that requests are taken, and
// that they soon are not.
func TestPingTellsOfDraining(t *testing.T) {
	c := startWithCatalog(t, func(s *watchtest.Source) { s.Set(watch.Services{}, []watch.ServiceTags{}) }, func(o *ServerOptions) {
		static := tags.Static{Routes: []tags.StaticRoute{{Name: "ping", Source: "a.hcl:1", Rule: "Path(`/ping`)", Service: "ping@internal"}}}
		var err error
		if o.Table.Static, o.Table.Tags.StaticPools, err = static.Definition(nil); err != nil {
			t.Fatal(err)
		}
	})
	eventually(t, "the catalog was read", c.Ready)
	if status, body := c.get("/ping"); status != 200 || body != "OK" {
		t.Errorf("while it serves: %d %q", status, body)
	}
	c.draining.Store(true)
	if status, body := c.get("/ping"); status != 503 || body != "Service Unavailable" {
		t.Errorf("while it drains: %d %q", status, body)
	}
}
