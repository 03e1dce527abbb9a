package middleware

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// inFlight bounds the requests of each source that are served at a time.
type inFlight struct {
	source source
	amount int64

	mu     sync.Mutex
	counts map[client]int64
}

func newInFlight(s *spec.InFlight) (*inFlight, error) {
	criterion := s.Source
	if criterion == nil {
		criterion = &spec.SourceCriterion{RequestHost: true}
	}
	source, err := newSource(criterion)
	return &inFlight{source: source, amount: s.Amount, counts: map[client]int64{}}, err
}

// Serve implements [lb.Middleware].
func (f *inFlight) Serve(x *lb.Exchange, next lb.Handler) {
	// The text is needed longer than the request it is from may be.
	source := f.source.of(x).kept()
	if !f.enter(source) {
		x.AnswerText(http.StatusTooManyRequests, fmt.Sprintf("max connections reached: %d", f.amount))
		return
	}
	defer f.leave(source)
	next.Serve(x)
}

func (f *inFlight) enter(source client) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.counts[source]
	if n >= f.amount {
		return false
	}
	f.counts[source] = n + 1
	return true
}

func (f *inFlight) leave(source client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.counts[source]; n > 1 {
		f.counts[source] = n - 1
	} else {
		delete(f.counts, source)
	}
}
