package lb

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/watch"
)

// guarding is a builder of a catalog that is guarded.
type guarding struct {
	*catalog
	*Builder
	t *testing.T
}

func newGuarding(t *testing.T, services, instances int) *guarding {
	c := newCatalog()
	c.options.Guard = guard.DefaultOptions()
	for s := range services {
		c.set(numbered(s), replicas(s, instances)...)
	}
	g := &guarding{c, c.builder(), t}
	g.want("at the beginning", services*instances)
	return g
}

func numbered(service int) string { return fmt.Sprint("s", service) }

// replicas are instances of a service with a route.
func replicas(service, n int) (all []watch.Instance) {
	for i := range n {
		all = append(all, watch.Instance{
			Node:    watch.NodeInfo{Name: fmt.Sprint("n", i), Address: fmt.Sprintf("10.0.%d.%d", service, i)},
			Service: watch.ServiceInfo{Port: 80, Tags: []string{"urlprefix-/" + numbered(service)}},
		})
	}
	return all
}

func allCritical(all []watch.Instance) []watch.Instance {
	for i := range all {
		all[i].Checks = []watch.Check{{Status: watch.Critical}}
	}
	return all
}

// build returns how many targets the routes have.
func (g *guarding) build() (targets int) {
	g.Wants(g.snapshot())
	for _, r := range g.Build(g.snapshot()).Routes() {
		targets += len(r.Pool.Members())
	}
	return targets
}

func (g *guarding) want(when string, targets int) {
	g.t.Helper()
	if got := g.build(); got != targets {
		g.t.Errorf("%s: %d targets, want %d; %+v", when, got, targets, g.guard.State())
	}
}

// empty has a service without instances, which is still in the list.
func (g *guarding) empty(service string) {
	g.generation++
	g.entries[g.options.health(service)] = watch.Entry{Value: []watch.Instance(nil), Known: true, Version: g.generation}
}

// fail shows the builder that the source fails.
func (g *guarding) fail() {
	g.generation++
	g.snapshot() // makes the entry of the list
	err := errors.New("connection refused")
	entries := map[watch.Query]watch.Entry{}
	for q, e := range g.entries {
		e.Err = err
		entries[q] = e
	}
	g.Build(watch.NewSnapshot(g.generation, entries))
}

// All at once: nothing changes, and in the end it does.
func TestGuardHoldsAWipedCatalog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarding(t, 5, 2)
		for s := range 5 {
			g.remove(numbered(s))
		}
		g.want("after the loss", 10)
		if s := g.guard.State(); !s.Holding || s.Instances != 10 || len(s.Held) != 5 || s.Trips != 1 {
			t.Errorf("%+v", s)
		}
		if _, ok := g.table.Lookup(&match.Request{Host: "x", Path: "/s1", RoutingPath: "/s1"}); !ok {
			t.Error("a route is gone")
		}
		time.Sleep(4 * time.Minute)
		g.want("while it is held", 10)
		time.Sleep(time.Minute)
		g.want("when the time is over", 0)
		if s := g.guard.State(); s.Holding || s.Instances != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// One service after the other, the answers of some of which come before the list.
func TestGuardAddsUpLosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarding(t, 6, 2)
		for s := range 3 {
			g.empty(numbered(s))
			g.build()
			time.Sleep(time.Second)
		}
		g.want("half of them", 6)
		g.remove(numbered(3))
		g.want("more than half", 12)
		g.remove(numbered(4))
		g.set(numbered(5), replicas(5, 1)...)
		g.want("those that are lost after that", 12)
		// What happens later is believed.
		time.Sleep(time.Minute)
		g.set(numbered(6), replicas(6, 2)...)
		g.want("a new service", 14)
		g.set(numbered(6), replicas(6, 1)...)
		g.want("one instance less", 13)
	})
}

func TestGuardBelievesSlowLosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarding(t, 6, 2)
		for s := range 6 {
			g.remove(numbered(s))
			g.want("one service less", 2*(5-s))
			time.Sleep(guard.DefaultOptions().Window)
		}
	})
}

func TestGuardBelievesTheEndOfOneService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarding(t, 1, 10)
		g.set(numbered(0), replicas(0, 3)...)
		g.want("most of its instances", 3)
		g.set("other", replicas(9, 1)...)
		g.empty(numbered(0))
		g.want("all of them", 1)
		g.remove(numbered(0))
		g.want("the service", 1)
	})
}

// A deploy that stops first and starts then loses nothing.
func TestGuardKnowsReplacements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarding(t, 4, 2)
		for s := range 4 {
			replaced := replicas(s, 2)
			for i := range replaced {
				replaced[i].Node.Name += "-new"
			}
			g.set(numbered(s), replaced...)
			g.want("one service is replaced", 8)
		}
		if s := g.guard.State(); s.Trips != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestGuardOfMassCriticalButNotOfMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarding(t, 4, 2)
		for s := range 4 {
			retired := replicas(s, 2)
			for i := range retired {
				retired[i].Checks = []watch.Check{{ID: "_node_maintenance", Status: watch.Critical}}
			}
			g.set(numbered(s), retired...)
		}
		g.want("in maintenance", 0)
		for s := range 4 {
			g.set(numbered(s), replicas(s, 2)...)
		}
		g.want("out of maintenance", 8)
		time.Sleep(time.Minute)
		for s := range 4 {
			g.set(numbered(s), allCritical(replicas(s, 2))...)
		}
		g.want("all critical", 8)
		g.set(numbered(0), replicas(0, 2)...)
		g.want("one is well again", 8)
		for s := range 4 {
			g.set(numbered(s), replicas(s, 2)...)
		}
		g.want("all are", 8)
		if s := g.guard.State(); s.Holding {
			t.Errorf("it holds what is back: %+v", s)
		}
	})
}

// After an outage even a catalog of one service is not believed to be empty, and
// what is missing waits for the rest.
func TestGuardAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarding(t, 1, 1)
		g.fail()
		g.remove(numbered(0))
		g.want("the only one is gone", 1)
		if !g.guard.State().Holding {
			t.Error("it does not hold")
		}

		g = newGuarding(t, 10, 1)
		g.fail()
		g.empty(numbered(0))
		g.want("one of ten, for now", 10)
		time.Sleep(9 * time.Second)
		g.want("one of ten, for now", 10)
		time.Sleep(time.Second)
		g.want("one of ten is gone indeed", 9)
		if g.guard.State().Trips != 0 {
			t.Error("it was a small loss")
		}
		// The outage is over for the others, too.
		g.generation++
		g.build()
		g.empty(numbered(1))
		g.want("another one, later", 8)
	})
}

func TestGuardLetsGoByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarding(t, 5, 2)
		for s := range 4 {
			g.remove(numbered(s))
		}
		g.want("after the loss", 10)
		g.guard.Release(time.Now())
		g.want("after the release", 2)
	})
}

// A service that comes back while it is held has its routes all the time.
func TestGuardWhileServicesComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarding(t, 3, 2)
		for s := range 3 {
			g.remove(numbered(s))
		}
		g.want("after the loss", 6)
		g.list(numbered(0), replicas(0, 2)...)
		g.want("listed, but nothing is known of it", 6)
		g.set(numbered(0), replicas(0, 1)...)
		g.want("one is back", 6)
		moved := replicas(0, 2)
		moved[1].Node.Name = "elsewhere"
		g.set(numbered(0), moved...)
		g.want("and one in the place of the other", 6)
		if s := g.guard.State(); s.Held[numbered(0)] != 0 || s.Instances != 4 {
			t.Errorf("%+v", s)
		}
	})
}

// Tags that do not route any more are somebody's will.
func TestGuardBelievesTags(t *testing.T) {
	g := newGuarding(t, 4, 2)
	for s := range 4 {
		quiet := replicas(s, 2)
		for i := range quiet {
			quiet[i].Service.Tags = nil
		}
		g.set(numbered(s), quiet...)
	}
	g.want("without tags", 0)
}

// An answer that is not fresh counts for every table until it is, and not only
// for the one in which that began.
func TestGuardHearsOfTroubleAgain(t *testing.T) {
	g := newGuarding(t, 2, 2)
	snapshot := g.snapshot()
	q := g.options.health(numbered(0))
	entry, _ := snapshot.Entry(q)
	entry.Err = errors.New("connection refused")
	snapshot = snapshot.With(map[watch.Query]watch.Entry{q: entry})
	for n := range 3 {
		g.Build(snapshot)
		if !g.guard.HasDoubts() {
			t.Errorf("table %d: the guard does not know of it", n)
		}
		g.guard.Hear(numbered(0), nil) // as whenever the service is looked at
		snapshot = snapshot.With(nil)
	}
}
