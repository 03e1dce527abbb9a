package watch

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Backoff bounds the pauses between retries.
type Backoff struct{ Min, Max time.Duration }

// probePause bounds the pause of one query of a source that is out, so that
// its return is noticed within seconds while all others rest for up to Max.
const probePause = 4 * time.Second

// ceiling is the longest pause after so many failures in a row.
func (b Backoff) ceiling(failures int) time.Duration {
	d := b.Min
	for range failures - 1 {
		if d >= b.Max/2 {
			return b.Max
		}
		d *= 2
	}
	return min(d, b.Max)
}

// slowest is the pause after an answer that time alone will not change, such
// as a refusal: between half of Max and Max.
func (b Backoff) slowest() time.Duration { return b.Max/2 + rand.N(b.Max/2+1) }

// fullJitter spreads retries evenly over the whole pause, so that clients that
// failed together do not come back together.
func fullJitter(ceiling time.Duration) time.Duration { return rand.N(ceiling + 1) }

// isRefusal reports whether err is the source's considered answer, not an
// outage.
func isRefusal(err error) bool {
	return kindOf(err) > failOutage
}

// isTimeout reports whether err says that nothing came. Then it is not known
// since when a request that was held had lost its source.
func isTimeout(err error) bool {
	silent, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && silent.Timeout()
}
