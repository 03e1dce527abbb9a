package vault

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// held is an answer with what its lease wants.
type held struct {
	value   any
	due     time.Time     // when it is to be renewed or asked for again
	expires time.Time     // when it is worth nothing any more
	lease   time.Duration // as first given

	renewable bool
	id        string // of the lease, or
	token     string // that is renewed itself
}

func (h held) reply(now time.Time) watch.Reply {
	return watch.Reply{Value: h.value, Poll: max(h.due.Sub(now), time.Second)}
}

// remembered returns what is held for q, unless it has expired.
func (s *Source) remembered(q watch.Query, now time.Time) (held, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, h := range s.held { // also those that nobody wants any more
		if !now.Before(h.expires) {
			delete(s.held, other)
		}
	}
	h, ok := s.held[q]
	return h, ok
}

func (s *Source) remember(q watch.Query, h held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[q] = h
}

// hold makes an answer of Vault one that is held.
func (s *Source) hold(secret *watch.Secret, now time.Time) held {
	t := s.terms(secret, now)
	h := held{value: secret, lease: t.lease, due: now.Add(t.pause), expires: now.Add(t.lease)}
	if t.renewable {
		h.renewable, h.id = true, secret.LeaseID
		if secret.Auth != nil {
			h.token = secret.Auth.ClientToken
		}
	}
	if h.expires.Before(h.due) {
		h.expires = h.due
	}
	return h
}

// renew asks for another term of the lease. The secret stays the same. Vault may
// grant less than was had, up to the end of what it allows at all: then the
// secret is asked for anew shortly before.
func (s *Source) renew(ctx context.Context, h held) (held, error) {
	granted, err := s.extend(ctx, h)
	if err != nil {
		return h, err
	}
	now := time.Now()
	h.expires = now.Add(granted)
	if granted < h.lease/2 {
		h.renewable = false
		h.due = now.Add(part(granted, s.config.Threshold, 0.05))
		return h, nil
	}
	h.due = now.Add(part(granted, renewAt, 0.05))
	return h, nil
}

// renewAt is the part of a lease after which it is renewed, which leaves time to
// try again.
const renewAt = 0.65

// part is a part of d, more or less, so that many clients do not ask at once.
func part(d time.Duration, share, spread float64) time.Duration {
	f := share + (2*rand.Float64()-1)*spread
	if f <= 0 || f >= 1 {
		f = share
	}
	return time.Duration(f * float64(d))
}
