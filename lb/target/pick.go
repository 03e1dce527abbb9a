package target

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Pick returns a target by the pool's policy, or nil if none may be picked. The
// affinity is a hash of what is to be sent to one place, if
// [Pool.HasAffinity].
func (p *Pool) Pick(affinity uint64) *Target {
	if len(p.turns) == 0 {
		return nil
	}
	near := p.scope()
	t := p.pick(near, affinity)
	if t == nil && near.circle < farthest { // which was well a moment ago
		return p.pick(everywhere, affinity)
	}
	return t
}

func (p *Pool) pick(s scope, affinity uint64) *Target {
	if p.policy.Method == RoundRobin {
		return p.next(p.take, s, nil, nil)
	}
	p.take()
	switch p.policy.Method {
	case Random:
		return p.next(rand.Uint64, s, nil, nil)
	case PowerOfTwo:
		return p.lesserOfTwo(s)
	case LeastConns:
		return p.best(s, func(m *place, share float64) float64 { return share / m.load() })
	case LeastTime:
		now := time.Now()
		return p.best(s, func(m *place, share float64) float64 {
			return share / m.load() / m.latency.get().at(now)
		})
	default:
		return p.rendezvous(s, affinity)
	}
}

// Count counts a request whose target was not picked, but known.
func (p *Pool) Count() { p.take() }

// take takes a turn.
func (p *Pool) take() uint64 { return p.standing.cursor.Add(1) - 1 }

// PickOther is for another try, after others have failed: it returns a target by
// weight but passes over the tried ones as long as there is another, and then
// returns the last of them. It takes no turn, so that two targets of which one is
// down do not fall into step with the tries. Others than those that own holds for
// are left alone; nil holds for all.
func (p *Pool) PickOther(own func(*Target) bool, tried ...*Target) *Target {
	if other := p.nearOrFar(own, tried); other != nil {
		return other
	}
	return tried[len(tried)-1]
}

// PickOf returns a target by weight, of those that own holds for, or nil. Like
// PickOther it takes no turn.
func (p *Pool) PickOf(own func(*Target) bool) *Target { return p.nearOrFar(own, nil) }

// nearOrFar returns a target that is near or, if there is none, the nearest other.
func (p *Pool) nearOrFar(own func(*Target) bool, tried []*Target) *Target {
	for s := p.scope(); s.circle <= farthest; s.circle++ {
		if t := p.next(rand.Uint64, s, own, tried); t != nil {
			return t
		}
	}
	return nil
}

// next returns the target of a turn that turn tells, or of others, until one may
// be picked. Who comes next in the order must not get all that those before it do
// not take, so it is always another turn that is asked for. There is no panic but in
// the scope of all.
func (p *Pool) next(turn func() uint64, s scope, own func(*Target) bool, tried []*Target) *Target {
	count := uint64(len(p.turns))
	if count == 0 {
		return nil
	}
	asked := s.circle < farthest
	var waiting *Target // for its full share: any one of those that were met
	met := 0
	for range min(4*len(p.members), len(p.turns)) {
		m := &p.members[p.turns[turn()%count]]
		open := p.takes(m, s)
		if !open && !asked {
			s.panic, asked = p.panics(), true
			open = p.takes(m, s)
		}
		switch {
		case !open || own != nil && !own(m.Target) || slices.Contains(tried, m.Target):
		case p.isDue(m):
			return m.Target
		default:
			if met++; rand.IntN(met) == 0 {
				waiting = m.Target
			}
		}
	}
	if waiting != nil {
		return waiting
	}
	// By bad luck, or because there are few.
	start := rand.IntN(len(p.members))
	for n := range p.members {
		m := &p.members[(start+n)%len(p.members)]
		if p.takes(m, s) && (own == nil || own(m.Target)) && !slices.Contains(tried, m.Target) {
			return m.Target
		}
	}
	return nil
}

// isDue reports whether a member that may be picked is: one that is starting is
// by chance, as often as it is due.
func (p *Pool) isDue(m *place) bool {
	share := m.seat.share(p.policy.SlowStart, p.policy.clock)
	return share == 1 || rand.Float64() < share
}

// lesserOfTwo takes two random turns, and of the two targets the one with fewer
// requests in flight for its weight.
func (p *Pool) lesserOfTwo(s scope) *Target {
	a := p.next(rand.Uint64, s, nil, nil)
	if a == nil {
		return nil
	}
	b := p.next(rand.Uint64, s, nil, []*Target{a})
	if b == nil {
		return a
	}
	if b.inFlight.Load()*int64(p.weight(a)) < a.inFlight.Load()*int64(p.weight(b)) {
		return b
	}
	return a
}

func (p *Pool) weight(t *Target) int { return p.at(t).weight }

// best returns the target with the highest score. The share that a score is made
// of is the member's weight, or less while it is starting. Of equal ones it takes
// turns.
func (p *Pool) best(s scope, score func(m *place, share float64) float64) *Target {
	s.panic = s.circle == farthest && p.panics()
	start := int(p.standing.cursor.Load() % uint64(len(p.members)))
	var best *Target
	highest := math.Inf(-1)
	for n := range p.members {
		m := &p.members[(start+n)%len(p.members)]
		if !p.takes(m, s) {
			continue
		}
		share := float64(m.weight) * m.seat.share(p.policy.SlowStart, p.policy.clock)
		if n := score(m, share); n > highest {
			best, highest = m.Target, n
		}
	}
	return best
}

// rendezvous gives each open target a number that depends on it and the affinity
// alone, and takes the one with the highest for its weight (weighted rendezvous
// hashing by the logarithmic method). One that has more than its bounded load is
// passed over, as in consistent hashing with bounded loads.
func (p *Pool) rendezvous(s scope, affinity uint64) *Target {
	room := p.room(s)
	return p.best(s, func(m *place, share float64) float64 {
		if room > 0 && m.load() > math.Ceil(room*float64(m.weight)) {
			return -float64(m.inFlight.Load()) // better than none
		}
		return Score(m.hash, affinity, share)
	})
}

// Score is what one of several places has for an affinity, in rendezvous hashing:
// the place with the highest is the one. Place is a hash that tells it from the
// others, and share its weight.
func Score(place, affinity uint64, share float64) float64 {
	x := mix(place ^ affinity)
	uniform := (float64(x>>11) + 0.5) / (1 << 53)
	return -share / math.Log(uniform)
}

// room is how many requests a target may have in flight for each unit of its
// weight; 0 is any number.
func (p *Pool) room(s scope) float64 {
	if p.policy.MaxLoad == 0 {
		return 0
	}
	flying, weights := int64(1), 0
	for _, m := range p.members {
		if m.weight > 0 && m.circle <= s.circle {
			flying += m.inFlight.Load()
			weights += m.weight
		}
	}
	return float64(flying) / float64(max(1, weights)) * float64(p.policy.MaxLoad) / 100
}
