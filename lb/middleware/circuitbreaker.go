package middleware

import (
	"cmp"
	"net/http"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// circuitBreaker answers by itself while its target is in trouble. It looks at
// its condition from time to time; when that holds it is open for a while, and
// then lets through more and more.
type circuitBreaker struct {
	condition                  func(reading) bool
	period, fallback, recovery time.Duration
	status                     int

	mu      sync.Mutex
	window  window
	checked time.Time
	// The breaker is open until open, and recovering until recovered.
	open, recovered time.Time
	passed, refused int // while recovering
	trips           uint64
}

// reading is a window at a time.
type reading struct {
	*window
	now time.Time
}

var breakerFunctions = map[string]function[reading]{
	"NetworkErrorRatio": {number: func(r reading, _ []float64) float64 { return r.networkErrorRatio(r.now) }},
	"ResponseCodeRatio": {arguments: 4, number: func(r reading, a []float64) float64 {
		return r.statusRatio(r.now, a[0], a[1], a[2], a[3])
	}},
	"LatencyAtQuantileMS": {arguments: 1, number: func(r reading, a []float64) float64 {
		return float64(r.latencyAt(r.now, a[0])) / float64(time.Millisecond)
	}},
}

func newCircuitBreaker(s *spec.CircuitBreaker) (*circuitBreaker, error) {
	condition, err := compile(s.Expression, breakerFunctions)
	return &circuitBreaker{
		condition: condition,
		period:    cmp.Or(s.CheckPeriod, 100*time.Millisecond),
		fallback:  cmp.Or(s.FallbackDuration, 10*time.Second),
		recovery:  cmp.Or(s.RecoveryDuration, 10*time.Second),
		status:    cmp.Or(s.ResponseCode, http.StatusServiceUnavailable),
	}, err
}

// Breaker implements [lb.Breaker].
func (b *circuitBreaker) Breaker() (state lb.BreakerState, ok bool) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	open := now.Before(b.open)
	return lb.BreakerState{Open: open, Recovering: !open && now.Before(b.recovered), Trips: b.trips}, true
}

// Serve implements [lb.Middleware].
func (b *circuitBreaker) Serve(x *lb.Exchange, next lb.Handler) {
	began := time.Now()
	if !b.admits(began) {
		x.AnswerText(b.status, http.StatusText(b.status))
		return
	}
	next.Serve(x)
	if x.Outcome.Status != lb.StatusClientGone {
		b.observe(x.Outcome.Status, began, time.Now())
	}
}

// admits reports whether a request may pass. While recovering, the share of
// those that may grows from none to half.
func (b *circuitBreaker) admits(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case now.Before(b.open):
		return false
	case !now.Before(b.recovered):
		return true
	}
	share := 0.5 * float64(now.Sub(b.open)) / float64(b.recovery)
	if float64(b.passed) >= share*float64(b.passed+b.refused+1) {
		b.refused++
		return false
	}
	b.passed++
	return true
}

// observe counts an answer and, if it is time to, looks at the condition.
func (b *circuitBreaker) observe(status int, began, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.open) {
		return // a request from before says nothing new
	}
	b.window.add(now, status, now.Sub(began))
	if now.Sub(b.checked) < b.period {
		return
	}
	b.checked = now
	if b.condition(reading{&b.window, now}) {
		b.open = now.Add(b.fallback)
		b.recovered = b.open.Add(b.recovery)
		b.window, b.passed, b.refused = window{}, 0, 0
		b.trips++
	}
}
