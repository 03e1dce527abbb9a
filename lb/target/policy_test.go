package target

import (
	"fmt"
	"math"
	"net/netip"
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

func counts(p *Pool, n int, client func(i int) netip.Addr) map[string]int {
	got := map[string]int{}
	for i := range n {
		got[p.Pick(client(i)).Key().Address]++
	}
	return got
}

func clientOf(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// How the methods spread requests that end at once, by a test that a right one
// fails once in a million.
func TestMethodsSpread(t *testing.T) {
	const n = 30_000
	const limit = 36.0 // chi square of 3 degrees of freedom: 1 in 10 million
	weighted := []Member{member("a", 1), member("b", 2), member("c", 3), member("d", 4)}
	byWeight := map[string]float64{"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
	equal := map[string]float64{"a": 0.25, "b": 0.25, "c": 0.25, "d": 0.25}
	for name, test := range map[string]struct {
		method Method
		shares map[string]float64
	}{
		"round robin":  {RoundRobin, byWeight},
		"random":       {Random, byWeight},
		"rendezvous":   {Rendezvous, byWeight},
		"power of two": {PowerOfTwo, equal},
	} {
		p := NewRegistry(nil).Pool("web", weighted, Policy{Method: test.method})
		got := counts(p, n, clientOf)
		if x := chiSquare(got, test.shares, n); x > limit {
			t.Errorf("%s: %v, chi square %.1f", name, got, x)
		}
	}
}

func TestLeastConnsByWeight(t *testing.T) {
	p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 3), member("c", 0)}, Policy{Method: LeastConns})
	held := map[string]int{}
	for range 400 {
		target := p.Pick(netip.Addr{})
		target.Begin()
		held[target.Key().Address]++
	}
	if held["a"] != 100 || held["b"] != 300 {
		t.Errorf("requests in flight: %v, want 100 and 300", held)
	}
}

func TestPowerOfTwoAvoidsTheBusy(t *testing.T) {
	p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 1)}, Policy{Method: PowerOfTwo})
	for range 10 {
		p.targets[0].Begin()
	}
	for range 20 {
		if p.Pick(netip.Addr{}) == p.targets[0] {
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
			if p.Pick(netip.Addr{}) != fast {
				t.Fatal("picked the slow one")
			}
		}
		for range 60 {
			time.Sleep(time.Second)
			fast.Took(100 * time.Millisecond)
			if p.Pick(netip.Addr{}) == slow {
				return
			}
		}
		t.Error("what was slow once is never tried again")
	})
}

// Of the clients of a target that leaves, all move; of the others', none.
func TestRendezvousMovesOnlyWhatItMust(t *testing.T) {
	const n = 20_000
	var members []Member
	for i := range 10 {
		members = append(members, member(fmt.Sprint(i), 1))
	}
	r := NewRegistry(nil)
	before := r.Pool("web", members, Policy{Method: Rendezvous})
	after := r.Pool("web", members[1:], Policy{Method: Rendezvous})
	moved := 0
	for i := range n {
		was, is := before.Pick(clientOf(i)), after.Pick(clientOf(i))
		if was != is {
			moved++
			if was.Key() != members[0].Key {
				t.Fatalf("a client of %v moved", was.Key())
			}
		}
	}
	if share := float64(moved) / n; math.Abs(share-0.1) > 0.03 {
		t.Errorf("%.3f of the clients moved, want a tenth", share)
	}
}

func TestMethodsPassOverTheDown(t *testing.T) {
	for method := RoundRobin; method <= Rendezvous; method++ {
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1), member("b", 1)}, Policy{Method: method, Watched: true})
		a, b := p.targets[0], p.targets[1]
		if !p.SetUp(a, false) || p.SetUp(a, false) {
			t.Errorf("method %d: it is news once that a target is down", method)
		}
		for i := range 20 {
			if p.Pick(clientOf(i)) != b {
				t.Fatalf("method %d picked one that is down", method)
			}
		}
		if p.Takes(a) || !p.Takes(b) || p.PickOther(b) != b {
			t.Errorf("method %d: %v, %v, %v", method, p.Takes(a), p.Takes(b), p.PickOther(b).Key())
		}
		p.SetUp(b, false)
		if got := p.Pick(clientOf(1)); got != nil {
			t.Errorf("method %d picked %v with all down", method, got.Key())
		}
		if !p.SetUp(a, true) || p.Pick(clientOf(1)) != a {
			t.Errorf("method %d did not take one back that is up", method)
		}
	}
}

func TestFailuresEject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(nil)
		policy := Policy{MaxFailures: 2, Window: 10 * time.Second}
		p := r.Pool("web", []Member{member("a", 1), member("b", 1)}, policy)
		a := p.targets[0]
		if p.Observe(a, true) {
			t.Error("one failure ejects")
		}
		time.Sleep(10 * time.Second)
		if p.Observe(a, true) {
			t.Error("a failure counts for longer than the window")
		}
		if p.Observe(a, false); !p.Observe(a, true) || p.Takes(a) {
			t.Error("two failures do not eject")
		}
		// A pool made anew knows it too.
		p = r.Pool("web", []Member{member("a", 1), member("b", 1), member("c", 1)}, policy)
		if p.Takes(a) {
			t.Error("a change of the catalog takes the target back")
		}
		time.Sleep(10 * time.Second)
		if !p.Takes(a) {
			t.Error("it is never taken back")
		}
	})
}
