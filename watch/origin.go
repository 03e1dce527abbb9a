package watch

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// origin is a source with what the Watcher knows of its condition. The fields
// below mu are guarded by the Watcher's.
type origin struct {
	source Source
	probe  chan struct{} // taken by the one failing query that looks often

	planned atomic.Int64 // the cost of a request in the current plan

	// mu
	watched int           // wanted queries it answers
	failing int           // those that cannot be confirmed, refusals left out
	back    chan struct{} // closed and replaced when a failed query succeeds
	renewed chan struct{} // closed and replaced when there are other credentials
	crowd   *crowd        // nil unless there were ever too many queries

	outSince, backSince time.Time // what the log was told
}

func newOrigin(s Source) *origin {
	return &origin{source: s, probe: make(chan struct{}, 1), back: make(chan struct{}), renewed: make(chan struct{})}
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
// the others will too. Watcher.mu is held.
func (o *origin) recovered() {
	close(o.back)
	o.back = make(chan struct{})
	if o.crowd != nil {
		o.crowd.openGate()
	}
}

// pause is how long to rest after a failed request.
type pause struct {
	length time.Duration
	back   <-chan struct{} // ends it early; nil if only time will help
	probe  chan struct{}   // held while it lasts, or nil
}

// pauseAfter plans the pause after so many failures in a row, the last with
// err. Other credentials, of which renewed tells, end it after a refusal.
func (w *Watcher) pauseAfter(o *origin, failures int, err error, renewed <-chan struct{}) pause {
	backoff := w.backoff(o)
	if isRefusal(err) {
		return pause{length: backoff.slowest(), back: renewed}
	}
	w.mu.Lock()
	out, back := o.out(), o.back
	w.mu.Unlock()

	p := pause{back: back}
	ceiling := backoff.ceiling(failures)
	if out && o.claimProbe() {
		p.probe = o.probe
		ceiling = min(ceiling, probePause)
	}
	p.length = fullJitter(ceiling)
	if busy, ok := errors.AsType[RetryAfter](err); ok && busy.RetryAfter() > p.length {
		p.length += busy.RetryAfter()
		p.back = nil
	}
	return p
}

// backoff bounds the pauses of o.
func (w *Watcher) backoff(o *origin) Backoff {
	if p, ok := o.source.(Pauser); ok {
		if b := p.Backoff(); b != (Backoff{}) {
			return b
		}
	}
	return w.options.Backoff
}

// rest lasts for the pause and reports whether ctx is still alive.
func (p pause) rest(ctx context.Context) bool {
	if p.probe != nil {
		defer func() { <-p.probe }()
	}
	t := time.NewTimer(p.length)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-p.back:
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
