package target

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Member is one target's place in a pool.
type Member struct {
	Key Key
	// Weight is the target's share relative to the other members. Members
	// with a weight of 0 or less get no requests.
	Weight int
}

// Pool is an immutable set of targets to pick from. A pool without members, or
// whose members all weigh nothing, is valid and picks nothing.
type Pool struct {
	name    string
	policy  Policy
	members []Member
	targets []*Target // as members
	seats   []*seat   // as members, or none if the policy needs none
	turns   []int32   // the order of picks, repeated for ever: indexes of members
	cursor  *atomic.Uint64

	// Of the registry, under its lock: how many routes have the pool, and whether
	// it was given up.
	uses      int
	forgotten bool
}

// Name is the name the pool was asked for by.
func (p *Pool) Name() string { return p.name }

// Members lists what the pool was made of. It must not be changed.
func (p *Pool) Members() []Member { return p.members }

// Targets lists the members' targets, in the members' order. It must not be
// changed.
func (p *Pool) Targets() []*Target { return p.targets }

// IsTimed reports whether the pool picks by the times told to [Target.Took].
func (p *Pool) IsTimed() bool { return p.policy.Method == LeastTime }

// Pick returns a target by the pool's policy for a client, or nil if there is
// none.
func (p *Pool) Pick(client netip.Addr) *Target {
	if len(p.turns) == 0 {
		return nil
	}
	switch p.policy.Method {
	case Random:
		return p.turn(rand.Uint64(), nil)
	case LeastConns:
		return p.least(loadOf)
	case LeastTime:
		return p.least(latencyOf)
	case PowerOfTwo:
		return p.lesserOfTwo()
	case Rendezvous:
		return p.rendezvous(client)
	}
	return p.turn(p.cursor.Add(1)-1, nil)
}

// PickOther is for the second try, after the first has failed: it returns the
// target whose turn is next but passes over the tried one as long as there is
// another. It takes no turn, so that two targets of which one is down do not
// fall into step with the tries.
func (p *Pool) PickOther(tried *Target) *Target {
	if other := p.turn(p.cursor.Load(), tried); other != nil {
		return other
	}
	return tried
}

// turn returns the target of the n-th turn, or of the next one after it whose
// target is open and not the one to pass over.
func (p *Pool) turn(n uint64, pass *Target) *Target {
	count := uint64(len(p.turns))
	if count == 0 {
		return nil
	}
	now := p.now()
	for i := range count {
		at := p.turns[(n+i)%count]
		if p.isOpen(int(at), now) && p.targets[at] != pass {
			return p.targets[at]
		}
	}
	return nil
}

// now is the time, if it matters.
func (p *Pool) now() (now time.Time) {
	if p.seats != nil {
		now = time.Now()
	}
	return now
}

// isOpen reports whether the i-th member may be picked.
func (p *Pool) isOpen(i int, now time.Time) bool { return p.seats == nil || p.seats[i].isOpen(now) }

// Takes reports whether the target is one of the pool that may be picked.
func (p *Pool) Takes(t *Target) bool {
	i := slices.Index(p.targets, t)
	return i >= 0 && p.members[i].Weight > 0 && p.isOpen(i, p.now())
}

// SetUp says whether a member is well, in the opinion of a check. It reports
// whether that is news.
func (p *Pool) SetUp(t *Target, up bool) (changed bool) {
	i := slices.Index(p.targets, t)
	return i >= 0 && p.seats != nil && p.seats[i].down.Swap(!up) == up
}

// Observe tells how a request to a member ended. It reports whether the member
// is passed over from now on, for the policy's window.
func (p *Pool) Observe(t *Target, failed bool) (ejected bool) {
	if p.policy.MaxFailures <= 0 || !failed {
		return false
	}
	i := slices.Index(p.targets, t)
	return i >= 0 && p.seats[i].observe(failed, p.policy, time.Now())
}

// maxTurns bounds the length of the picking order: shares are as exact as one
// in so many turns.
const maxTurns = 10_000

// turns lays out the weighted round robin in advance. Each target's turns are
// spread evenly rather than bunched: at every step each target gains its
// weight in credit, and the one with most credit pays the sum of all.
func turns(weights []int) []int32 {
	weights = reduce(weights)
	sum := 0
	for _, w := range weights {
		sum += w
	}
	order := make([]int32, 0, sum)
	credit := make([]int, len(weights))
	for range sum {
		best := -1
		for i, w := range weights {
			credit[i] += w
			if w > 0 && (best < 0 || credit[i] > credit[best]) {
				best = i
			}
		}
		credit[best] -= sum
		order = append(order, int32(best)) //nolint:gosec // there are no more members than turns
	}
	return order
}

// reduce makes the weights as small as they can be in the same proportion, and
// then small enough for maxTurns. A weight above 0 stays above 0.
func reduce(weights []int) []int {
	weights = slices.Clone(weights)
	sum, divisor := 0, 0
	for i, w := range weights {
		// What no one writes on purpose must not overflow the sum.
		weights[i] = min(max(w, 0), 1<<30)
		sum += weights[i]
		divisor = gcd(divisor, weights[i])
	}
	if sum == 0 {
		return weights
	}
	for i := range weights {
		weights[i] /= divisor
	}
	if sum /= divisor; sum <= maxTurns {
		return weights
	}
	for i, w := range weights {
		if w > 0 {
			weights[i] = max(1, w*maxTurns/sum)
		}
	}
	return weights
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
