package target

import (
	"maps"
	"slices"
	"testing"
)

// inCircles are members of the circles: two of each, "a0" and "b0" the nearest.
func inCircles() (members []Member) {
	for _, address := range []string{"a0", "b0", "a1", "b1", "a2", "b2"} {
		m := member(address, 1)
		m.Circle = address[1] - '0'
		members = append(members, m)
	}
	return members
}

var allMethods = []Method{RoundRobin, Random, LeastConns, PowerOfTwo, LeastTime, Rendezvous}

// Who is near gets everything as long as enough of them are well; then the next circle
// helps, and in the end everybody does.
func TestNear(t *testing.T) {
	for _, method := range allMethods {
		p := NewRegistry(nil).Pool("web", inCircles(), Policy{Method: method, Watched: true, Near: Near{Healthy: 70, Known: [2]int{2, 2}}})
		set := func(up bool, addresses ...string) {
			for _, target := range p.Targets() {
				if slices.Contains(addresses, target.Key().Address) {
					p.SetUp(target, up)
				}
			}
		}
		picked := func(want ...string) {
			t.Helper()
			if got := slices.Sorted(maps.Keys(counts(p, 3000))); !slices.Equal(got, want) {
				t.Errorf("method %d picks %v, want %v", method, got, want)
			}
		}
		picked("a0", "b0")
		set(false, "a0")
		picked("a1", "b0", "b1") // 3 of 4
		set(false, "a1")
		picked("a2", "b0", "b1", "b2")
		if !p.Spills() || !p.Stats().Spills {
			t.Errorf("method %d does not say that it spills", method)
		}
		set(false, "b0", "b1")
		picked("a2", "b2")
		set(true, "a0", "b0", "a1", "b1")
		picked("a0", "b0")
		if p.Spills() {
			t.Errorf("method %d says that it spills", method)
		}
	}
}

// Those of whom the catalog says that they are not well are no members, and count all
// the same: else the last one that is left would be all there is.
func TestNearCountsWhoIsNoMember(t *testing.T) {
	one := member("near", 1)
	far := member("far", 1)
	far.Circle = 2
	for known, want := range map[int]int{1: 1, 2: 2} {
		p := NewRegistry(nil).Pool("web", []Member{one, far}, Policy{Near: Near{Healthy: 70, Known: [2]int{known, 0}}})
		if got := len(counts(p, 100)); got != want {
			t.Errorf("of %d near members that are known, 1 is well: %d targets are picked, want %d", known, got, want)
		}
	}
}

// A second try goes to another one that is near, and only then further.
func TestNearRetries(t *testing.T) {
	p := NewRegistry(nil).Pool("web", inCircles()[1:], Policy{Near: Near{Healthy: 50, Known: [2]int{1, 2}}})
	first := p.Pick(0)
	if address := first.Key().Address; address != "b0" {
		t.Fatalf("first %s", address)
	}
	for range 20 {
		if second := p.PickOther(nil, first).Key().Address; second != "a1" && second != "b1" {
			t.Errorf("the second try goes to %s", second)
		}
	}
	if other := p.PickOf(func(t *Target) bool { return t.Key().Address == "b2" }); other == nil {
		t.Error("who must be far is not found")
	}
	if !p.Takes(p.Targets()[4]) || !p.HasOpen() {
		t.Error("who is far is not taken where it is known")
	}
}

// Requests that the near ones have no room for go further.
func TestNearIsFull(t *testing.T) {
	p := NewRegistry(nil).Pool("web", inCircles(), Policy{MaxInFlight: 1, Near: Near{Healthy: 70, Known: [2]int{2, 2}}})
	for range 6 {
		if picked := p.Pick(0); picked == nil {
			t.Error("there is room, but nobody is picked")
		} else {
			picked.Begin()
		}
	}
	if picked := p.Pick(0); picked != nil {
		t.Errorf("%s is full, but picked", picked.Key().Address)
	}
}

// In a panic the health of those that are far counts as little as that of others, and
// near ones that are well keep what is theirs.
func TestNearInAPanic(t *testing.T) {
	for _, method := range allMethods {
		p := NewRegistry(nil).Pool("web", inCircles(), Policy{Method: method, Watched: true, Panic: 50, Near: Near{Healthy: 70, Known: [2]int{2, 2}}})
		for _, target := range p.Targets()[2:] {
			p.SetUp(target, false)
		}
		if got := len(counts(p, 1000)); got != 2 {
			t.Errorf("method %d picks %d targets, want the two near ones", method, got)
		}
		p.SetUp(p.Targets()[0], false)
		if got := len(counts(p, 3000)); got != 6 {
			t.Errorf("method %d picks %d targets in a panic, want all", method, got)
		}
	}
}
