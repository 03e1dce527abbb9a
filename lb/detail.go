package lb

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Detail is what was counted of the exchanges of one kind.
type Detail struct {
	Kind
	// Buckets counts durations up to each of [ServerOptions.DetailBounds], not
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
	all atomic.Pointer[map[kind]*series]
}

// maxKinds bounds what one stripe counts apart: targets choose the status.
const maxKinds = 400

// series counts the exchanges of one kind.
type series struct {
	nanos          atomic.Int64
	received, sent atomic.Uint64
	buckets        []atomic.Uint64
}

// observe counts an exchange.
func (s *series) observe(bounds []float64, took time.Duration, received, sent int64) {
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
func (k *kinds) of(what kind, buckets int) *series {
	if all := k.all.Load(); all != nil {
		if s := (*all)[what]; s != nil {
			return s
		}
	}
	return k.add(what, buckets)
}

func (k *kinds) add(what kind, buckets int) *series {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[kind]*series{}
	if before := k.all.Load(); before != nil {
		if len(*before) >= maxKinds {
			what = what.rough()
		}
		if s := (*before)[what]; s != nil {
			return s
		}
		all = maps.Clone(*before)
	}
	all[what] = &series{buckets: make([]atomic.Uint64, buckets)}
	k.all.Store(&all)
	return all[what]
}

// details joins the kinds of all stripes.
func (c *counters) details() []Detail {
	sums := map[kind]*Detail{}
	for i := range c.all() {
		all := c.all()[i].kinds.all.Load()
		if all == nil {
			continue
		}
		for what, s := range *all {
			if sums[what] == nil {
				sums[what] = &Detail{Kind: what.plain()}
			}
			s.addTo(sums[what])
		}
	}
	list := make([]Detail, 0, len(sums))
	for _, d := range sums {
		list = append(list, *d)
	}
	return list
}

func (s *series) addTo(d *Detail) {
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
