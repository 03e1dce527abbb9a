package watch

import (
	"iter"
	"maps"
	"slices"
)

// history is which queries the last snapshots have other entries for than those
// before them, so that who has seen one of these need not look at every query.
type history struct {
	// since is the generation behind which nothing is missing.
	since   uint64
	changes []change // oldest first
}

// change is a query whose entry was another one from a generation on.
type change struct {
	generation uint64
	query      Query
}

// maxChanges bounds how many are handed on from one snapshot to the next.
const maxChanges = 1024

// next is the history that the next snapshot begins with.
func (h *history) next() history {
	n := history{since: h.since, changes: h.changes}
	if cut := len(h.changes) - maxChanges; cut > 0 {
		n.since, n.changes = h.changes[cut-1].generation, h.changes[cut:]
	}
	n.changes = slices.Clone(n.changes)
	return n
}

// next is the snapshot of the next generation, to be changed before it is
// published.
func (s *Snapshot) next() *Snapshot {
	return &Snapshot{generation: s.generation + 1, entries: maps.Clone(s.entries), history: s.history.next()}
}

func (s *Snapshot) set(q Query, e *Entry) {
	s.entries[q] = e
	s.history.changes = append(s.history.changes, change{s.generation, q})
}

// With returns the snapshot of the next generation, with other entries for some
// queries.
func (s *Snapshot) With(entries map[Query]Entry) *Snapshot {
	next := s.next()
	for q, e := range entries {
		next.set(q, &e)
	}
	return next
}

// Since lists the wanted queries whose entries may be others than in the
// snapshot of an earlier generation, in no order and some more than once. It
// takes time in proportion to them, unless so much has changed since, or so
// little is known, that it is all of them.
func (s *Snapshot) Since(generation uint64) iter.Seq2[Query, Entry] {
	if s == nil || generation < s.history.since {
		return s.All
	}
	return func(yield func(Query, Entry) bool) {
		for _, c := range slices.Backward(s.history.changes) {
			if c.generation <= generation {
				return
			}
			if e := s.entries[c.query]; e != nil && !yield(c.query, *e) {
				return
			}
		}
	}
}
