package watch

import (
	"context"
	"fmt"
	"time"
)

// loop keeps one query fresh by blocking requests until ctx ends. The first
// request carries no index, and so does the first after each failure: a
// source that lost its state would hold a too high index for the whole wait.
func (w *Watcher) loop(ctx context.Context, m *watched) {
	var index uint64
	for Sleep(ctx, w.turn(m)) {
		asked := time.Now()
		reply, err := w.ask(ctx, m, index)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			index = 0
			if !w.retry(ctx, m, err) {
				return
			}
			continue
		}
		changed := w.accept(ctx, m, reply)
		if reply.Index == 0 {
			index = 0
			if !w.pollPause(m, reply).rest(ctx) {
				return
			}
			continue
		}
		atOnce := time.Since(asked) < w.options.Wait/2
		w.rate(m, changed || !atOnce || index == 0 || reply.Index > index)
		index = reply.Index
	}
}

// turn is how long to wait before m may be asked again.
func (w *Watcher) turn(m *watched) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return m.pace.take(time.Now())
}

// rate tells the pace of m whether the last reply was worth its request.
func (w *Watcher) rate(m *watched, useful bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if useful {
		m.pace.useful(time.Now())
	} else {
		m.pace.idle()
	}
}

// pollPause is the pause before a query is asked again that the source cannot
// block on.
func (w *Watcher) pollPause(m *watched, r Reply) pause {
	p := pause{length: w.options.Wait}
	if r.Poll > 0 {
		p.length = r.Poll
	}
	if r.Filtered {
		p.back = w.renewalSince(m)
	}
	return p
}

// ask puts a question within the budget. A reply that cannot be believed as it
// is gets a second request, which the leader must confirm and which is not
// held: it carries no index.
func (w *Watcher) ask(ctx context.Context, m *watched, index uint64) (Reply, error) {
	cost := m.origin.cost()
	if err := w.budget.take(ctx, cost); err != nil {
		return Reply{}, err
	}
	defer w.budget.give(cost)

	w.mu.Lock()
	had, last := m.entry.Known && !isEmpty(m.entry.Value), m.index
	// A survey tells of a change once, as the leader sees it: a server that lags
	// behind could answer with what was before, and nothing would ask again.
	leader := m.mode == surveyed
	w.mu.Unlock()

	r := Request{Query: m.query, Index: index, Wait: w.options.Wait, Consistent: leader}
	reply, err := w.fetchFor(ctx, m, r)
	if err == nil && !leader && w.doubtful(reply, last, had) {
		r.Index, r.Consistent = 0, true
		reply, err = w.fetch(ctx, m.origin.source, r)
	}
	if err != nil {
		return Reply{}, err
	}
	if m.origin.cost() != m.origin.planned.Load() {
		wake(w.unplanned) // only an answer tells whether requests share a connection
	}
	if reply.hidden() {
		return Reply{}, filteredError(reply)
	}
	return reply, nil
}

// hidden reports whether access rules left nothing of an answer. A node is
// shown without its services then.
func (r Reply) hidden() bool {
	if n, ok := r.Value.(*NodeServices); ok && n != nil {
		return r.Filtered && len(n.Services) == 0
	}
	return r.Filtered && isEmpty(r.Value)
}

func filteredError(r Reply) error {
	if r.Needs == "" {
		return ErrFiltered
	}
	return fmt.Errorf("%w; the token needs %s", ErrFiltered, r.Needs)
}

// doubtful reports whether a reply must be confirmed by the leader: it is
// older than allowed, its index is less than the last, or all that was there
// is gone.
// A server that has just rejoined its cluster answers stale reads so.
func (w *Watcher) doubtful(reply Reply, last uint64, had bool) bool {
	switch {
	case reply.LastContact > w.options.MaxStale:
		return true
	case reply.Index > 0 && reply.Index < last:
		return true
	default:
		return had && isEmpty(reply.Value) && !reply.Filtered
	}
}

// fetch puts one request with a deadline. Consul adds up to a sixteenth to the
// wait; ten seconds more are for the way and the work.
func (w *Watcher) fetch(ctx context.Context, s Source, r Request) (Reply, error) {
	limit := r.Wait + r.Wait/16 + 10*time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reply, err := s.Fetch(ctx, r)
	if err != nil && ctx.Err() == context.DeadlineExceeded {
		return Reply{}, fmt.Errorf("%s: no answer within %s: %w", r.Query, limit, err)
	}
	return reply, err
}
