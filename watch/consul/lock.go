package consul

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Locker lends locks that all who use the same Consul share. A lock with the
// limit N is N keys below its own, KEY/1 to KEY/N, each locked by at most one
// session at a time; whoever has one of them has the lock.
//
// It has connections of its own, at most two for each lock: those of a [Source]
// may all be held by blocking queries, and a renewal must not wait for them.
type Locker struct {
	client               *client
	namespace, partition string
	datacenter           string // empty for the agent's own
	holder               string // tells others who has a lock
	log                  *slog.Logger

	ttl   time.Duration // how long a session lives without being renewed
	delay time.Duration // how long a lock stays taken whose holder vanished
	pause time.Duration // between attempts that Consul cannot tell the time of
}

// Consul takes a TTL from 10 s, and ends a session up to twice as late. The
// delay gives a holder that lost its session time to stop; the pause is that
// between attempts while a lock is free and cannot be had.
const (
	lockTTL   = 15 * time.Second
	lockDelay = 15 * time.Second
	lockPause = time.Second
	lockWait  = time.Minute // of a blocking query for a taken lock
)

// MaxLockLimit is the most holders a lock may have.
const MaxLockLimit = 128

// NewLocker returns a Locker for the agent c describes. It opens no connection.
func NewLocker(c Config) (*Locker, error) { return newLocker(c, lockTTL, lockDelay) }

func newLocker(c Config, ttl, delay time.Duration) (*Locker, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return &Locker{
		client:    client,
		namespace: c.Namespace,
		partition: c.Partition,
		holder:    fmt.Sprintf("%s (process %d)", host, os.Getpid()),
		log:       c.Logger,
		ttl:       ttl,
		delay:     delay,
		pause:     lockPause,
	}, nil
}

// Close drops idle connections.
func (l *Locker) Close() { l.client.http.CloseIdleConnections() }

// Lock waits until fewer than limit others have the lock of that key, and takes
// it. held ends when it is lost, with the reason, or given back by release, which
// must be called and returns when all is over.
//
// An outage is waited out; an error says that Consul refuses, or that ctx has
// ended. Before it waits, and whenever the reason is another one, Lock calls
// waiting.
func (l *Locker) Lock(ctx context.Context, key string, limit int, waiting func(why string)) (held context.Context, release func(), err error) {
	a := attempt{locker: l, key: strings.Trim(key, "/"), limit: limit, waiting: waiting}
	if a.key == "" || limit < 1 || limit > MaxLockLimit {
		return nil, nil, fmt.Errorf("lock %q: it needs a key and a limit of 1 to %d, not %d", key, MaxLockLimit, limit)
	}
	for {
		held, release, err = a.try(ctx)
		switch {
		case err == nil:
			return held, release, nil
		case ctx.Err() != nil:
			return nil, nil, context.Cause(ctx)
		case isFinal(err):
			return nil, nil, fmt.Errorf("lock %s: %w", a.key, err)
		}
		a.wait(err.Error())
		if !watch.Sleep(ctx, l.pause) {
			return nil, nil, context.Cause(ctx)
		}
	}
}

// isFinal reports whether it is of no use to ask again: Consul understood, and
// refuses.
func isFinal(err error) bool {
	if errors.Is(err, watch.ErrDenied) {
		return true
	}
	refusal, ok := errors.AsType[*ResponseError](err)
	return ok && refusal.Status >= 400 && refusal.Status < 500 && refusal.Status != http.StatusTooManyRequests
}

// attempt is the way to one lock.
type attempt struct {
	locker  *Locker
	key     string
	limit   int
	waiting func(why string)
	said    string
}

// wait tells why the lock is not had yet, unless that is known.
func (a *attempt) wait(why string) {
	if why != a.said {
		a.said = why
		a.waiting(why)
	}
}

// try opens a session and waits for the lock as long as that lives.
func (a *attempt) try(ctx context.Context) (held context.Context, release func(), err error) {
	s, err := a.locker.newSession(ctx, "sluice lock "+a.key)
	if err != nil {
		return nil, nil, err
	}
	var slot string
	var mu sync.Mutex
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	var tasks sync.WaitGroup
	tasks.Go(func() {
		s.keep(keeping, func(ctx context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			if slot == "" {
				return nil
			}
			return a.locker.stillHolds(ctx, s, slot)
		})
	})
	release = func() {
		stop()
		tasks.Wait()
		a.locker.giveBack(context.WithoutCancel(ctx), s, slot)
	}
	// Ends with the caller's context or with the session.
	seeking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.lost, func() { cancel(context.Cause(s.lost)) })()
	taken, err := a.seek(seeking, s)
	if err != nil {
		release()
		if cause := context.Cause(seeking); cause != nil {
			err = cause
		}
		return nil, nil, err
	}
	mu.Lock()
	slot = taken
	mu.Unlock()
	return s.lost, release, nil
}

// seek waits for one of the keys and locks it for the session.
func (a *attempt) seek(ctx context.Context, s *session) (slot string, err error) {
	var index uint64
	for refused := 0; ; {
		pairs, next, err := a.locker.slots(ctx, a.key, index)
		if err != nil {
			return "", err
		}
		index = next
		holders := make([]string, 0, a.limit)
		for i := range a.limit {
			slot := a.key + "/" + strconv.Itoa(i+1)
			if p, ok := pairs[slot]; ok && p.Session != "" {
				holders = append(holders, p.Value)
				continue
			}
			taken, err := a.locker.put(ctx, slot, a.locker.holder, url.Values{"acquire": {s.id}})
			if taken || err != nil {
				return slot, err
			}
		}
		if len(holders) == a.limit {
			a.wait("it is held by " + strings.Join(holders, ", "))
			refused = 0
			continue
		}
		// Somebody was faster, or its last holder has vanished: Consul keeps a
		// lock from others for a while then, and does not tell when that is over.
		if refused++; refused > 1 {
			a.wait("its last holder vanished without giving it back")
		}
		index = 0
		if !watch.Sleep(ctx, a.locker.pause) {
			return "", context.Cause(ctx)
		}
	}
}

// slots are the keys of a lock. With an index it waits for a change.
func (l *Locker) slots(ctx context.Context, key string, index uint64) (map[string]watch.Pair, uint64, error) {
	pairs, index, err := l.below(ctx, key+"/", index)
	if err != nil {
		return nil, 0, err
	}
	slots := make(map[string]watch.Pair)
	for _, p := range pairs {
		slots[p.Key] = p
	}
	return slots, index, nil
}

// below are the keys that begin with a prefix, as the leader has them: who decides
// by an older answer decides wrongly.
func (l *Locker) below(ctx context.Context, prefix string, index uint64) ([]watch.Pair, uint64, error) {
	a := kv(prefix, watch.Scope{}, url.Values{"recurse": {""}, "consistent": {""}}, decodePairs)
	q := l.call(http.MethodGet, a.path, a.params, "")
	q.absent, q.needs = true, a.needs
	q.index, q.wait = index, lockWait
	got, err := l.client.get(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	if got.status == http.StatusNotFound {
		got.body = nil
	}
	value, _, err := decodePairs(got.body)
	if err != nil {
		return nil, 0, err
	}
	return value.([]watch.Pair), got.index, nil
}

// put writes a key on conditions, and reports whether Consul agreed.
func (l *Locker) put(ctx context.Context, key, value string, p url.Values) (bool, error) {
	q := l.call(http.MethodPut, kv(key, watch.Scope{}, nil, nil).path, p, value)
	q.needs = fmt.Sprintf("key:write on %q", key)
	got, err := l.client.get(ctx, q)
	return strings.TrimSpace(string(got.body)) == "true", err
}

// stillHolds looks whether the key is the session's: somebody may have deleted
// it by hand.
func (l *Locker) stillHolds(ctx context.Context, s *session, slot string) error {
	pairs, _, err := l.slots(ctx, slot[:strings.LastIndexByte(slot, '/')], 0)
	if err == nil && pairs[slot].Session != s.id {
		return fmt.Errorf("%w: %s is no longer locked", errSessionGone, slot)
	}
	return err
}

// giveBack frees the key, so that others need not wait for the lock delay, and
// ends the session.
func (l *Locker) giveBack(ctx context.Context, s *session, slot string) {
	ctx, cancel := context.WithTimeout(ctx, l.ttl/3)
	defer cancel()
	if slot == "" {
		_ = s.end(ctx) // nobody waits for it
		return
	}
	_, err := l.put(ctx, slot, l.holder, url.Values{"release": {s.id}})
	if err = errors.Join(err, s.end(ctx)); err != nil {
		l.log.Warn("giving a lock back; it becomes free when its session ends", "lock", slot, "err", err)
	}
}
