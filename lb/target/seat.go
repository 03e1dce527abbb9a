package target

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// seat is what a pool knows of one of its targets that the target does not: it
// may be well for one service and not for another. It outlives the pool, like
// the pool's cursor.
type seat struct {
	down    atomic.Bool  // as checks say
	ejected atomic.Int64 // until when, in Unix nanoseconds

	mu       sync.Mutex
	failures []time.Time // within the window, at most as many as are allowed
}

func (s *seat) isOpen(now time.Time) bool {
	return !s.down.Load() && s.ejected.Load() <= now.UnixNano()
}

// observe counts a request, and reports whether the seat is given up for a while
// because of it.
func (s *seat) observe(failed bool, p Policy, now time.Time) (ejected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !failed {
		return false
	}
	s.failures = slices.DeleteFunc(s.failures, func(at time.Time) bool { return now.Sub(at) >= p.Window })
	s.failures = append(s.failures, now)
	if len(s.failures) < p.MaxFailures {
		return false
	}
	s.failures = s.failures[:0]
	s.ejected.Store(now.Add(p.Window).UnixNano())
	return true
}
