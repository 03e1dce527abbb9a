package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// absence remembers since when each query of one template has been missing, so
// that each is warned of once.
type absence struct {
	since map[watch.Query]time.Time
	told  map[watch.Query]bool
}

// note takes the queries that are missing now.
func (a *absence) note(missing []watch.Query, now time.Time) {
	before := a.since
	told := a.told
	a.since = make(map[watch.Query]time.Time, len(missing))
	a.told = make(map[watch.Query]bool)
	for _, q := range missing {
		a.since[q] = now
		if since, still := before[q]; still {
			a.since[q], a.told[q] = since, told[q]
		}
	}
}

// overdue reports whether q has been missing for so long that it should be told
// now. It says so once.
func (a *absence) overdue(q watch.Query, now time.Time, after time.Duration) bool {
	if a.told[q] || now.Before(a.since[q].Add(after)) {
		return false
	}
	a.told[q] = true
	return true
}

// next is when the next query becomes overdue; zero if none will.
func (a *absence) next(after time.Duration) time.Time {
	var next time.Time
	for q, since := range a.since {
		if !a.told[q] {
			next = earliest(next, since.Add(after))
		}
	}
	return next
}

// waiting names what the templates lack, a line each; empty if it is nothing.
func (r *Renderer) waiting() string {
	var b strings.Builder
	for _, t := range r.tasks {
		for _, q := range t.status.Missing {
			e, _ := t.view.Entry(q)
			fmt.Fprintf(&b, "\ntemplate %s waits for %s: %s", t.template.Name(), q, reason(e))
		}
		if t.locked {
			fmt.Fprintf(&b, "\nthe command of template %s waits for the lock %s", t.template.Name(), t.template.Lock.Key)
		}
	}
	return b.String()
}

// reason says why q has no answer.
func reason(e watch.Entry) string {
	switch {
	case e.Known:
		return "it does not exist"
	case e.Err != nil:
		return e.Err.Error()
	}
	return "no answer yet"
}

// earliest is the earlier of two times, where zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// rejectAbsence makes a query that is answered by "there is none" an error.
func (t *task) rejectAbsence(s *watch.Snapshot) {
	for _, q := range t.status.Missing {
		if e, _ := s.Entry(q); e.Known {
			t.absent = true
			t.incomplete(Broken, fmt.Errorf("%s: %s", q, reason(e)))
			return
		}
	}
}
