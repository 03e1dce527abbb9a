package target

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// least returns the open target whose cost is least for its weight. Of equal
// ones it takes turns.
func (p *Pool) least(cost func(t *Target, now time.Time) float64) *Target {
	now := time.Now()
	start := int(p.cursor.Add(1) % uint64(len(p.targets)))
	var best *Target
	lowest := math.Inf(1)
	for i := range p.targets {
		at := (start + i) % len(p.targets)
		weight := p.members[at].Weight
		if weight <= 0 || !p.isOpen(at, now) {
			continue
		}
		if c := cost(p.targets[at], now) / float64(weight); c < lowest {
			best, lowest = p.targets[at], c
		}
	}
	return best
}

func loadOf(t *Target, _ time.Time) float64 { return float64(t.inFlight.Load() + 1) }

func latencyOf(t *Target, now time.Time) float64 { return t.latency.at(now) * loadOf(t, now) }

// lesserOfTwo takes two random members that are open, and of them the one with
// fewer requests in flight.
func (p *Pool) lesserOfTwo() *Target {
	now := p.now()
	a := p.anyOpen(now, nil)
	b := p.anyOpen(now, a)
	if b == nil || b.inFlight.Load() >= a.inFlight.Load() {
		return a
	}
	return b
}

// anyOpen takes a random member that is open, but not the one to pass over.
func (p *Pool) anyOpen(now time.Time, pass *Target) *Target {
	start := rand.IntN(len(p.targets))
	for i := range p.targets {
		at := (start + i) % len(p.targets)
		if p.members[at].Weight > 0 && p.targets[at] != pass && p.isOpen(at, now) {
			return p.targets[at]
		}
	}
	return nil
}

// rendezvous gives each open target a number that depends on it and the client
// alone, and takes the one with the highest for its weight (weighted rendezvous
// hashing by the logarithmic method).
func (p *Pool) rendezvous(client netip.Addr) *Target {
	now := p.now()
	bytes := client.As16()
	var best *Target
	highest := math.Inf(-1)
	for i, t := range p.targets {
		weight := p.members[i].Weight
		if weight <= 0 || !p.isOpen(i, now) {
			continue
		}
		h := fnv.New64a()
		h.Write([]byte(t.key.Scheme))
		h.Write([]byte(t.key.Address))
		h.Write(bytes[:])
		var sum [8]byte
		h.Sum(sum[:0])
		// FNV spreads its last bytes badly over the high bits.
		x := mix(binary.BigEndian.Uint64(sum[:]))
		uniform := (float64(x>>11) + 0.5) / (1 << 53)
		if score := -float64(weight) / math.Log(uniform); score > highest {
			best, highest = t, score
		}
	}
	return best
}

// mix is the finalizer of MurmurHash3.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// latency is a moving average of times that fades: a target that was slow once
// gets another chance after a while.
type latency struct {
	mu      sync.Mutex
	seconds float64
	last    time.Time
}

// fade is the time after which an average counts a third.
const fade = 10 * time.Second

func (l *latency) add(d time.Duration, now time.Time) {
	const share = 0.3 // of the newest
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.IsZero() {
		l.seconds = d.Seconds()
	} else {
		l.seconds += share * (d.Seconds() - l.seconds)
	}
	l.last = now
}

// at is the average in seconds, and next to nothing before the first time.
func (l *latency) at(now time.Time) float64 {
	const unknown = 1e-6
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.IsZero() {
		return unknown
	}
	return unknown + l.seconds*math.Exp(-now.Sub(l.last).Seconds()/fade.Seconds())
}
