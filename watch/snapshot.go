package watch

import "time"

// Snapshot is the immutable set of answers known at one moment. The zero value
// and nil are empty snapshots.
type Snapshot struct {
	generation uint64
	entries    map[Query]*Entry // pointers make the map cheap to copy
	history    history
}

// Entry is what a snapshot knows of one query.
type Entry struct {
	// Value is the last good answer; meaningless unless Known.
	Value any
	Known bool
	// Version is the generation in which Value last changed. Equal versions of
	// one query mean equal values, which makes it a cache key.
	Version uint64
	// Err is why the answer is not fresh, or nil while it is.
	Err error
	// Confirmed is when the source last confirmed Value, by an answer or by
	// holding a request for it. It is only kept up to date at changes; a fresh
	// entry needs no age.
	Confirmed time.Time
}

// Stale reports whether the entry holds an answer that could not be confirmed.
func (e Entry) Stale() bool { return e.Known && e.Err != nil }

// NewSnapshot makes a snapshot from its parts. The map is copied.
func NewSnapshot(generation uint64, entries map[Query]Entry) *Snapshot {
	s := &Snapshot{generation: generation, entries: make(map[Query]*Entry, len(entries))}
	s.history.since = generation + 1 // whoever has seen one of this generation may have seen another
	for q, e := range entries {
		s.entries[q] = &e
	}
	return s
}

// Generation grows by one with each published snapshot; 0 is the empty one.
func (s *Snapshot) Generation() uint64 {
	if s == nil {
		return 0
	}
	return s.generation
}

// Entry returns what is known of q, and whether q is wanted at all.
func (s *Snapshot) Entry(q Query) (Entry, bool) {
	if s == nil {
		return Entry{}, false
	}
	if e := s.entries[q]; e != nil {
		return *e, true
	}
	return Entry{}, false
}

// All calls yield for each wanted query, in no order, until it returns false.
func (s *Snapshot) All(yield func(Query, Entry) bool) {
	if s == nil {
		return
	}
	for q, e := range s.entries {
		if !yield(q, *e) {
			return
		}
	}
}

// Get returns the answer to q, and whether one has arrived. The answer is
// shared and must not be changed.
func Get[A any](s *Snapshot, q For[A]) (a A, known bool) {
	e, _ := s.Entry(q)
	if !e.Known {
		return a, false
	}
	a, known = e.Value.(A)
	return a, known
}
