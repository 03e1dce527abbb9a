package guard

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// watched is a guard that has seen services of two instances each.
type watched struct {
	*Guard
	t   *testing.T
	now time.Time
}

func newWatched(t *testing.T, o Options, services int) *watched {
	t.Helper()
	g := &watched{New(o, func(i *watch.Instance) bool { return i.Status() == watch.Passing }), t, time.Unix(1e9, 0)}
	for s := range services {
		g.sees(s, replicas(2), 2)
	}
	return g
}

func replicas(n int) (all []watch.Instance) {
	for i := range n {
		all = append(all, watch.Instance{Node: watch.NodeInfo{Name: fmt.Sprint("n", i)}, Service: watch.ServiceInfo{ID: "i"}})
	}
	return all
}

func name(service int) string { return fmt.Sprint("s", service) }

// sees shows the guard what the catalog has of a service, and wants so many to be
// shown.
func (g *watched) sees(service int, all []watch.Instance, want int) {
	g.t.Helper()
	if shown := g.View(name(service), all, g.now); len(shown) != want {
		g.t.Errorf("%s: %d instances of %d are shown, want %d; %+v", name(service), len(shown), len(all), want, g.State())
	}
}

// What is lost of most services is held, also what was believed to be gone shortly
// before, until its time is over.
func TestHolds(t *testing.T) {
	g := newWatched(t, DefaultOptions(), 3)
	g.sees(0, nil, 0)
	g.sees(1, nil, 2)
	if s := g.State(); !s.Holding || s.Instances != 4 || s.Trips != 1 {
		t.Errorf("%+v", s)
	}
	if changed := g.TakeChanged(); len(changed) != 2 || len(g.Of(name(0))) != 2 {
		t.Errorf("changed are %v; of the first one %v is kept", changed, g.Of(name(0)))
	}
	if rest := g.Rest(g.now); rest != g.Hold {
		t.Errorf("it rests for %v", rest)
	}
	g.now = g.now.Add(g.Hold)
	g.Tick(g.now)
	if s := g.State(); s.Holding || s.Instances != 0 || len(g.Of(name(0))) != 0 {
		t.Errorf("when it is over: %+v", s)
	}
}

func TestLetsGo(t *testing.T) {
	g := newWatched(t, DefaultOptions(), 3)
	for s := range 3 {
		g.sees(s, nil, min(s, 1)*2)
	}
	g.sees(1, replicas(2), 2) // it is back
	if s := g.State(); s.Held[name(1)] != 0 || s.Instances != 4 {
		t.Errorf("%+v", s)
	}
	g.Release(g.now)
	g.Tick(g.now)
	if s := g.State(); s.Holding || s.Instances != 0 {
		t.Errorf("when it was released: %+v", s)
	}
}

func TestBelieves(t *testing.T) {
	for name, test := range map[string]struct {
		options  Options
		services int
		lose     func(g *watched)
	}{
		"anything, without options": {Options{}, 2, func(g *watched) { g.sees(0, nil, 0); g.sees(1, nil, 0) }},
		"the end of one service":    {DefaultOptions(), 1, func(g *watched) { g.sees(0, nil, 0) }},
		"few":                       {DefaultOptions(), 9, func(g *watched) { g.sees(0, nil, 0); g.sees(1, nil, 0) }},
		"slow losses": {DefaultOptions(), 4, func(g *watched) {
			for s := range 4 {
				g.sees(s, nil, 0)
				g.now = g.now.Add(g.Window)
			}
		}},
		"what is to be routed no more": {DefaultOptions(), 4, func(g *watched) {
			for s := range 4 {
				g.Forget(fmt.Sprint("s", s))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newWatched(t, test.options, test.services)
			test.lose(g)
			if s := g.State(); s.Holding || s.Trips > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// After an outage a small loss waits for others, and the loss of all is not
// believed, however little that is.
func TestDoubts(t *testing.T) {
	outage := errors.New("connection refused")
	g := newWatched(t, DefaultOptions(), 9)
	g.Hear(name(0), outage)
	g.sees(0, nil, 2)
	if g.HasDoubts() || g.Rest(g.now) != g.Window {
		t.Errorf("doubts: %t, it rests for %v", g.HasDoubts(), g.Rest(g.now))
	}
	g.now = g.now.Add(g.Window)
	g.sees(0, nil, 0)

	g = newWatched(t, DefaultOptions(), 1)
	g.Hear(name(0), outage)
	g.sees(0, nil, 2)
	if !g.State().Holding {
		t.Error("it does not hold")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
	for _, o := range []Options{{}, {MaxLoss: 2, MinInstances: 1, Window: 1, Hold: 1}, {MaxLoss: 0.5, Window: 1, Hold: 1}, {MaxLoss: 0.5, MinInstances: 1}} {
		if o.Validate() == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
