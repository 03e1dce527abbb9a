package target

import (
	"sync"
	"time"
)

// budgetSpan is the time over which tries and requests are set against each
// other.
const budgetSpan = 10 * time.Second

// account keeps a pool to its [Budget]. It is looked at when a request is to be
// tried again and not with every request, so it costs those that succeed nothing.
type account struct {
	mu       sync.Mutex
	left     float64
	looked   int64  // when, 0 is never
	requests uint64 // there had been by then
}

// take takes one try from the account if it has one. requests is how many there
// have been in all.
func (a *account) take(b Budget, requests uint64, now int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	span := budgetSpan.Seconds()
	passed := float64(now-a.looked) / float64(time.Second)
	if a.looked == 0 {
		passed = span
	}
	come := float64(requests-a.requests)*float64(b.Percent)/100 + passed*float64(b.PerSecond)
	if passed > span { // only the last part of it counts
		come *= span / passed
	}
	a.left = a.left*max(0, 1-passed/span) + come
	a.looked, a.requests = now, requests
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}
