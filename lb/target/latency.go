package target

import (
	"math"
	"sync"
	"time"
)

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

// at is the average in seconds, and next to nothing before the first time. Nil has
// had none.
func (l *latency) at(now time.Time) float64 {
	const unknown = 1e-6
	if l == nil {
		return unknown
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last.IsZero() {
		return unknown
	}
	return unknown + l.seconds*math.Exp(-now.Sub(l.last).Seconds()/fade.Seconds())
}
