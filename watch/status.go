package watch

import (
	"slices"
	"strings"
	"time"
)

// Status is a moment's view of a Watcher.
type Status struct {
	Generation  uint64
	Connections int           // taken by the requests open now
	Max         int           // connections allowed
	Queries     []QueryStatus // in the order of their descriptions
}

// QueryStatus is the live state of one query.
type QueryStatus struct {
	Query     Query
	Consumers []string // in alphabetical order
	Known     bool
	// Age is how long ago the answer was last known to be true; 0 while a
	// blocking request or a survey confirms it now.
	Age      time.Duration
	Index    uint64
	Err      error
	Since    time.Time // when Err began, zero without one
	Tries    int       // failed requests in a row
	Mode     string    // "blocking", "surveyed", "polled"; empty while not asked
	Filtered bool      // an access rule removed parts of the answer
}

// Status tells the state of every wanted query, for people and metrics.
func (w *Watcher) Status() Status {
	s := Status{
		Generation:  w.Snapshot().Generation(),
		Connections: w.budget.connections(),
		Max:         w.options.MaxConnections,
	}
	w.mu.Lock()
	now := time.Now()
	s.Queries = make([]QueryStatus, 0, len(w.watched))
	for _, m := range w.watched {
		s.Queries = append(s.Queries, m.status(now))
	}
	w.mu.Unlock()

	// Described once each: a comparison would do so a dozen times.
	names := make(map[Query]string, len(s.Queries))
	for _, q := range s.Queries {
		names[q.Query] = q.Query.String()
	}
	slices.SortFunc(s.Queries, func(a, b QueryStatus) int {
		return strings.Compare(names[a.Query], names[b.Query])
	})
	return s
}

// status describes m. Watcher.mu is held.
func (m *watched) status(now time.Time) QueryStatus {
	s := QueryStatus{
		Query:    m.query,
		Known:    m.entry.Known,
		Index:    m.index,
		Err:      m.entry.Err,
		Since:    m.since,
		Tries:    m.tries,
		Mode:     string(m.mode),
		Filtered: m.filtered,
	}
	for _, c := range m.wants {
		s.Consumers = append(s.Consumers, c.consumer)
	}
	slices.Sort(s.Consumers)
	if m.entry.Known && !m.confirmed() {
		s.Age = now.Sub(m.entry.Confirmed)
	}
	return s
}

// confirmed reports whether the answer is known to be true at this moment.
func (m *watched) confirmed() bool {
	if m.entry.Err != nil {
		return false
	}
	switch m.mode {
	case blocking:
		return true
	case surveyed:
		return m.member.survey.state == surveyLive && !m.member.due && !m.member.visited
	default:
		return false
	}
}

// vouch notes that the answer was true up to now, if something confirmed it:
// that ends now. Watcher.mu is held.
func (m *watched) vouch(now time.Time) {
	if m.entry.Known && m.confirmed() {
		m.entry.Confirmed = now
	}
}

// StaleFor is the age of the oldest answer that cannot be confirmed at the
// moment, with its query and error; zero when all are fresh.
func (s Status) StaleFor() (age time.Duration, q QueryStatus) {
	for _, each := range s.Queries {
		if each.Known && each.Err != nil && each.Age >= age {
			age, q = each.Age, each
		}
	}
	return age, q
}
