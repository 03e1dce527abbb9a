package watch

import "context"

// renewing asks again for what was refused or filtered, each time the
// credentials of a source are replaced, until ctx ends.
func (w *Watcher) renewing(ctx context.Context, o *origin, r Renewer, renewed <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-renewed:
		}
		renewed = r.Renewed() // first, so that no replacement is missed
		w.renew(o)
	}
}

// renew ends the rest of what was refused and the requests that are held for
// an answer of which a part was hidden.
func (w *Watcher) renew(o *origin) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(o.renewed)
	o.renewed = make(chan struct{})
	for _, m := range w.watched {
		switch {
		case m.origin != o || !m.filtered:
		case m.crowd != nil:
			m.crowd.due(m, true)
		case m.recall != nil:
			m.recall()
		}
	}
}

// fetchFor is fetch for m. A request that would be held for an answer of which
// a part was hidden is put without its index once the credentials are others:
// the source's index does not say that they show more.
func (w *Watcher) fetchFor(ctx context.Context, m *watched, r Request) (Reply, error) {
	held, recall := context.WithCancel(ctx)
	defer recall()
	w.mu.Lock()
	if m.filtered && m.renewal != m.origin.renewed {
		r.Index = 0
	}
	m.renewal = m.origin.renewed
	if m.filtered && r.Index > 0 {
		m.recall = recall
	}
	w.mu.Unlock()

	reply, err := w.fetch(held, m.origin.source, r)
	w.mu.Lock()
	recalled := held.Err() != nil && ctx.Err() == nil
	if ctx.Err() == nil { // else another may be asking for m
		m.recall = nil
	}
	w.mu.Unlock()
	if !recalled {
		return reply, err
	}
	r.Index = 0
	return w.fetchFor(ctx, m, r)
}

// renewal is closed when the credentials are replaced that o has now.
func (w *Watcher) renewal(o *origin) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return o.renewed
}

// renewalSince is closed when the credentials are replaced that m was last
// asked for with.
func (w *Watcher) renewalSince(m *watched) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return m.renewal
}
