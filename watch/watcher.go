package watch

import (
	"context"
	"log/slog"
	"time"
)

// Options tune a Watcher. DefaultOptions gives the documented values.
type Options struct {
	// MaxConnections bounds the requests open at once to all sources together.
	MaxConnections int
	// Wait is how long a blocking request may be held by the source.
	Wait time.Duration
	// Settle is the least time between two snapshots, so that bursts coalesce.
	// The first change after a quiet time is published at once.
	Settle time.Duration
	// Backoff bounds the pause after a failed request, which grows from Min to
	// Max with full jitter.
	Backoff Backoff
	// MaxStale is how far behind the leader an answer may be before it is asked
	// again consistently. 0 accepts none.
	MaxStale time.Duration
	Logger   *slog.Logger
}

// Backoff bounds the pauses between retries.
type Backoff struct{ Min, Max time.Duration }

// DefaultOptions are the values used when the operator says nothing.
func DefaultOptions() Options {
	return Options{
		MaxConnections: 64,
		Wait:           60 * time.Second,
		Settle:         5 * time.Millisecond,
		Backoff:        Backoff{Min: 250 * time.Millisecond, Max: time.Minute},
		MaxStale:       2 * time.Second,
		Logger:         slog.Default(),
	}
}

// Watcher asks sources for what its consumers want and publishes snapshots.
type Watcher struct{}

// New returns a Watcher over sources; the first that answers a query is asked.
// It does nothing before Run.
func New(o Options, sources ...Source) *Watcher { panic("todo") }

// Run watches until ctx ends, and returns when all it started has ended. It
// returns nil then: an outage of a source is no reason to return.
func (w *Watcher) Run(ctx context.Context) error { panic("todo") }

// Snapshot returns the newest snapshot; never nil.
func (w *Watcher) Snapshot() *Snapshot { panic("todo") }

// Register adds a consumer. The name appears in Status.
func (w *Watcher) Register(consumer string) *Wants { panic("todo") }

// Status tells the state of every wanted query, for people and metrics.
func (w *Watcher) Status() Status { panic("todo") }

// Wants is what one consumer wants, and its dirty flag.
type Wants struct{}

// Set replaces the whole set of queries the consumer wants. What nobody wants
// any more is cancelled and forgotten. It may be called before Run.
func (c *Wants) Set(queries ...Query) { panic("todo") }

// Changed is signalled after a snapshot was published in which the value or
// the error of a query in the consumer's set changed. It holds one signal at
// most: read the newest Snapshot after each receive.
func (c *Wants) Changed() <-chan struct{} { panic("todo") }

// Close gives up all wants.
func (c *Wants) Close() { panic("todo") }

// Status is a moment's view of a Watcher.
type Status struct {
	Generation  uint64
	Connections int // requests open now
	Max         int // requests allowed
	Queries     []QueryStatus
}

// QueryStatus is the live state of one query.
type QueryStatus struct {
	Query     Query
	Consumers []string
	Known     bool
	// Age is how long ago the answer was last known to be true; 0 while a
	// blocking request or a survey confirms it now.
	Age      time.Duration
	Index    uint64
	Err      error
	Since    time.Time // when Err began, zero without one
	Tries    int       // failed requests in a row
	Mode     string    // "blocking", "surveyed", "polled"
	Filtered bool      // an access rule removed parts of the answer
}

// StaleFor is the age of the oldest answer that cannot be confirmed at the
// moment, with its query and error; zero when all are fresh.
func (s Status) StaleFor() (age time.Duration, q QueryStatus) { panic("todo") }
