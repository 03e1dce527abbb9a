package watch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Watcher asks sources for what its consumers want and publishes snapshots.
//
// A plan says how each query is kept fresh (plan.go): by a blocking loop of
// its own (loop.go) or, where the budget of connections is too small for all,
// as one of a crowd (crowd.go). Either way its replies end up in a watched
// (watched.go), whose changes are published (publish.go) and, if they are
// failures, reported to the log (report.go).
type Watcher struct {
	options  Options
	log      *slog.Logger
	origins  []*origin
	budget   *budget
	snapshot atomic.Pointer[Snapshot]
	tasks    sync.WaitGroup // everything that asks

	// One-slot flags for the goroutines of Run.
	unpublished chan struct{} // entries or wants changed
	unplanned   chan struct{} // wants or the budget changed
	unreported  chan struct{} // a query began or ceased to fail

	mu        sync.Mutex
	watched   map[Query]*watched
	touched   []*watched // to be published
	forgotten []Query    // to be left out of the next snapshot
}

// New returns a Watcher over sources; the first that answers a query is asked.
// It does nothing before Run.
func New(o Options, sources ...Source) *Watcher {
	o = o.withDefaults()
	w := &Watcher{
		options:     o,
		log:         o.Logger,
		budget:      newBudget(o.MaxConnections),
		unpublished: make(chan struct{}, 1),
		unplanned:   make(chan struct{}, 1),
		unreported:  make(chan struct{}, 1),
		watched:     make(map[Query]*watched),
	}
	for _, s := range sources {
		w.origins = append(w.origins, newOrigin(s))
	}
	w.snapshot.Store(&Snapshot{entries: make(map[Query]*Entry)})
	return w
}

// Run watches until ctx ends, and returns when all it started has ended. It
// returns nil then: an outage of a source is no reason to return. It may be
// called once.
func (w *Watcher) Run(ctx context.Context) error {
	w.tasks.Go(func() { w.publishing(ctx) })
	w.tasks.Go(func() { w.reporting(ctx) })
	for _, o := range w.origins {
		if r, ok := o.source.(Renewer); ok {
			renewed := r.Renewed()
			w.tasks.Go(func() { w.renewing(ctx, o, r, renewed) })
		}
	}
	w.planning(ctx)
	w.tasks.Wait()
	return nil
}

// Snapshot returns the newest snapshot; never nil.
func (w *Watcher) Snapshot() *Snapshot { return w.snapshot.Load() }
