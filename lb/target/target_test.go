package target

import (
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeConns counts how often its idle connections were closed.
type fakeConns struct{ closed int }

func (f *fakeConns) CloseIdle() { f.closed++ }

func member(address string, weight int) Member {
	return Member{Key: Key{Scheme: "http", Address: address}, Weight: weight}
}

func picks(p *Pool, n int) string {
	var order []string
	for range n {
		t := p.Pick(0)
		if t == nil {
			return "none"
		}
		order = append(order, t.Key().Address)
	}
	return strings.Join(order, " ")
}

func TestPoolTakesTurnsByWeight(t *testing.T) {
	for _, tc := range []struct {
		name    string
		members []Member
		want    string
	}{
		{"empty", nil, "none"},
		{"one", []Member{member("a", 1)}, "a a a a a a"},
		{"equal", []Member{member("a", 1), member("b", 1), member("c", 1)}, "a b c a b c"},
		{"equal however heavy", []Member{member("a", 70), member("b", 70)}, "a b a b a b"},
		{"spread, not bunched", []Member{member("a", 4), member("b", 2)}, "a b a a b a"},
		{"nothing for weight 0", []Member{member("a", 0), member("b", 1)}, "b b b b b b"},
		{"negative is 0", []Member{member("a", -3), member("b", 1)}, "b b b b b b"},
		{"all weigh nothing", []Member{member("a", 0)}, "none"},
		{"same key twice is one", []Member{member("a", 1), member("b", 1), member("a", 1)}, "a b a a b a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := NewRegistry(nil).Pool("web", tc.members, Policy{})
			if got := picks(p, 6); got != tc.want {
				t.Errorf("picks %q, want %q", got, tc.want)
			}
		})
	}
}

func TestPoolKeepsHugeWeightsInProportion(t *testing.T) {
	p := NewRegistry(nil).Pool("web", []Member{member("a", 999_999_999), member("b", 333_333_332), member("c", 1)}, Policy{})
	count := map[string]int{}
	for range p.turns {
		count[p.Pick(0).Key().Address]++
	}
	if n := len(p.turns); n > maxTurns+3 {
		t.Errorf("%d turns laid out, want about %d", n, maxTurns)
	}
	if count["c"] != 1 || count["a"] < 2*count["b"] || count["a"] > 4*count["b"] {
		t.Errorf("turns %v, want about 3:1 and one for c", count)
	}
}

func TestPickOtherPassesOverTheTried(t *testing.T) {
	p := NewRegistry(nil).Pool("web", []Member{member("a", 3), member("b", 1)}, Policy{})
	a := p.members[0].Target
	for range 8 {
		if got := p.PickOther(nil, a); got == a {
			t.Fatal("picked the tried target although there is another")
		}
	}
	alone := NewRegistry(nil).Pool("web", []Member{member("a", 1)}, Policy{})
	if got := alone.PickOther(nil, alone.members[0].Target); got != alone.members[0].Target {
		t.Errorf("picked %v, want the only target again", got)
	}
}

func TestRegistryPoolGoesOnWhereItWas(t *testing.T) {
	r := NewRegistry(nil)
	two := []Member{member("a", 1), member("b", 1)}
	p := r.Pool("web", two, Policy{})
	p.Pick(0)
	if again := r.Pool("web", slices.Clone(two), Policy{}); again != p {
		t.Error("equal members made another pool")
	}
	grown := r.Pool("web", append(two, member("c", 1)), Policy{})
	if grown == p || grown.members[0].Target != p.members[0].Target {
		t.Error("other members must make a new pool with the known targets")
	}
	if got := picks(grown, 3); got != "b c a" {
		t.Errorf("the grown pool picks %q, want it to go on with b", got)
	}
}

func TestRegistryReleasesWhatIsNotKept(t *testing.T) {
	r := NewRegistry(func(Key) Conns { return &fakeConns{} })
	closed := func(target *Target) int { return target.Conns().(*fakeConns).closed }
	p := r.Pool("web", []Member{member("a", 1), member("b", 1), member("c", 1)}, Policy{})
	a, b, c := p.members[0].Target, p.members[1].Target, p.members[2].Target
	b.Begin()
	pools := func(list ...*Pool) iter.Seq[*Pool] { return slices.Values(list) }
	r.Replace(pools(), pools(p, p))

	next := r.Pool("web", []Member{member("c", 1)}, Policy{})
	r.Replace(pools(p), pools(next))
	if closed(a) != 0 {
		t.Error("closed the connections of a target that another route has")
	}
	r.Replace(pools(p), pools())
	if closed(a) != 1 || closed(b) != 0 || closed(c) != 0 {
		t.Errorf("closed a %d, b %d, c %d times; want only the idle one that is gone", closed(a), closed(b), closed(c))
	}
	b.End(true)
	if closed(b) != 1 {
		t.Error("the connections of b must be closed when its last request ends")
	}
	// A request that picked a before it was released and sends only now.
	a.Begin()
	a.End(false)
	if closed(a) != 2 {
		t.Error("a late request must not leave connections behind")
	}
	if got := b.Stats(); got != (Stats{Total: 1, Failed: 1}) {
		t.Errorf("stats %+v", got)
	}
	if got := r.Targets(); len(got) != 1 || got[0] != c {
		t.Errorf("targets %v, want c alone", got)
	}
}

// What a table asked for that never came into force is given up with the next
// that does.
func TestRegistryForgetsWhatWasNotPutInForce(t *testing.T) {
	r := NewRegistry(func(Key) Conns { return &fakeConns{} })
	early := r.Pool("web", []Member{member("a", 1), member("b", 1)}, Policy{})
	r.Pool("other", []Member{member("x", 1)}, Policy{})
	late := r.Pool("web", []Member{member("b", 1)}, Policy{})
	none := slices.Values([]*Pool(nil))
	r.Replace(none, slices.Values([]*Pool{late}))
	if got := r.Targets(); len(got) != 1 || got[0] != late.members[0].Target || got[0] != early.members[1].Target {
		t.Errorf("targets %v, want b alone", got)
	}
	if closed := early.members[0].Target.Conns().(*fakeConns).closed; closed != 1 {
		t.Errorf("closed a %d times, want once", closed)
	}
	if r.Pool("web", []Member{member("b", 1)}, Policy{}) != late {
		t.Error("the pool in force was forgotten")
	}
	r.Close()
	if closed := late.members[0].Target.Conns().(*fakeConns).closed; closed != 1 || len(r.Targets()) != 0 {
		t.Errorf("a closed registry has %d targets, closed b %d times", len(r.Targets()), closed)
	}
}

func TestPoolIsSafeForConcurrentUse(t *testing.T) {
	r := NewRegistry(nil)
	members := []Member{member("a", 1), member("b", 1)}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				target := r.Pool("web", members, Policy{}).Pick(0)
				target.Begin()
				target.End(false)
			}
		})
	}
	wg.Wait()
	for _, target := range r.Targets() {
		if got := target.Stats(); got != (Stats{Total: 1000}) {
			t.Errorf("%s: %+v, want 1000 requests, shared evenly", target.Key(), got)
		}
	}
}
