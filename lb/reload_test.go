package lb

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// Other options count from the next table on, which comes whether or not the
// catalog changes. Targets stay what they were.
func TestReload(t *testing.T) {
	address := httpBackend(t, echo)
	c := startWithCatalog(t, func(s *watchtest.Source) {
		register(s, "web", []string{"urlprefix-/web", "edge-/edge"}, watch.Passing, address)
	})
	answers := func(path string, want int) {
		t.Helper()
		eventually(t, path+" is routed as it says", func() bool {
			status, _ := c.get(path)
			return status == want
		})
	}
	answers("/web", http.StatusOK)
	answers("/edge", http.StatusNotFound)
	before := c.Targets()[0]

	o := DefaultOptions()
	o.Tags.FabioPrefix = "edge-"
	var err error
	o.Static, o.Tags.StaticPools, err = tags.Static{Routes: []tags.StaticRoute{{Name: "more", Rule: "PathPrefix(`/more`)", Targets: []string{"http://" + address}}}}.Definition(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Reload(o); err != nil {
		t.Fatal(err)
	}
	answers("/edge", http.StatusOK)
	answers("/more", http.StatusOK)
	answers("/web", http.StatusNotFound)
	if after := c.Targets(); len(after) != 1 || after[0] != before {
		t.Errorf("targets %v, want the one there was", after)
	}
	// The catalog is followed as before.
	register(c.source, "web", []string{"edge-/third"}, watch.Passing, address)
	answers("/third", http.StatusOK)
	answers("/more", http.StatusOK)
}

// What other options need is waited for: half of a table is never put in force.
func TestReloadKeepsWhatIsInForceUntilAllIsKnown(t *testing.T) {
	address := httpBackend(t, echo)
	c := startWithCatalog(t, func(s *watchtest.Source) {
		register(s, "web", []string{"urlprefix-/web"}, watch.Passing, address)
		registerAmong(s, "edge", []string{"edge-/edge"}, watch.Passing, address)
		s.Set(watch.Services{}, []watch.ServiceTags{{Name: "web", Tags: []string{"urlprefix-/web"}}, {Name: "edge", Tags: []string{"edge-/edge"}}})
		s.SetErr(watch.Health{Service: "edge"}, errors.New("no leader"))
	})
	eventually(t, "the catalog was read", c.Ready)
	o := DefaultOptions()
	o.Tags.FabioPrefix = "edge-"
	if err := c.Reload(o); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other service is asked for", func() bool { return c.source.Requests(watch.Health{Service: "edge"}) > 0 })
	if status, _ := c.get("/web"); status != http.StatusOK {
		t.Errorf("%d while the other service is not known", status)
	}
	registerAmong(c.source, "edge", []string{"edge-/edge"}, watch.Passing, address)
	eventually(t, "the new table is in force", func() bool {
		status, _ := c.get("/edge")
		return status == http.StatusOK
	})
}

// What the guard holds is not given up for a reload.
func TestReloadWaitsForTheGuard(t *testing.T) {
	s := &Server{rebuild: make(chan Options, 1)}
	s.guarded.Store(&guard.State{Holding: true, Until: time.Now().Add(time.Minute)})
	if err := s.Reload(DefaultOptions()); !errors.Is(err, errHolding) || len(s.rebuild) != 0 {
		t.Errorf("got %v", err)
	}
	s.guarded.Store(&guard.State{})
	for range 2 { // the second takes the first one's place
		if err := s.Reload(DefaultOptions()); err != nil || len(s.rebuild) != 1 {
			t.Errorf("got %v", err)
		}
	}
}
