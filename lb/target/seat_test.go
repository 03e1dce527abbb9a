package target

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// With too few left, it does not count who is well.
func TestPanic(t *testing.T) {
	for method := RoundRobin; method <= Rendezvous; method++ {
		members := []Member{member("a", 1), member("b", 1), member("c", 1), member("d", 1)}
		p := NewRegistry(nil).Pool("web", members, Policy{Method: method, Watched: true, Panic: 50})
		p.SetUp(p.members[0].Target, false)
		p.SetUp(p.members[1].Target, false)
		if got := counts(p, 1000); got["a"]+got["b"] > 0 || p.Stats().Panics {
			t.Errorf("method %d: %v with half of them down", method, got)
		}
		p.SetUp(p.members[2].Target, false)
		got := counts(p, 1000)
		for _, m := range members {
			if got[m.Key.Address] < 150 {
				t.Errorf("method %d: %v in a panic, want all alike", method, got)
				break
			}
		}
		if !p.Stats().Panics || !p.Takes(p.members[0].Target) {
			t.Errorf("method %d: %+v", method, p.Stats())
		}
	}
}

func TestWindowOfFailuresEjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(nil)
		policy := Policy{MaxFailures: 2, Window: 10 * time.Second}
		p := r.Pool("web", []Member{member("a", 1), member("b", 1)}, policy)
		a := p.members[0].Target
		if p.Observe(a, 500) > 0 {
			t.Error("one failure ejects")
		}
		time.Sleep(10 * time.Second)
		if p.Observe(a, 0) > 0 {
			t.Error("a failure counts for longer than the window")
		}
		if p.Observe(a, 200); p.Observe(a, 502) != 10*time.Second || p.Takes(a) {
			t.Error("two failures within the window do not eject")
		}
		// What is known of a target outlives the pool.
		grown := r.Pool("web", []Member{member("a", 1), member("b", 1), member("c", 1)}, policy)
		if grown.Takes(a) {
			t.Error("a change of the members brings it back")
		}
		time.Sleep(10 * time.Second)
		if !grown.Takes(a) {
			t.Error("it does not come back")
		}
	})
}

func TestFailuresInARowEjectForLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ejection := Ejection{Failures: 3, Base: 5 * time.Second, Max: time.Minute, Share: 50, Least: 502, Most: 504}
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 1), member("c", 1)}, Policy{Ejection: ejection})
		a := p.members[0].Target
		fail := func(target *Target, status int) (ejected time.Duration) {
			for range 3 {
				ejected = max(ejected, p.Observe(target, status))
			}
			return ejected
		}
		for _, status := range []int{200, 404, 500, 501, 505} {
			if fail(a, status) > 0 {
				t.Errorf("status %d ejects", status)
			}
		}
		p.Observe(a, 0)
		p.Observe(a, 503)
		p.Observe(a, 200)
		if p.Observe(a, 0) > 0 {
			t.Error("failures that were not in a row eject")
		}
		p.Observe(a, 200)
		for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
			if got := fail(a, 503); got != want*time.Second || p.Takes(a) {
				t.Errorf("ejected for %v, want %v s", got, int(want))
			}
			time.Sleep(want * time.Second)
			if !p.Takes(a) {
				t.Fatal("it does not come back")
			}
		}
		// One that was well for long begins anew.
		time.Sleep(2 * time.Minute)
		if got := fail(a, 0); got != 5*time.Second {
			t.Errorf("ejected for %v after a long time, want 5 s", got)
		}
		// Half of three is one.
		if got := fail(p.members[1].Target, 0); got > 0 || !p.Takes(p.members[1].Target) {
			t.Errorf("a second one of three is ejected for %v", got)
		}
		if got := p.Stats(); got.Ejected != 1 || got.Open != 2 || got.Ejections != 7 {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheOnlyTargetIsNotEjected(t *testing.T) {
	p := NewRegistry(nil).Pool("web", []Member{member("a", 1)},
		Policy{Ejection: Ejection{Failures: 1, Base: time.Second, Max: time.Second, Share: 50}})
	if p.Observe(p.members[0].Target, 0) > 0 || p.Pick(0) == nil {
		t.Error("ejected the only one")
	}
}

// A target that comes gets its part bit by bit, and those a pool begins with have
// theirs at once.
func TestSlowStart(t *testing.T) {
	for method := RoundRobin; method <= Rendezvous; method++ {
		if method == LeastConns || method == LeastTime {
			continue // see below
		}
		synctest.Test(t, func(t *testing.T) {
			r := NewRegistry(nil)
			policy := Policy{Method: method, SlowStart: 100 * time.Second, Watched: true}
			first := r.Pool("web", []Member{member("a", 1), member("b", 1), member("c", 1)}, policy)
			got := counts(first, manyPicks)
			third := 1.0 / 3
			if x := chiSquare(got, map[string]float64{"a": third, "b": third, "c": third}, manyPicks); x > unlikely {
				t.Errorf("method %d: %v at the beginning", method, got)
			}
			p := r.Pool("web", []Member{member("a", 1), member("b", 1), member("c", 1), member("d", 1)}, policy)
			share := func() float64 { return float64(counts(p, manyPicks)["d"]) / manyPicks }
			if d := share(); d > 0.03 || d == 0 {
				t.Errorf("method %d: %.3f for one that has just come", method, d)
			}
			if p.Stats().Starting != 1 {
				t.Errorf("%+v", p.Stats())
			}
			time.Sleep(50 * time.Second)
			// Half a share beside three whole ones.
			if d := share(); math.Abs(d-0.5/3.5) > 0.03 {
				t.Errorf("method %d: %.3f when half of the time is over", method, d)
			}
			time.Sleep(50 * time.Second)
			if d := share(); math.Abs(d-0.25) > 0.02 {
				t.Errorf("method %d: %.3f at the end", method, d)
			}
			p.SetUp(p.members[0].Target, false)
			p.SetUp(p.members[0].Target, true)
			if a := float64(counts(p, manyPicks)["a"]) / manyPicks; a > 0.03 {
				t.Errorf("method %d: %.3f for one that is well again", method, a)
			}
		})
	}
}

// The busy methods have as many fewer requests in flight to one that starts.
func TestSlowStartOfBusyMethods(t *testing.T) {
	for _, method := range []Method{LeastConns, LeastTime} {
		synctest.Test(t, func(t *testing.T) {
			r := NewRegistry(nil)
			policy := Policy{Method: method, SlowStart: 100 * time.Second}
			r.Pool("web", []Member{member("a", 1)}, policy)
			p := r.Pool("web", []Member{member("a", 1), member("b", 1)}, policy)
			time.Sleep(25 * time.Second)
			held := map[string]int{}
			for range 500 {
				target := p.Pick(0)
				target.Begin()
				held[target.Key().Address]++
			}
			if math.Abs(float64(held["b"]-100)) > 2 {
				t.Errorf("method %d: %v, want a quarter for b of what a has", method, held)
			}
		})
	}
}

// All that start at once are as many as there are.
func TestSlowStartOfAll(t *testing.T) {
	r := NewRegistry(nil)
	policy := Policy{SlowStart: time.Hour}
	r.Pool("web", nil, policy)
	p := r.Pool("web", []Member{member("a", 1), member("b", 1)}, policy)
	got := counts(p, manyPicks)
	if x := chiSquare(got, map[string]float64{"a": 0.5, "b": 0.5}, manyPicks); x > unlikely {
		t.Errorf("%v", got)
	}
}

// setUp reports whether a check is news.
func setUp(p *Pool, t *Target, up bool) bool {
	_, changed := p.SetUp(t, up)
	return changed
}

// Fall and Rise checks in a row take effect, whatever pools of the name there are
// meanwhile.
func TestThresholdsOfChecks(t *testing.T) {
	r := NewRegistry(nil)
	policy := Policy{Watched: true, Fall: 3, Rise: 2}
	p := r.Pool("p", []Member{member("a", 1), member("b", 1)}, policy)
	a := p.members[0].Target
	for n, step := range []struct{ up, down, changed bool }{
		{false, false, false}, {false, false, false}, {true, false, false}, // the row is broken
		{false, false, false}, {false, false, false}, {false, true, true},
		{false, true, false}, {true, true, false}, {false, true, false}, {true, true, false}, {true, false, true},
	} {
		p = r.Pool("p", []Member{member("a", 1), member(fmt.Sprint("b", n), 1)}, policy)
		down, changed := p.SetUp(a, step.up)
		if down != step.down || changed != step.changed || p.Takes(a) == down {
			t.Errorf("check %d: down %v, news %v, want %+v", n+1, down, changed, step)
		}
	}
	if n := p.Stats().CheckFailures; n != 7 {
		t.Errorf("%d failed checks are counted", n)
	}
}
