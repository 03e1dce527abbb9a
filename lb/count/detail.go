package count

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Detail is what was counted of the exchanges of one kind.
type Detail struct {
	Kind
	// Buckets counts durations up to each of the bounds that are asked for, not
	// cumulated, and last those beyond.
	Buckets []uint64
	// Seconds is the sum of all durations.
	Seconds float64
	// Received and Sent are the bytes of bodies, of requests and of answers.
	Received, Sent uint64
}

// Count is how many exchanges there were.
func (d *Detail) Count() (n uint64) {
	for _, b := range d.Buckets {
		n += b
	}
	return n
}

// kinds counts exchanges by their kind. The zero value is empty.
type kinds struct {
	mu  sync.Mutex // for adding to all, which is replaced then
	all atomic.Pointer[map[Packed]*Series]
}

// maxKinds bounds what one stripe counts apart: targets choose the status.
const maxKinds = 400

// Series counts the exchanges of one kind.
type Series struct {
	nanos          atomic.Int64
	received, sent atomic.Uint64
	buckets        []atomic.Uint64
}

// NewSeries is an empty one, for durations of so many buckets.
func NewSeries(buckets int) *Series { return &Series{buckets: make([]atomic.Uint64, buckets)} }

// Observe counts an exchange, with durations up to each of the bounds.
func (s *Series) Observe(bounds []float64, took time.Duration, received, sent int64) {
	i, seconds := 0, took.Seconds()
	for i < len(bounds) && seconds > bounds[i] {
		i++
	}
	s.buckets[i].Add(1)
	s.nanos.Add(int64(took))
	if received > 0 {
		s.received.Add(uint64(received))
	}
	if sent > 0 {
		s.sent.Add(uint64(sent))
	}
}

// of returns the series of a kind, for durations of so many buckets.
func (k *kinds) of(what Packed, buckets int) *Series {
	if all := k.all.Load(); all != nil {
		if s := (*all)[what]; s != nil {
			return s
		}
	}
	return k.add(what, buckets)
}

func (k *kinds) add(what Packed, buckets int) *Series {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[Packed]*Series{}
	if before := k.all.Load(); before != nil {
		if len(*before) >= maxKinds {
			what = what.rough()
		}
		if s := (*before)[what]; s != nil {
			return s
		}
		all = maps.Clone(*before)
	}
	all[what] = NewSeries(buckets)
	k.all.Store(&all)
	return all[what]
}

// Details joins the kinds of all stripes.
func (c *Counters) Details() []Detail {
	sums := map[Packed]*Detail{}
	for i := range c.all() {
		all := c.all()[i].kinds.all.Load()
		if all == nil {
			continue
		}
		for what, s := range *all {
			if sums[what] == nil {
				sums[what] = &Detail{Kind: what.Kind()}
			}
			s.AddTo(sums[what])
		}
	}
	list := make([]Detail, 0, len(sums))
	for _, d := range sums {
		list = append(list, *d)
	}
	return list
}

// AddTo adds what was counted.
func (s *Series) AddTo(d *Detail) {
	if d.Buckets == nil {
		d.Buckets = make([]uint64, len(s.buckets))
	}
	for i := range s.buckets {
		d.Buckets[i] += s.buckets[i].Load()
	}
	d.Seconds += time.Duration(s.nanos.Load()).Seconds()
	d.Received += s.received.Load()
	d.Sent += s.sent.Load()
}
