package watch

import "context"

func (w *Watcher) reporting(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.unreported:
		}
	}
}
