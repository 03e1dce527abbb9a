// Package count counts exchanges: how they ended, how long they took and how large
// they were. Counting neither locks nor allocates, but for a kind's first time.
package count

import (
	"math/bits"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// durationBounds are the upper bounds of the buckets of [Counts.Buckets] in
// seconds; one more bucket has no bound.
var durationBounds = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// Counts is a moment's view of what was counted of a kind of exchanges.
type Counts struct {
	// Classes counts answers by the first digit of their status: 1 to 5.
	Classes [6]uint64
	// Buckets counts durations up to each of Bounds, in seconds and not
	// cumulated, and last those beyond.
	Bounds  []float64
	Buckets []uint64
	// Seconds is the sum of all durations.
	Seconds float64
	// Received and Sent are the bytes of bodies, of requests and of answers.
	Received, Sent uint64
}

// Counters count exchanges. They consist of stripes, of which each connection
// uses one, lest processors fight for a cache line with every request. The zero
// value is ready to use and small until it is used.
type Counters struct{ stripes atomic.Pointer[[]Stripe] }

// Stripe counts the exchanges of some connections.
type Stripe struct {
	Flying   atomic.Int64 // exchanges in flight, if somebody counts them
	classes  [6]atomic.Uint64
	buckets  [len(durationBounds) + 1]atomic.Uint64
	nanos    atomic.Int64
	received atomic.Uint64
	sent     atomic.Uint64
	kinds    kinds     // if somebody wants details
	_        [4]uint64 // fills up four cache lines
}

// maxStripes bounds the memory of a route that is used, at 256 bytes each.
const maxStripes = 8

// Of returns the stripe of connections from a port.
func (c *Counters) Of(port uint16) *Stripe {
	all := c.stripes.Load()
	if all == nil {
		n := 1 << bits.Len(uint(min(runtime.GOMAXPROCS(0), maxStripes)-1))
		made := make([]Stripe, n)
		if c.stripes.CompareAndSwap(nil, &made) {
			all = &made
		} else {
			all = c.stripes.Load()
		}
	}
	// Linux gives connecting sockets every other port.
	return &(*all)[int(port>>1)&(len(*all)-1)]
}

// Observe counts a finished exchange.
func (s *Stripe) Observe(status int, took time.Duration, received, sent int64) {
	if class := status / 100; class < len(s.classes) {
		s.classes[class].Add(1)
	}
	i, seconds := 0, took.Seconds()
	for i < len(durationBounds) && seconds > durationBounds[i] {
		i++
	}
	s.buckets[i].Add(1)
	s.nanos.Add(int64(took))
	if sent > 0 {
		s.sent.Add(uint64(sent))
	}
	if received > 0 {
		s.received.Add(uint64(received))
	}
}

// ObserveKind counts it by its kind too, with durations up to each of the bounds.
func (s *Stripe) ObserveKind(k Packed, bounds []float64, took time.Duration, received, sent int64) {
	s.kinds.of(k, len(bounds)+1).Observe(bounds, took, received, sent)
}

// IsUsed reports whether anything was ever counted.
func (c *Counters) IsUsed() bool { return c.stripes.Load() != nil }

// all returns the stripes, which are none before the first use.
func (c *Counters) all() []Stripe {
	if stripes := c.stripes.Load(); stripes != nil {
		return *stripes
	}
	return nil
}

// InFlight is how many exchanges are.
func (c *Counters) InFlight() (n int64) {
	for i := range c.all() {
		n += c.all()[i].Flying.Load()
	}
	return n
}

// Sum is what was counted, of whatever kind.
func (c *Counters) Sum() Counts {
	sum := Counts{Bounds: slices.Clone(durationBounds[:]), Buckets: make([]uint64, len(durationBounds)+1)}
	var nanos int64
	for n := range c.all() {
		s := &c.all()[n]
		for i := range s.classes {
			sum.Classes[i] += s.classes[i].Load()
		}
		for i := range s.buckets {
			sum.Buckets[i] += s.buckets[i].Load()
		}
		nanos += s.nanos.Load()
		sum.Received += s.received.Load()
		sum.Sent += s.sent.Load()
	}
	sum.Seconds = time.Duration(nanos).Seconds()
	return sum
}
