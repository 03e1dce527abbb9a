package watchtest

import (
	"fmt"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Set makes value the answer to q, at the next index. The value must have the
// type that q asks for; Set panics otherwise, as a test that sets a wrong type
// tests nothing. An error set for q before is gone.
func (s *Source) Set(q watch.Query, value any) {
	s.update(q, true, func(a *answer) { a.value = typed(q, value) })
}

// SetHidden is Set, but a survey is only told that something changed.
func (s *Source) SetHidden(q watch.Query, value any) {
	s.update(q, false, func(a *answer) { a.value = typed(q, value) })
}

// SetSilently is Set without a new index, as Consul does for some deletions:
// requests are held on, and no survey is told.
func (s *Source) SetSilently(q watch.Query, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answer(q, true)
	a.value = typed(q, value)
	s.answers[q] = a
}

// SetFiltered is Set with an answer that access rules took parts from.
func (s *Source) SetFiltered(q watch.Query, value any) {
	s.update(q, true, func(a *answer) { a.value, a.filtered = typed(q, value), true })
}

// SetNeeds sets what all replies say about the rights they take.
func (s *Source) SetNeeds(rights string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.needs = rights
}

// Renew tells that there are other credentials. It wakes no held request.
func (s *Source) Renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.renewed)
	s.renewed = make(chan struct{})
}

// SetSilentlyFiltered is [Source.SetSilently] with an answer that access rules
// took parts from, or no longer do.
func (s *Source) SetSilentlyFiltered(q watch.Query, value any, filtered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answer(q, true)
	a.value, a.filtered, a.err = typed(q, value), filtered, nil
	s.answers[q] = a
}

// SetStale makes value and index what requests for q are told unless they are
// consistent. It wakes held requests.
func (s *Source) SetStale(q watch.Query, value any, index uint64, lastContact time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answer(q, true)
	a.stale = &answer{value: typed(q, value), index: index, lastContact: lastContact}
	s.answers[q] = a
	s.changed()
}

// SetPolled is Set with an answer that cannot be blocked on, to be asked again
// after poll.
func (s *Source) SetPolled(q watch.Query, value any, poll time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[q] = answer{value: typed(q, value), poll: poll}
	s.changed()
}

// SetErr makes requests for q fail, those held included, until the next Set.
// With a nil error the last answer is back.
func (s *Source) SetErr(q watch.Query, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answer(q, true)
	a.err = err
	s.answers[q] = a
	s.changed()
}

// Deny makes requests for q fail with [watch.ErrDenied].
func (s *Source) Deny(q watch.Query) {
	s.SetErr(q, fmt.Errorf("%s: %w", q, watch.ErrDenied))
}

// Touch gives q a new index and leaves its answer alone.
func (s *Source) Touch(q watch.Query) { s.update(q, true, func(*answer) {}) }

// SetIndex gives q exactly this index, which may be lower than before. Held
// requests look again, so a greater one ends them.
func (s *Source) SetIndex(q watch.Query, index uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answer(q, true)
	a.index = index
	s.answers[q] = a
	s.changed()
}

// ShareIndex makes all queries have one index, so that any change ends all
// requests.
func (s *Source) ShareIndex() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared = true
	s.changed()
}

// Restart loses all answers and begins again at index 1, as a server without
// disk does. Requests and surveys that are open fail.
func (s *Source) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
	s.index = 1
	clear(s.answers)
	s.endSurveys(fmt.Errorf("survey: connection reset by peer"))
	s.changed()
}

// Down makes all requests and surveys fail, those open included, until the
// source is Up.
func (s *Source) Down(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = err
	s.endSurveys(err)
	s.changed()
}

// Up ends a Down or a Hang.
func (s *Source) Up() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage, s.hung = nil, false
	s.changed()
}

// Hang makes requests wait, without regard to index and wait, until their
// context ends or the source is Up.
func (s *Source) Hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hung = true
	s.changed()
}

// HoldNothing makes the source answer each request at once, without regard to
// its index, as behind a proxy that drops it.
func (s *Source) HoldNothing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.impatient = true
	s.changed()
}

// SetDelay makes each request take so long before it is looked at.
func (s *Source) SetDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// SetStreams sets what [Source.Streams] returns; 1 at first.
func (s *Source) SetStreams(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = n
}

// Refuse makes the source answer no query for which not returns true.
func (s *Source) Refuse(not func(watch.Query) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unhandled = not
}

// update changes the answer to q at the next index and tells all who wait.
func (s *Source) update(q watch.Query, named bool, change func(*answer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index++
	a := answer{value: s.answer(q, true).value, index: s.index}
	change(&a)
	s.answers[q] = a
	s.tellSurveys(q, named)
	s.changed()
}
