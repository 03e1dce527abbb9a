package config

import (
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Retry is what happens after a failed request.
type Retry struct {
	Enabled bool `hcl:"enabled"`
	// Attempts in a row after which it is given up; 0 or less is never. Not set:
	// [defaultAttempts], but only until everything was rendered once.
	Attempts   Optional[int] `hcl:"attempts"`
	Backoff    time.Duration `hcl:"backoff"`
	MaxBackoff time.Duration `hcl:"max_backoff"` // 0 is unlimited
}

// defaultAttempts is consul-template's.
const defaultAttempts = 12

// defaultRetry is what happens after a failed request if nothing is said.
func defaultRetry() Retry {
	return Retry{Enabled: true, Backoff: 250 * time.Millisecond, MaxBackoff: time.Minute}
}

// Limits are the bounds of the pauses between retries. An unlimited pause is
// an hour: nobody means to wait longer than that for an agent.
func (r Retry) Limits(b watch.Backoff) watch.Backoff {
	if r.Backoff > 0 {
		b.Min = r.Backoff
	}
	b.Max = r.MaxBackoff
	if b.Max == 0 {
		b.Max = time.Hour
	}
	b.Max = max(b.Max, b.Min)
	return b
}

// Patience is how long a failing query is borne: as long as the attempts take
// that are allowed. Zero is for ever.
func (r Retry) Patience() time.Duration {
	attempts := r.Attempts.Or(defaultAttempts)
	if !r.Enabled {
		attempts = 1
	}
	if attempts <= 0 {
		return 0
	}
	const never = 1 << 20 // of attempts: nobody lives to see it
	limits := r.Limits(watch.DefaultOptions().Backoff)
	total, pause := time.Duration(0), limits.Min
	for range min(attempts, never) {
		total += pause
		pause = min(2*pause, limits.Max)
	}
	return total
}

// Insists reports whether a number of attempts was asked for.
func (r Retry) Insists() bool { return r.Attempts.Set || !r.Enabled }
