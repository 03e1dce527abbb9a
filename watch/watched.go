package watch

import (
	"context"
	"errors"
	"reflect"
	"time"
)

// watched is one wanted query and what is known of it, whoever asks for it: a
// loop or a crowd. All fields but query and origin are guarded by Watcher.mu.
type watched struct {
	query  Query
	origin *origin // nil if no source answers the query
	wants  []*Wants

	mode   mode
	cancel context.CancelFunc // ends the asking; nil while nobody asks
	crowd  *crowd             // that asks, or nil for a loop
	member member
	pace   pace

	entry    Entry     // the newest; its Version is set by publication
	tries    int       // failed requests in a row
	since    time.Time // when entry.Err began
	index    uint64
	filtered bool
	changes  score

	renewal <-chan struct{}    // closed when the credentials are replaced that the last request had
	recall  context.CancelFunc // ends a request that is held for an answer known in part, or nil

	touched bool // is in Watcher.touched
	changed bool // value or error changed since the last publication
	renewed bool // value changed since the last publication

	retryAt   time.Time // when a failed request will be repeated, at the latest
	told      told      // what the log knows
	toldSince time.Time
}

// mode says how a query is kept fresh.
type mode string

const (
	idle     mode = ""         // by nothing: no source, or not running
	blocking mode = "blocking" // by a blocking request of its own
	surveyed mode = "surveyed" // by requests when a survey says so
	polled   mode = "polled"   // by asking now and then
)

// accept takes in a believable reply.
func (w *Watcher) accept(ctx context.Context, m *watched, r Reply) (changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil { // no longer wanted, or others have taken over
		return false
	}
	return w.take(m, r)
}

// take is accept for those that know that the reply is wanted. w.mu is held.
func (w *Watcher) take(m *watched, r Reply) (changed bool) {
	now := time.Now()
	changed = !m.entry.Known || !equal(m.entry.Value, r.Value)
	if changed {
		if m.entry.Known {
			m.changes.add(now)
		}
		m.entry.Value, m.entry.Known = r.Value, true
		m.renewed = true
	}
	m.index, m.filtered = r.Index, r.Filtered
	if m.crowd == nil {
		m.mode = blocking
		if r.Index == 0 {
			m.mode = polled
		}
	}
	m.entry.Confirmed = now
	if m.tries > 0 && !isRefusal(m.entry.Err) {
		m.origin.recovered()
	}
	m.tries = 0
	if w.setErr(m, nil, now) || changed {
		m.changed = true
		w.touch(m)
	}
	return changed
}

// reject takes in a failed request. The last good answer stays.
func (w *Watcher) reject(ctx context.Context, m *watched, err error) (failures int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return 0
	}
	if !isTimeout(err) {
		m.vouch(time.Now())
	}
	m.tries++
	m.filtered = errors.Is(err, ErrFiltered)
	w.doubt(m, err)
	w.log.Debug("request failed", "query", m.query, "tries", m.tries, "err", err)
	return m.tries
}

// retry takes in a failed request and rests. It reports whether ctx is still
// alive.
func (w *Watcher) retry(ctx context.Context, m *watched, err error) bool {
	p := w.pauseAfter(m.origin, w.reject(ctx, m, err), err, w.renewalSince(m))
	w.mu.Lock()
	m.retryAt = time.Now().Add(p.length)
	w.mu.Unlock()
	return p.rest(ctx)
}

// doubt marks the answer as not confirmed. w.mu is held.
func (w *Watcher) doubt(m *watched, err error) {
	if w.setErr(m, err, time.Now()) {
		m.changed = true
		w.touch(m)
	}
}

// setErr sets or clears the error and reports whether that is news. Another
// error of the same kind is not: retries often differ in nothing but a port
// number. w.mu is held.
func (w *Watcher) setErr(m *watched, err error, now time.Time) (news bool) {
	old := m.entry.Err
	m.entry.Err = err
	if kindOf(old) == kindOf(err) {
		return false
	}
	if o := m.origin; o != nil {
		o.failing += btoi(kindOf(err) == failOutage) - btoi(kindOf(old) == failOutage)
	}
	switch {
	case err == nil:
		m.since = time.Time{}
	case old == nil:
		m.since = now
	}
	wake(w.unreported)
	return true
}

// failure is a kind of error. Those behind failOutage are the source's considered
// answers.
type failure int

const (
	failNot failure = iota
	failOutage
	failDenied
	failFiltered
	failNotFound
	failInvalid
	failUnanswerable
)

func kindOf(err error) failure {
	switch {
	case err == nil:
		return failNot
	case errors.Is(err, ErrFiltered):
		return failFiltered
	case errors.Is(err, ErrDenied):
		return failDenied
	case errors.Is(err, ErrNotFound):
		return failNotFound
	case errors.Is(err, ErrInvalid):
		return failInvalid
	case errors.Is(err, ErrUnanswerable):
		return failUnanswerable
	}
	return failOutage
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// equal reports whether two answers to one query say the same. A nil and an
// empty list do.
func equal(a, b any) bool { return isEmpty(a) && isEmpty(b) || reflect.DeepEqual(a, b) }

// isEmpty reports whether an answer says that there is nothing. An empty file
// is something.
func isEmpty(a any) bool {
	switch v := reflect.ValueOf(a); v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Pointer:
		return v.IsNil()
	default:
		return false
	}
}
