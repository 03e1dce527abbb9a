package lb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/internal/capture"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// liveCatalog is a server that routes by what a fake catalog tells.
type liveCatalog struct {
	*rig
	source *watchtest.Source
	log    *capture.Buffer
}

func startWithCatalog(t *testing.T, change func(*watchtest.Source), options ...func(*ServerOptions)) *liveCatalog {
	t.Helper()
	c := &liveCatalog{source: watchtest.New(), log: &capture.Buffer{}}
	change(c.source)
	o := DefaultServerOptions()
	o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "http"}}
	o.Logger = slog.New(slog.NewTextHandler(io.MultiWriter(c.log, t.Output()), nil))
	for _, set := range options {
		set(&o)
	}
	wo := watch.DefaultOptions()
	wo.Logger = slog.New(slog.DiscardHandler)
	watcher := watch.New(wo, c.source)
	s, err := New(o, watcher)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	c.rig = &rig{Server: s, t: t, addr: s.entries[0].address.String()}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { watcher.Run(ctx) })
	wg.Go(func() { c.err = s.Run(ctx) })
	c.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	t.Cleanup(c.stop)
	return c
}

// register sets a service with these tags and one instance per backend; there is
// no other.
func register(source *watchtest.Source, service string, tags []string, status string, backends ...string) {
	registerAmong(source, service, tags, status, backends...)
	source.Set(watch.Services{}, []watch.ServiceTags{{Name: service, Tags: tags}})
}

// registerAmong is register without the list of services.
func registerAmong(source *watchtest.Source, service string, tags []string, status string, backends ...string) {
	var instances []watch.Instance
	for i, address := range backends {
		host, port, _ := net.SplitHostPort(address)
		n, _ := strconv.Atoi(port)
		instances = append(instances, watch.Instance{
			Node: watch.NodeInfo{Name: "n", Address: host},
			Service: watch.ServiceInfo{
				ID: fmt.Sprint(service, i), Name: service, Tags: tags, Port: n, Weights: watch.Weights{Passing: 1, Warning: 1},
			},
			Checks: []watch.Check{{Node: "n", ID: "c", Status: status, ServiceID: fmt.Sprint(service, i)}},
		})
	}
	source.Set(watch.Health{Service: service}, instances)
}

// The case users come with, tags and all.
func TestCerebroIsRoutedByItsTags(t *testing.T) {
	instance := func(name string) string {
		return httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s %s", name, r.RequestURI, r.Header.Get("X-Forwarded-Prefix"))
		})
	}
	one, two := instance("one"), instance("two")
	tags := []string{"traefik.enable=true", "traefik.tags=service", "traefik.frontend.rule=PathPrefixStrip:/cerebro/"}
	c := startWithCatalog(t, func(s *watchtest.Source) { register(s, "cerebro", tags, watch.Passing, one, two) })
	eventually(t, "the catalog was read", c.Ready)

	var before string
	seen := map[string]bool{}
	for i := range 6 {
		status, body := c.get("/cerebro/x?y=1")
		name, rest, _ := strings.Cut(body, " ")
		if status != http.StatusOK || rest != "/x?y=1 /cerebro/" || name == before {
			t.Errorf("request %d: %d %q after %q, want /x at the other instance", i, status, body, before)
		}
		before, seen[name] = name, true
	}
	if len(seen) != 2 {
		t.Errorf("instances seen: %v", seen)
	}
	if status, _ := c.get("/other"); status != http.StatusNotFound {
		t.Errorf("/other: %d", status)
	}

	// Known but unhealthy is not unknown.
	register(c.source, "cerebro", tags, watch.Critical, one, two)
	eventually(t, "the unhealthy service is a 503", func() bool {
		status, _ := c.get("/cerebro/x")
		return status == http.StatusServiceUnavailable
	})
	// Gone is gone, and its targets with it.
	c.source.Set(watch.Services{}, []watch.ServiceTags{})
	eventually(t, "the deregistered service is a 404", func() bool {
		status, _ := c.get("/cerebro/x")
		return status == http.StatusNotFound
	})
	eventually(t, "no target is kept", func() bool { return len(c.Targets()) == 0 })
	eventually(t, "the log tells of the removal", func() bool { return c.log.Count(`msg="routes changed" added=0 removed=1`) == 1 })
}

func TestRoutesStayWhileTheCatalogIsDown(t *testing.T) {
	address := httpBackend(t, echo)
	c := startWithCatalog(t, func(s *watchtest.Source) { s.Down(errors.New("no leader")) })
	if status, body := c.get("/"); status != http.StatusServiceUnavailable || !strings.Contains(body, "has not been read yet") {
		t.Errorf("%d %q before the first table", status, body)
	}
	c.source.Up()
	register(c.source, "web", []string{"urlprefix-/web"}, watch.Passing, address)
	eventually(t, "the service is routed", func() bool {
		status, _ := c.get("/web")
		return status == http.StatusOK
	})
	generation := c.Table().Generation()
	c.source.Down(errors.New("no leader"))
	eventually(t, "the outage was noticed", func() bool { return c.Table().Generation() > generation })
	if status, _ := c.get("/web"); status != http.StatusOK || !c.Ready() {
		t.Errorf("status %d, ready %v; want routes to outlive the catalog", status, c.Ready())
	}
}

func TestProblemsAreLoggedOncePerAppearance(t *testing.T) {
	address := httpBackend(t, echo)
	bad, good := "traefik.http.routers.r.rule=Host(`a", "urlprefix-/web"
	c := startWithCatalog(t, func(s *watchtest.Source) { register(s, "web", []string{bad, good}, watch.Passing, address) })
	logged := func() int { return strings.Count(c.log.String(), "problem in the catalog") }
	eventually(t, "the problem is logged", func() bool { return logged() == 1 })
	if status, _ := c.get("/web"); status != http.StatusOK {
		t.Errorf("the good tag beside the bad one: %d", status)
	}
	routed := func(path string) func() bool {
		return func() bool {
			status, _ := c.get(path)
			return status == http.StatusOK
		}
	}
	register(c.source, "web", []string{bad, "urlprefix-/two"}, watch.Passing, address)
	eventually(t, "the change is routed", routed("/two"))
	if logged() != 1 {
		t.Errorf("logged %d times while it lasts", logged())
	}
	register(c.source, "web", []string{"urlprefix-/three"}, watch.Passing, address)
	eventually(t, "the change is routed", routed("/three"))
	register(c.source, "web", []string{bad, good}, watch.Passing, address)
	eventually(t, "the problem is logged again when it is back", func() bool { return logged() == 2 })
}

// Of a command, the log says where it is, as there is no tag to look for.
func TestProblemsOfCommandsAreLoggedWithTheirKey(t *testing.T) {
	c := startWithCatalog(t, func(s *watchtest.Source) {
		key := watch.Prefix{Path: "fabio/config"}
		s.Set(key, []watch.Pair{{Key: "fabio/config/a", Value: "# nothing\nroute\n"}})
	}, func(o *ServerOptions) { o.Table.Manual.RoutesKey = "fabio/config" })
	eventually(t, "the problem is logged with its key", func() bool {
		return strings.Contains(c.log.String(), `source="key fabio/config/a, line 2"`)
	})
}

func TestRoutesOfConnectionsAreLogged(t *testing.T) {
	address := httpBackend(t, echo)
	listener := func(o *ServerOptions) {
		o.Listeners = append(o.Listeners, listener.Listener{Address: "127.0.0.1:0", Proto: listener.ProtoTCP})
	}
	c := startWithCatalog(t, func(s *watchtest.Source) {
		register(s, "web", []string{"urlprefix-:5433 proto=tcp"}, watch.Passing, address)
	}, listener)
	eventually(t, "the first one is counted", func() bool { return strings.Contains(c.log.String(), "msg=routing routes=1") })
	register(c.source, "web", []string{"urlprefix-:5434 proto=tcp"}, watch.Passing, address)
	eventually(t, "the change is logged", func() bool {
		return strings.Contains(c.log.String(), `new=":5434/ proto=tcp" gone=":5433/ proto=tcp"`)
	})
}

// One service that cannot be read does not hold up the others for ever.
func TestUnreadableServiceHoldsUpTheOthersForALimitedTime(t *testing.T) {
	backend := httpBackend(t, echo)
	failure := errors.New("GET /v1/health/service/bad: 500 Internal Server Error")
	c := startWithCatalog(t, func(source *watchtest.Source) {
		register(source, "good", []string{"urlprefix-/good"}, watch.Passing, backend)
		source.Set(watch.Services{}, []watch.ServiceTags{
			{Name: "bad", Tags: []string{"urlprefix-/bad"}},
			{Name: "good", Tags: []string{"urlprefix-/good"}},
		})
		source.SetErr(watch.Health{Service: "bad"}, failure)
	}, func(o *ServerOptions) { o.Patience = 10 * time.Millisecond })
	eventually(t, "the good service is routed", func() bool { status, _ := c.get("/good"); return status == 200 })
	problems := c.Table().Problems()
	if len(problems) != 1 || problems[0].Service != "bad" || !strings.Contains(problems[0].Reason, "500 Internal") {
		t.Errorf("problems %v, want the one about bad", problems)
	}
	if c.Table().Complete() {
		t.Error("the table says it is complete")
	}
}

// A name that nobody can ask for holds up nothing, however patient we are.
func TestServiceThatCannotBeAskedForHoldsUpNothing(t *testing.T) {
	backend := httpBackend(t, echo)
	c := startWithCatalog(t, func(source *watchtest.Source) {
		register(source, "good", []string{"urlprefix-/good"}, watch.Passing, backend)
		source.Set(watch.Services{}, []watch.ServiceTags{
			{Name: "..", Tags: []string{"urlprefix-/bad"}},
			{Name: "good", Tags: []string{"urlprefix-/good"}},
		})
		source.SetErr(watch.Health{Service: ".."}, fmt.Errorf("GET /v1/health/service/..: 400 Bad Request: %w", watch.ErrInvalid))
	}, func(o *ServerOptions) { o.Patience = time.Hour })
	eventually(t, "the good service is routed", func() bool { status, _ := c.get("/good"); return status == 200 })
	problems := c.Table().Problems()
	if len(problems) != 1 || problems[0].Service != ".." || !strings.Contains(problems[0].Reason, "400 Bad Request") || !strings.Contains(problems[0].Hint, "another") {
		t.Errorf("problems %v, want the one about the name", problems)
	}
}

// With the catalog itself away nothing is known to be missing: that is no time
// to answer 404.
func TestCatalogThatGoesAwayIsNotAnEmptyOne(t *testing.T) {
	snapshot := watch.NewSnapshot(1, map[watch.Query]watch.Entry{
		watch.Services{}: {
			Known: true, Err: errors.New("refused"),
			Value: []watch.ServiceTags{{Name: "web", Tags: []string{"urlprefix-/"}}},
		},
		watch.Health{Service: "web"}: {Err: errors.New("refused")},
	})
	if table := NewBuilder(DefaultOptions(), target.NewRegistry(nil)).Build(snapshot); table.Settled() {
		t.Error("the table says that all but a few services are known")
	}
}

// Another datacenter is asked as soon as nothing serves at home, not with the
// next change of anything else; and the log tells of it once each way. The health
// of the instance is all that changes here, and the second in which the answers are
// waited for is too short for anything that looks at the catalog from time to time.
func TestFailoverNeedsNoFurtherChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, log := watchtest.New(), &capture.Buffer{}
		tags := []string{"urlprefix-/"}
		elsewhere := watch.Scope{Datacenter: "dc2"}
		register(source, "web", tags, watch.Passing, "10.1.0.1:80")
		source.Set(watch.Services{Scope: elsewhere}, []watch.ServiceTags{{Name: "web", Tags: tags}})
		source.Set(watch.Health{Scope: elsewhere, Service: "web"}, []watch.Instance{{
			Node:    watch.NodeInfo{Name: "far", Address: "10.2.0.1"},
			Service: watch.ServiceInfo{ID: "web", Name: "web", Tags: tags, Port: 80, Weights: watch.Weights{Passing: 1}},
		}})
		o, wo := DefaultServerOptions(), watch.DefaultOptions()
		o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "http"}} // never opened
		o.Table.Failover = []string{"dc2"}
		o.Logger, wo.Logger = slog.New(slog.NewTextHandler(io.MultiWriter(log, t.Output()), nil)), slog.New(slog.DiscardHandler)
		watcher := watch.New(wo, source)
		s, err := New(o, watcher)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { watcher.Run(ctx) })
		running.Go(func() { s.follow(ctx) })
		defer running.Wait()
		defer cancel()
		want := func(when, address string) {
			t.Helper()
			time.Sleep(time.Second)
			synctest.Wait()
			if members := s.table.Load().Routes()[0].Pool.Members(); len(members) != 1 || members[0].Key.Address != address {
				t.Errorf("%s: sent to %v, want %s", when, members, address)
			}
		}
		want("at the beginning", "10.1.0.1:80")
		registerAmong(source, "web", tags, watch.Critical, "10.1.0.1:80")
		want("critical at home", "10.2.0.1:80")
		if away := s.Metrics().Away; len(away) != 1 || away["web"] != "dc2" {
			t.Errorf("away: %v", away)
		}
		registerAmong(source, "web", tags, watch.Passing, "10.1.0.1:80")
		want("well at home", "10.1.0.1:80")
		for _, line := range []string{"are served by another datacenter", "served by their own datacenter again"} {
			if n := strings.Count(log.String(), line); n != 1 {
				t.Errorf("%q is logged %d times", line, n)
			}
		}
		if m := s.Metrics(); m.Moves != 2 || len(m.Away) != 0 {
			t.Errorf("%d moves, away: %v", m.Moves, m.Away)
		}
	})
}
