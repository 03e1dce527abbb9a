package render

import (
	"errors"
	"fmt"
	"time"
)

// Wait is how long data must be quiet before a change is rendered: Min after
// the last change, but no later than Max after the first. Zero means at once.
type Wait struct{ Min, Max time.Duration }

// defaultMaxFactor times Min is Max when only Min is given.
const defaultMaxFactor = 4

func (w Wait) validate() error {
	switch {
	case w.Min < 0 || w.Max < 0:
		return errors.New("a wait is negative")
	case w.Max != 0 && w.Max < w.Min:
		return fmt.Errorf("the wait's maximum %v is less than its minimum %v", w.Max, w.Min)
	}
	return nil
}

func (w Wait) max() time.Duration {
	if w.Max == 0 {
		return defaultMaxFactor * w.Min
	}
	return w.Max
}

// quiet is one template's quiescence timer. The zero value is not running.
type quiet struct {
	until time.Time // when to render; zero if nothing is due
	limit time.Time // no later than this
}

// touch notes a change: it starts the timer, or puts it off.
func (q *quiet) touch(now time.Time, w Wait) {
	if q.until.IsZero() {
		q.limit = now.Add(w.max())
	}
	q.until = now.Add(w.Min)
	if q.until.After(q.limit) {
		q.until = q.limit
	}
}

// stop forgets the change.
func (q *quiet) stop() { *q = quiet{} }

func (q *quiet) running() bool { return !q.until.IsZero() }

func (q *quiet) due(now time.Time) bool { return q.running() && !now.Before(q.until) }
