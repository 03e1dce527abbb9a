package target

import (
	"slices"
	"sync/atomic"
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
	members []Member
	targets []*Target // as members
	turns   []*Target // the order of picks, repeated for ever
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

// Pick returns the target whose turn it is, or nil if there is none.
func (p *Pool) Pick() *Target {
	n := uint64(len(p.turns))
	if n == 0 {
		return nil
	}
	return p.turns[(p.cursor.Add(1)-1)%n]
}

// PickOther is for the second try, after the first has failed: it returns the
// target whose turn is next but passes over the tried one as long as there is
// another. It takes no turn, so that two targets of which one is down do not
// fall into step with the tries.
func (p *Pool) PickOther(tried *Target) *Target {
	n := uint64(len(p.turns))
	if n == 0 {
		return nil
	}
	next := p.cursor.Load()
	for i := range n {
		if t := p.turns[(next+i)%n]; t != tried {
			return t
		}
	}
	return tried
}

// maxTurns bounds the length of the picking order: shares are as exact as one
// in so many turns.
const maxTurns = 10_000

// turns lays out the weighted round robin in advance. Each target's turns are
// spread evenly rather than bunched: at every step each target gains its
// weight in credit, and the one with most credit pays the sum of all.
func turns(targets []*Target, weights []int) []*Target {
	weights = reduce(weights)
	sum := 0
	for _, w := range weights {
		sum += w
	}
	order := make([]*Target, 0, sum)
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
		order = append(order, targets[best])
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
