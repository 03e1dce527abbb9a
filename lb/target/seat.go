package target

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// clock tells monotonic time in nanoseconds since its epoch, never 0.
type clock struct{ epoch time.Time }

func (c clock) now() int64 { return int64(time.Since(c.epoch)) + 1 }

// seat is what a pool knows of one of its targets that the target does not: it
// may be well for one service and not for another. It outlives the pool, like
// the pool's cursor. Times are those of the pool's clock, and 0 for none, so that
// a seat nothing is wrong with is asked without asking for the time.
type seat struct {
	down    atomic.Bool  // as checks say
	inARow  atomic.Int32 // failures
	ejected atomic.Int64 // until when
	since   atomic.Int64 // when it began to get its share, while that may be less
	past    lazy[past]
}

// past is what a seat knows of what went wrong.
type past struct {
	mu       sync.Mutex
	failures []int64 // within the window, at most as many as are allowed
	contrary int     // checks in a row that speak against down
	times    int     // it was ejected
	back     int64   // when it was last to come back
}

// isOpen reports whether the seat may be picked, as far as its health goes.
func (s *seat) isOpen(c clock) bool {
	if s.down.Load() {
		return false
	}
	until := s.ejected.Load()
	if until == 0 {
		return true
	}
	if until > c.now() {
		return false
	}
	if s.ejected.CompareAndSwap(until, 0) {
		s.since.Store(until)
	}
	return true
}

// leastShare is what a target gets that has just come, lest it never gets warm.
const leastShare = 0.05

// share is the part of its weight the seat gets.
func (s *seat) share(slow time.Duration, c clock) float64 {
	since := s.since.Load()
	if since == 0 || slow == 0 {
		return 1
	}
	age := c.now() - since
	if age >= int64(slow) {
		s.since.CompareAndSwap(since, 0)
		return 1
	}
	return max(leastShare, float64(age)/float64(slow))
}

// hear counts a check, and reports whether so many in a row speak against what
// was so far that it counts.
func (s *seat) hear(up bool, p *Policy, now int64) (changed bool) {
	past := s.past.need()
	past.mu.Lock()
	defer past.mu.Unlock()
	threshold := p.Fall
	if up {
		threshold = p.Rise
	}
	if s.down.Load() == !up {
		past.contrary = 0
		return false
	}
	if past.contrary++; past.contrary < threshold {
		return false
	}
	past.contrary = 0
	if up {
		s.since.Store(now)
	}
	s.down.Store(!up)
	return true
}

// countFailure counts towards [Policy.MaxFailures] and ejects if it is full.
func (s *seat) countFailure(p *Policy, now int64) (ejected time.Duration) {
	past := s.past.need()
	past.mu.Lock()
	defer past.mu.Unlock()
	past.failures = slices.DeleteFunc(past.failures, func(at int64) bool { return now-at >= int64(p.Window) })
	past.failures = append(past.failures, now)
	if len(past.failures) < p.MaxFailures {
		return 0
	}
	past.failures = past.failures[:0]
	s.ejected.Store(now + int64(p.Window))
	return p.Window
}

// eject passes the seat over, for longer than the last time unless that is long
// ago.
func (s *seat) eject(e Ejection, now int64) time.Duration {
	past := s.past.need()
	past.mu.Lock()
	defer past.mu.Unlock()
	if now-past.back > int64(e.Max) {
		past.times = 0
	}
	length := e.Max
	if past.times < 30 {
		length = min(e.Max, e.Base<<past.times)
	}
	past.times++
	past.back = now + int64(length)
	s.inARow.Store(0)
	s.ejected.Store(past.back)
	return length
}
