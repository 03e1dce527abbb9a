package watch

import (
	"log/slog"
	"time"
)

// Options tune a Watcher. DefaultOptions gives the documented values.
type Options struct {
	// MaxConnections bounds the connections that requests open at once take,
	// over all sources together; see [Multiplexer].
	MaxConnections int
	// Wait is how long a blocking request may be held by the source. A query
	// that has no connection of its own is asked at least this often.
	Wait time.Duration
	// Settle is the least time between two snapshots, so that bursts coalesce;
	// it grows up to twenty-fold while changes keep coming. The first change
	// after a quiet time is published at once.
	Settle time.Duration
	// Backoff bounds the pause after a failed request, which grows from Min to
	// Max with full jitter.
	Backoff Backoff
	// MaxStale is how far behind the leader an answer may be before it is asked
	// again consistently. 0 accepts none.
	MaxStale time.Duration
	Logger   *slog.Logger
}

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

// withDefaults fills in what has no meaning as zero.
func (o Options) withDefaults() Options {
	d := DefaultOptions()
	if o.MaxConnections <= 0 {
		o.MaxConnections = d.MaxConnections
	}
	if o.Wait <= 0 {
		o.Wait = d.Wait
	}
	if o.Backoff.Min <= 0 {
		o.Backoff.Min = d.Backoff.Min
	}
	if o.Backoff.Max <= 0 {
		o.Backoff.Max = d.Backoff.Max
	}
	if o.Logger == nil {
		o.Logger = d.Logger
	}
	return o
}
