// Package watchtest has a fake source with Consul's exact index and wait
// semantics, and ready snapshots for tests of consumers. It uses no network
// and no real time of its own, so it works inside testing/synctest bubbles.
package watchtest

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Source answers every query, with nothing until [Source.Set] says otherwise.
// It is a [watch.Surveyor] too. The zero value is not usable; see [New].
//
// A request with an index is held until the query's index is greater or the
// wait is over, and then answered with what is there, changed or not.
type Source struct {
	mu        sync.Mutex
	wakeup    chan struct{} // closed and replaced at each change
	answers   map[watch.Query]answer
	index     uint64 // the highest given so far
	shared    bool
	outage    error
	hung      bool
	impatient bool
	delay     time.Duration
	streams   int
	epoch     int // counts restarts; requests of an older one fail
	unhandled func(watch.Query) bool
	needs     string
	renewed   chan struct{}

	surveys   map[*survey]struct{}
	surveyErr error

	open, maxOpen int
	total         int
	counts        map[watch.Query]int
	requests      []watch.Request
	record        bool
}

type answer struct {
	value       any
	index       uint64
	err         error
	poll        time.Duration
	filtered    bool
	lastContact time.Duration
	stale       *answer // what is said unless the request is consistent
}

// New returns a source in which every query has index 1 and nothing to tell.
func New() *Source {
	return &Source{
		wakeup:  make(chan struct{}),
		answers: make(map[watch.Query]answer),
		index:   1,
		streams: 1,
		renewed: make(chan struct{}),
		surveys: make(map[*survey]struct{}),
		counts:  make(map[watch.Query]int),
	}
}

// Answers implements [watch.Source].
func (s *Source) Answers(q watch.Query) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unhandled == nil || !s.unhandled(q)
}

// Streams implements [watch.Multiplexer].
func (s *Source) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams
}

// Renewed implements [watch.Renewer].
func (s *Source) Renewed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewed
}

// Fetch implements [watch.Source].
func (s *Source) Fetch(ctx context.Context, r watch.Request) (watch.Reply, error) {
	epoch := s.begin(r)
	defer s.end(1)
	if err := s.travel(ctx); err != nil {
		return watch.Reply{}, err
	}
	// Consul adds up to a sixteenth to the wait; without jitter tests are exact.
	timeout := time.NewTimer(r.Wait)
	defer timeout.Stop()
	expired := false
	for {
		reply, wakeup, err := s.look(r, epoch, expired)
		if wakeup == nil {
			return reply, err
		}
		select {
		case <-ctx.Done():
			return watch.Reply{}, ctx.Err()
		case <-wakeup:
		case <-timeout.C:
			expired = true
		}
	}
}

// look answers r, or returns the channel to wait on before looking again.
func (s *Source) look(r watch.Request, epoch int, expired bool) (watch.Reply, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.hung:
		return watch.Reply{}, s.wakeup, nil
	case s.outage != nil:
		return watch.Reply{}, nil, s.outage
	case epoch != s.epoch:
		return watch.Reply{}, nil, fmt.Errorf("%s: connection reset by peer", r.Query)
	}
	a := s.answer(r.Query, r.Consistent)
	if a.err != nil {
		return watch.Reply{}, nil, a.err
	}
	if r.Index > 0 && a.index > 0 && a.index <= r.Index && !expired && !s.impatient {
		return watch.Reply{}, s.wakeup, nil
	}
	return watch.Reply{
		Value:       a.value,
		Index:       a.index,
		Poll:        a.poll,
		Filtered:    a.filtered,
		Needs:       s.needs,
		LastContact: a.lastContact,
	}, nil, nil
}

func (s *Source) answer(q watch.Query, consistent bool) answer {
	a, ok := s.answers[q]
	if !ok {
		a = answer{value: nothing(q), index: 1}
	}
	if a.stale != nil && !consistent {
		a = *a.stale
	}
	if s.shared && a.index > 0 {
		a.index = s.index
	}
	return a
}

// travel takes the time of the way, if one is set.
func (s *Source) travel(ctx context.Context) error {
	s.mu.Lock()
	delay := s.delay
	s.mu.Unlock()
	if delay == 0 {
		return nil
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (s *Source) begin(r watch.Request) (epoch int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[r.Query]++
	s.total++
	if s.record {
		s.requests = append(s.requests, r)
	}
	s.opened(1)
	return s.epoch
}

func (s *Source) opened(n int) {
	s.open += n
	s.maxOpen = max(s.maxOpen, s.open)
}

func (s *Source) end(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open -= n
}

// changed wakes all held requests to look again.
func (s *Source) changed() {
	close(s.wakeup)
	s.wakeup = make(chan struct{})
}

// Requests counts the requests for q so far.
func (s *Source) Requests(q watch.Query) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[q]
}

// Counts returns the number of requests per query so far.
func (s *Source) Counts() map[watch.Query]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Total counts all requests so far, those of surveys left out.
func (s *Source) Total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// Open is the number of requests open now. A survey counts as
// [watch.MaxSurveyRequests].
func (s *Source) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// MaxOpen is the greatest number of requests that were open at once.
func (s *Source) MaxOpen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.maxOpen
}

// Record keeps all requests from now on for [Source.Recorded].
func (s *Source) Record() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = true
}

// Recorded returns the requests for q since [Source.Record], oldest first.
func (s *Source) Recorded(q watch.Query) []watch.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var of []watch.Request
	for _, r := range s.requests {
		if r.Query == q {
			of = append(of, r)
		}
	}
	return of
}
