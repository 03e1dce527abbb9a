package target

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// chiSquare compares counts with shares that sum to 1.
func chiSquare(counts map[string]int, shares map[string]float64, n int) (x float64) {
	for key, share := range shares {
		want := share * float64(n)
		x += (float64(counts[key]) - want) * (float64(counts[key]) - want) / want
	}
	return x
}

func counts(p *Pool, n int) map[string]int {
	got := map[string]int{}
	for i := range n {
		got[p.Pick(affinityOf(i)).Key().Address]++
	}
	return got
}

func affinityOf(i int) uint64 { return HashText(fmt.Sprintf("client %d", i)) }

const (
	manyPicks = 30_000
	// unlikely is the chi square of 3 degrees of freedom that one right picker in
	// 10 million has.
	unlikely = 36.0
)

// How the methods spread requests that end at once.
func TestMethodsSpread(t *testing.T) {
	weighted := []Member{member("a", 1), member("b", 2), member("c", 3), member("d", 4)}
	byWeight := map[string]float64{"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
	equal := map[string]float64{"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}
	for _, test := range []struct {
		name   string
		method Method
		equal  bool
	}{
		{"round robin", RoundRobin, false},
		{"random", Random, false},
		{"rendezvous", Rendezvous, false},
		{"power of two", PowerOfTwo, false},
		{"round robin", RoundRobin, true},
		{"random", Random, true},
		{"rendezvous", Rendezvous, true},
		{"power of two", PowerOfTwo, true},
		{"least connections", LeastConns, true},
		{"least time", LeastTime, true},
	} {
		members, shares := weighted, byWeight
		if test.equal {
			members, shares = []Member{member("a", 1), member("b", 1), member("c", 1), member("d", 1)}, equal
		}
		p := NewRegistry(nil).Pool("web", members, Policy{Method: test.method})
		got := counts(p, manyPicks)
		if x := chiSquare(got, shares, manyPicks); x > unlikely {
			t.Errorf("%s, equal %v: %v, chi square %.1f", test.name, test.equal, got, x)
		}
	}
}

// What the closed one does not take is shared, and does not go to its neighbour.
func TestMethodsSpreadTheShareOfTheClosed(t *testing.T) {
	for _, method := range []Method{RoundRobin, Random, PowerOfTwo, Rendezvous} {
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 1), member("c", 1), member("d", 1), member("e", 1)},
			Policy{Method: method, Watched: true})
		p.SetUp(p.targets[1], false)
		got := counts(p, manyPicks)
		if x := chiSquare(got, map[string]float64{"a": 0.25, "c": 0.25, "d": 0.25, "e": 0.25}, manyPicks); x > unlikely || got["b"] > 0 {
			t.Errorf("method %d: %v, chi square %.1f", method, got, x)
		}
		others := map[string]int{}
		for range manyPicks {
			others[p.PickOther(nil, p.targets[0]).Key().Address]++
		}
		third := 1.0 / 3
		if x := chiSquare(others, map[string]float64{"c": third, "d": third, "e": third}, manyPicks); x > unlikely {
			t.Errorf("method %d: another than a: %v, chi square %.1f", method, others, x)
		}
	}
}

// Of requests that last, each target has its part.
func TestBusyMethodsByWeight(t *testing.T) {
	for _, method := range []Method{LeastConns, LeastTime, PowerOfTwo} {
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 3), member("c", 0)}, Policy{Method: method})
		held := map[string]int{}
		for range 400 {
			target := p.Pick(0)
			target.Begin()
			held[target.Key().Address]++
		}
		if math.Abs(float64(held["a"]-100)) > 2 || held["c"] > 0 {
			t.Errorf("method %d: requests in flight: %v, want 100 and 300", method, held)
		}
	}
}

func TestPowerOfTwoAvoidsTheBusy(t *testing.T) {
	p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 1)}, Policy{Method: PowerOfTwo})
	for range 10 {
		p.targets[0].Begin()
	}
	for range 20 {
		if p.Pick(0) == p.targets[0] {
			t.Fatal("picked the busy one of two")
		}
	}
}

func TestLeastTimeGivesTheSlowAnotherChance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 1)}, Policy{Method: LeastTime})
		slow, fast := p.targets[0], p.targets[1]
		slow.Took(time.Second)
		for range 10 {
			fast.Took(100 * time.Millisecond)
			if p.Pick(0) != fast {
				t.Fatal("picked the slow one")
			}
		}
		for range 60 {
			time.Sleep(time.Second)
			fast.Took(100 * time.Millisecond)
			if p.Pick(0) == slow {
				return
			}
		}
		t.Error("what was slow once is never tried again")
	})
}

// Of the keys of a target that leaves, all move; of the others', none. That is
// less than the 1.3/N it may be.
func TestRendezvousMovesOnlyWhatItMust(t *testing.T) {
	const n, targets = 20_000, 10
	var members []Member
	for i := range targets {
		members = append(members, member(fmt.Sprint(i), 1))
	}
	r := NewRegistry(nil)
	before := r.Pool("web", members, Policy{Method: Rendezvous})
	after := r.Pool("web", members[1:], Policy{Method: Rendezvous})
	moved := 0
	for i := range n {
		was, is := before.Pick(affinityOf(i)), after.Pick(affinityOf(i))
		if was != is {
			moved++
			if was.Key() != members[0].Key {
				t.Fatalf("a client of %v moved", was.Key())
			}
		}
	}
	if share := float64(moved) / n; share > 1.3/targets || share < 0.7/targets {
		t.Errorf("%.3f of the keys moved, want a tenth", share)
	}
}

// One key that everybody asks for does not overrun its target, and keys nobody
// else asks for stay where they are.
func TestRendezvousWithBoundedLoad(t *testing.T) {
	members := []Member{member("a", 1), member("b", 1), member("c", 1), member("d", 1)}
	p := NewRegistry(nil).Pool("web", members, Policy{Method: Rendezvous, MaxLoad: 125})
	held := map[string]int{}
	for range 400 {
		target := p.Pick(7)
		target.Begin()
		held[target.Key().Address]++
	}
	for address, n := range held {
		if n > 126 {
			t.Errorf("%s has %d of 400 in flight: %v", address, n, held)
		}
	}
	if most := p.Pick(7); len(held) != 4 || most == nil {
		t.Errorf("%v", held)
	}
	unbounded := NewRegistry(nil).Pool("web", members, Policy{Method: Rendezvous})
	calm := NewRegistry(nil).Pool("web", members, Policy{Method: Rendezvous, MaxLoad: 125})
	for i := range 100 {
		if a, b := calm.Pick(affinityOf(i)).Key(), unbounded.Pick(affinityOf(i)).Key(); a != b {
			t.Fatalf("key %d went to %v, want %v while nobody is busy", i, a, b)
		}
	}
}

func TestMethodsPassOverTheDown(t *testing.T) {
	for method := RoundRobin; method <= Rendezvous; method++ {
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 1)}, Policy{Method: method, Watched: true})
		a, b := p.targets[0], p.targets[1]
		if !setUp(p, a, false) || setUp(p, a, false) {
			t.Errorf("method %d: it is news once that a target is down", method)
		}
		for i := range 20 {
			if p.Pick(affinityOf(i)) != b {
				t.Fatalf("method %d picked one that is down", method)
			}
		}
		if p.Takes(a) || !p.Takes(b) || p.PickOther(nil, b) != b {
			t.Errorf("method %d: %v, %v, %v", method, p.Takes(a), p.Takes(b), p.PickOther(nil, b).Key())
		}
		p.SetUp(b, false)
		if got := p.Pick(affinityOf(1)); got != nil {
			t.Errorf("method %d picked %v with all down", method, got.Key())
		}
		if !setUp(p, a, true) || p.Pick(affinityOf(1)) != a {
			t.Errorf("method %d did not take one back that is up", method)
		}
	}
}

func TestMethodsKeepToTheLimitInFlight(t *testing.T) {
	for method := RoundRobin; method <= Rendezvous; method++ {
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 1)}, Policy{Method: method, MaxInFlight: 2, Panic: 100})
		for i := range 4 {
			p.Pick(affinityOf(i)).Begin()
		}
		if got := p.Pick(affinityOf(1)); got != nil {
			t.Errorf("method %d picked %v, which has 2 requests in flight", method, got.Key())
		}
	}
}

// With too few left, it does not count who is well.
func TestPanic(t *testing.T) {
	for method := RoundRobin; method <= Rendezvous; method++ {
		members := []Member{member("a", 1), member("b", 1), member("c", 1), member("d", 1)}
		p := NewRegistry(nil).Pool("web", members, Policy{Method: method, Watched: true, Panic: 50})
		p.SetUp(p.targets[0], false)
		p.SetUp(p.targets[1], false)
		if got := counts(p, 1000); got["a"]+got["b"] > 0 || p.Stats().Panics {
			t.Errorf("method %d: %v with half of them down", method, got)
		}
		p.SetUp(p.targets[2], false)
		got := counts(p, 1000)
		for _, m := range members {
			if got[m.Key.Address] < 150 {
				t.Errorf("method %d: %v in a panic, want all alike", method, got)
				break
			}
		}
		if !p.Stats().Panics || !p.Takes(p.targets[0]) {
			t.Errorf("method %d: %+v", method, p.Stats())
		}
	}
}

func TestWindowOfFailuresEjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(nil)
		policy := Policy{MaxFailures: 2, Window: 10 * time.Second}
		p := r.Pool("web", []Member{member("a", 1), member("b", 1)}, policy)
		a := p.targets[0]
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
		a := p.targets[0]
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
		if got := fail(p.targets[1], 0); got > 0 || !p.Takes(p.targets[1]) {
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
	if p.Observe(p.targets[0], 0) > 0 || p.Pick(0) == nil {
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
			p.SetUp(p.targets[0], false)
			p.SetUp(p.targets[0], true)
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

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1)}, Policy{Budget: Budget{Percent: 20, PerSecond: 1}})
		taken := func(n int) (taken int) {
			for range n {
				if p.TakeRetry() {
					taken++
				}
			}
			return taken
		}
		if got := taken(100); got != 10 {
			t.Errorf("%d tries at the beginning, want the 10 of ten seconds", got)
		}
		for range 1000 {
			p.Pick(0)
		}
		if got := taken(1000); got != 200 {
			t.Errorf("%d tries after 1000 requests, want 200", got)
		}
		time.Sleep(5 * time.Second)
		if got := taken(100); got != 5 {
			t.Errorf("%d tries after 5 s, want 5", got)
		}
		// An hour's requests are not saved up.
		for range 360_000 {
			p.Pick(0)
		}
		time.Sleep(time.Hour)
		if got := taken(1000); got < 209 || got > 211 {
			t.Errorf("%d tries after an hour at 100 requests a second, want 210", got)
		}
		if got := p.Stats(); got.Retries != 425 || got.Denied == 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestNoBudget(t *testing.T) {
	p := NewRegistry(nil).Pool("web", []Member{member("a", 1)}, Policy{})
	p.Pick(0)
	if p.TakeRetry() {
		t.Error("a try without a budget")
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
	a := p.targets[0]
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
