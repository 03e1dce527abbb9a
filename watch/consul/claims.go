package consul

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/shared"
)

// Claims writes to keys that are its own: nobody else can write, as long as
// the process lives, to a key that it has written first. With the process its
// keys vanish. They are read by [watch.Key], of which Pair.Session tells the owner.
type Claims struct {
	locker *Locker
	pause  time.Duration // after a session could not be opened, at first

	mu      sync.Mutex
	session *session      // nil while there is none
	err     error         // why there is none, nil if that is not known yet
	changed chan struct{} // closed and replaced when either changes
}

// Bounds of the TTL of a session, which are Consul's.
const (
	MinClaimTTL = 10 * time.Second
	MaxClaimTTL = 24 * time.Hour
)

const (
	// claimDelay is how long a key whose owner vanished is refused to others: no
	// time at all, which Consul would take for its own default.
	claimDelay = time.Millisecond
	claimPause = time.Second
	// maxClaim is Consul's own limit for a value, in bytes.
	maxClaim = 512 << 10
)

// NewClaims returns Claims with the agent c describes, whose session lives for
// ttl without being renewed. It opens no connection.
func NewClaims(c Config, ttl time.Duration) (*Claims, error) {
	l, err := newLocker(c, ttl, claimDelay)
	if err != nil {
		return nil, err
	}
	l.datacenter = c.Datacenter // that in which the keys are read
	return &Claims{locker: l, pause: claimPause, changed: make(chan struct{})}, nil
}

// Run keeps a session until ctx ends, gives it back and returns nil. An outage or
// a refusal is no reason to return.
func (c *Claims) Run(ctx context.Context) error {
	defer c.locker.Close()
	pause := c.pause
	for ctx.Err() == nil {
		s, err := c.locker.newSession(ctx, "sluice deduplication on "+c.locker.holder)
		c.set(s, err)
		if err != nil {
			watch.Sleep(ctx, pause)
			pause = min(2*pause, time.Minute)
			continue
		}
		pause = c.pause
		s.keep(ctx, func(context.Context) error { return nil })
		c.set(nil, nil)
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.locker.ttl/3)
		if err := s.end(ending); err != nil && ctx.Err() != nil {
			c.locker.log.Warn("giving a session back; it ends by itself later", "err", err)
		}
		cancel()
	}
	return nil
}

func (c *Claims) set(s *session, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.err = s, err
	close(c.changed)
	c.changed = make(chan struct{})
}

// Owns reports whether a key that this session has claimed is ours.
func (c *Claims) Owns(session string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session != nil && c.session.id == session
}

// Put writes to a key, unless somebody else has claimed it, and reports whether
// it is ours. An error that wraps [shared.ErrTooLarge] says that a smaller value
// might be taken, [watch.ErrDenied] that a right is missing.
func (c *Claims) Put(ctx context.Context, key string, value []byte) (own bool, err error) {
	if len(value) > maxClaim {
		return false, fmt.Errorf("%w: %s would have %d KiB, and Consul takes %d", shared.ErrTooLarge, key, len(value)>>10, maxClaim>>10)
	}
	s, err := c.current(ctx)
	if err != nil {
		return false, err
	}
	own, err = c.locker.put(ctx, key, string(value), url.Values{"acquire": {s.id}})
	if refusal, ok := errors.AsType[*ResponseError](err); ok && refusal.Status == http.StatusRequestEntityTooLarge {
		return false, fmt.Errorf("%w: %w", shared.ErrTooLarge, err)
	}
	return own, err
}

// current waits for a session, or for the reason why there is none.
func (c *Claims) current(ctx context.Context) (*session, error) {
	for {
		c.mu.Lock()
		s, err, changed := c.session, c.err, c.changed
		c.mu.Unlock()
		if s != nil || err != nil {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-changed:
		}
	}
}
