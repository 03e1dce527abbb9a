package watch

import (
	"math"
	"time"
)

// scoreHalfLife is how fast past changes lose weight.
const scoreHalfLife = 5 * time.Minute

// score is a count of recent changes in which each weighs half after every
// half-life. The zero value counts none.
type score struct {
	value float64
	at    time.Time
}

func (s score) now(now time.Time) float64 {
	if s.value == 0 {
		return 0
	}
	return s.value * math.Exp2(-now.Sub(s.at).Seconds()/scoreHalfLife.Seconds())
}

func (s *score) add(now time.Time) { *s = score{value: s.now(now) + 1, at: now} }
