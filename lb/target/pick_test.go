package target

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

const (
	manyPicks = 30_000
	// unlikely is the chi square of 3 degrees of freedom that one right picker in
	// 10 million has.
	unlikely = 36.0
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
		p.SetUp(p.members[1].Target, false)
		got := counts(p, manyPicks)
		if x := chiSquare(got, map[string]float64{"a": 0.25, "c": 0.25, "d": 0.25, "e": 0.25}, manyPicks); x > unlikely || got["b"] > 0 {
			t.Errorf("method %d: %v, chi square %.1f", method, got, x)
		}
		others := map[string]int{}
		for range manyPicks {
			others[p.PickOther(nil, p.members[0].Target).Key().Address]++
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
		p.members[0].Begin()
	}
	for range 20 {
		if p.Pick(0) == p.members[0].Target {
			t.Fatal("picked the busy one of two")
		}
	}
}

func TestLeastTimeGivesTheSlowAnotherChance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 1)}, Policy{Method: LeastTime})
		slow, fast := p.members[0].Target, p.members[1].Target
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
		a, b := p.members[0].Target, p.members[1].Target
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
