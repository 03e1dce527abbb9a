package watch

import (
	"math/rand/v2"
	"time"
)

// Limits of how often one query is asked.
const (
	paceBurst = 4                       // requests after a quiet time that need not wait
	paceMin   = 100 * time.Millisecond  // between requests after those
	paceMax   = 3500 * time.Millisecond // when replies come at once and tell nothing: 64 queries stay below 20/s
	paceSpray = 20 * time.Millisecond   // jitter, so that queries do not march in step
)

// pace is a token bucket that keeps a query whose replies come at once from
// becoming a busy loop, yet lets the first changes after a quiet time through
// without delay. The zero value is a full bucket.
type pace struct {
	interval time.Duration // between tokens, if longer than paceMin
	full     time.Time     // when the bucket will be full again
}

// take takes a token and returns how long to wait before using it.
func (p *pace) take(now time.Time) time.Duration {
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(max(p.interval, paceMin))
	wait := p.full.Sub(now) - paceBurst*paceMin
	if wait <= 0 {
		return 0
	}
	return wait + rand.N(paceSpray)
}

// idle notes a reply that came at once and told nothing: a source whose index
// stays low. Each one in a row doubles the interval.
func (p *pace) idle() { p.interval = min(2*max(p.interval, paceMin), paceMax) }

// useful notes a reply that was worth its request.
func (p *pace) useful(now time.Time) {
	p.interval = 0
	if limit := now.Add(paceBurst * paceMin); p.full.After(limit) {
		p.full = limit
	}
}
