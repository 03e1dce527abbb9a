package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/watch"
)

// rendering does the work of the newest good configuration.
type rendering struct {
	current atomic.Pointer[work]
	// next reads the configuration again and makes its work; swapped is called
	// when that takes the place of the old.
	next    func(old *work) (*work, error)
	swapped func(old, now *work)
	log     *slog.Logger
}

// Run works until ctx ends or the work does. On a reload the new configuration
// takes the old one's place, unless anything is wrong with it.
func (r *rendering) Run(ctx context.Context, reload <-chan struct{}) error {
	for {
		old := r.current.Load()
		running, stop := context.WithCancel(ctx)
		next := make(chan *work, 1)
		go func() {
			defer close(next)
			if w := r.await(running, old, reload); w != nil {
				old.splay(running)
				next <- w
				stop()
			}
		}()
		err := old.Run(running)
		stop()
		now := <-next
		if now == nil || ctx.Err() != nil || err != nil {
			return err
		}
		r.current.Store(now)
		r.swapped(old, now)
		r.log.Info("configuration read again")
	}
}

// await returns the work of the next good configuration, or nil when ctx ends.
func (r *rendering) await(ctx context.Context, old *work, reload <-chan struct{}) *work {
	files := filesOf(old.config).follow(ctx, old.digest, r.log)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reload:
		case <-files:
		}
		w, err := r.next(old)
		if err == nil {
			return w
		}
		r.log.Error("the new configuration is not used; the old one goes on", "err", err)
	}
}

// Status tells how the templates stand.
func (r *rendering) Status() []render.TemplateStatus { return r.current.Load().renderer.Status() }

// missingOf describes queries for people.
func missingOf(queries []watch.Query) []string {
	texts := make([]string, 0, len(queries))
	for _, q := range queries {
		texts = append(texts, q.String())
	}
	return texts
}
