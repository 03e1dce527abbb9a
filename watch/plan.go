package watch

import "context"

type member struct{ due, visited bool }

func (w *Watcher) planning(ctx context.Context) {
	for {
		w.mu.Lock()
		for _, m := range w.watched {
			if m.cancel == nil && m.origin != nil {
				w.startLoop(ctx, m)
			}
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-w.unplanned:
		}
	}
}

// startLoop gives m a blocking loop of its own. w.mu is held.
func (w *Watcher) startLoop(ctx context.Context, m *watched) {
	loopCtx, cancel := context.WithCancel(ctx)
	m.mode, m.cancel = blocking, cancel
	w.tasks.Go(func() {
		defer cancel()
		w.loop(loopCtx, m)
	})
}

// release ends what keeps m fresh. w.mu is held.
func (w *Watcher) release(m *watched) {
	if m.cancel != nil {
		m.cancel()
	}
	m.mode, m.cancel = idle, nil
}
