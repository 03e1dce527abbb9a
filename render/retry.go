package render

import (
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// retry paces attempts at a step that failed. The zero value is ready at once.
type retry struct {
	next  time.Time
	pause time.Duration
}

func (r *retry) failed(now time.Time, b watch.Backoff) {
	r.pause = min(max(2*r.pause, b.Min), b.Max)
	r.next = now.Add(r.pause)
}

func (r *retry) ready(now time.Time) bool { return !now.Before(r.next) }

func (r *retry) reset() { *r = retry{} }
