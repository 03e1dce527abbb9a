package watch

import (
	"context"
	"errors"
	"time"
)

// origin is a source with what the Watcher knows of its condition. The fields
// below mu are guarded by the Watcher's.
type origin struct {
	source Source
	probe  chan struct{} // taken by the one failing query that looks often

	// mu
	watched int           // wanted queries it answers
	failing int           // those that cannot be confirmed, refusals left out
	back    chan struct{} // closed and replaced when a failed query succeeds
}

func newOrigin(s Source) *origin {
	return &origin{source: s, probe: make(chan struct{}, 1), back: make(chan struct{})}
}

// cost is what one request takes of the budget at the moment.
func (o *origin) cost() int64 {
	if m, ok := o.source.(Multiplexer); ok {
		return costOf(m.Streams())
	}
	return connection
}

// out reports whether most queries fail: the source rather than a query.
func (o *origin) out() bool { return o.failing > 0 && 2*o.failing >= o.watched }

// recovered wakes all that rest after failures: what one query got through
// the others will too.
func (o *origin) recovered() {
	close(o.back)
	o.back = make(chan struct{})
}

// rest pauses after the given number of failures in a row, the last with err.
// The pause ends early when the source is back. It reports whether ctx is
// still alive.
func (w *Watcher) rest(ctx context.Context, o *origin, failures int, err error) bool {
	if isRefusal(err) {
		return sleep(ctx, w.options.Backoff.slowest())
	}
	w.mu.Lock()
	out, back := o.out(), o.back
	w.mu.Unlock()

	ceiling := w.options.Backoff.ceiling(failures)
	if out && o.claimProbe() {
		defer o.releaseProbe()
		ceiling = min(ceiling, probePause)
	}
	pause := fullJitter(ceiling)
	if busy, ok := errors.AsType[RetryAfter](err); ok && busy.RetryAfter() > pause {
		return sleep(ctx, busy.RetryAfter()+pause)
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-back:
	case <-t.C:
	}
	return ctx.Err() == nil
}

func (o *origin) claimProbe() bool {
	select {
	case o.probe <- struct{}{}:
		return true
	default:
		return false
	}
}

func (o *origin) releaseProbe() { <-o.probe }
