package lb

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

// counters count exchanges. They consist of stripes, of which each connection
// uses one, lest processors fight for a cache line with every request. The zero
// value is ready to use and small until it is used.
type counters struct{ stripes atomic.Pointer[[]stripe] }

type stripe struct {
	flying   atomic.Int64 // exchanges in flight, of entries alone
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

// of returns the stripe of the exchange's connection.
func (c *counters) of(x *Exchange) *stripe {
	all := c.stripes.Load()
	if all == nil {
		n := 1 << bits.Len(uint(min(runtime.GOMAXPROCS(0), maxStripes)-1))
		made := make([]stripe, n)
		if c.stripes.CompareAndSwap(nil, &made) {
			all = &made
		} else {
			all = c.stripes.Load()
		}
	}
	// Linux gives connecting sockets every other port.
	return &(*all)[int(x.Remote.Port()>>1)&(len(*all)-1)]
}

// observe counts a finished exchange.
func (s *stripe) observe(o *Outcome, took time.Duration) {
	if class := o.Status / 100; class < len(s.classes) {
		s.classes[class].Add(1)
	}
	i, seconds := 0, took.Seconds()
	for i < len(durationBounds) && seconds > durationBounds[i] {
		i++
	}
	s.buckets[i].Add(1)
	s.nanos.Add(int64(took))
	if o.Sent > 0 {
		s.sent.Add(uint64(o.Sent))
	}
	if o.Received > 0 {
		s.received.Add(uint64(o.Received))
	}
}

func (c *counters) isUsed() bool { return c.stripes.Load() != nil }

// all returns the stripes, which are none before the first use.
func (c *counters) all() []stripe {
	if stripes := c.stripes.Load(); stripes != nil {
		return *stripes
	}
	return nil
}

func (c *counters) inFlight() (n int64) {
	for i := range c.all() {
		n += c.all()[i].flying.Load()
	}
	return n
}

func (c *counters) sum() Counts {
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
