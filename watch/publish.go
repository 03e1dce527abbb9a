package watch

import (
	"context"
	"time"
)

// Publication slows down while changes keep coming, in steps from Settle to
// maxSettle times Settle, and never takes more than a tenth of the time.
const (
	maxSettle   = 20
	publishPart = 10
)

// publishing publishes whenever there is something new, until ctx ends.
func (w *Watcher) publishing(ctx context.Context) {
	settle := w.options.Settle
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.unpublished:
		}
		started := time.Now()
		w.publish()
		if !Sleep(ctx, max(settle, publishPart*time.Since(started))) {
			return
		}
		if len(w.unpublished) > 0 {
			settle = min(2*settle, maxSettle*w.options.Settle)
		} else {
			settle = w.options.Settle
		}
	}
}

// touch notes that the entry of m is not as published. w.mu is held.
func (w *Watcher) touch(m *watched) {
	if !m.touched {
		m.touched = true
		w.touched = append(w.touched, m)
	}
	wake(w.unpublished)
}

// publish makes a snapshot of the newest entries and then tells the consumers
// for whom it holds something new.
func (w *Watcher) publish() {
	next := w.snapshot.Load().next()
	for _, c := range w.fill(next) {
		wake(c.changed)
	}
}

// fill brings s up to date, makes it the current one and returns the
// consumers to tell.
func (w *Watcher) fill(s *Snapshot) []*Wants {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, q := range w.forgotten {
		delete(s.entries, q)
	}
	tell := make(map[*Wants]struct{})
	for _, m := range w.touched {
		m.touched = false
		if w.watched[m.query] != m {
			continue // forgotten in the meantime
		}
		if m.renewed {
			m.entry.Version = s.generation
		}
		e := m.entry
		s.set(m.query, &e)
		if m.changed {
			for _, c := range m.wants {
				tell[c] = struct{}{}
			}
		}
		m.changed, m.renewed = false, false
	}
	clear(w.touched)
	w.touched, w.forgotten = w.touched[:0], nil
	w.snapshot.Store(s)

	consumers := make([]*Wants, 0, len(tell))
	for c := range tell {
		consumers = append(consumers, c)
	}
	return consumers
}
