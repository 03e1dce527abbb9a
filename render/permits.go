package render

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Lock bounds how many hosts run a command at a time. The zero value is none.
type Lock struct {
	// Key names the lock, for all who share it.
	Key string
	// Limit is how many have it at a time.
	Limit int
	// Hold is how long it is kept when the command has ended.
	Hold time.Duration
}

// Locker lends locks that several processes share.
type Locker interface {
	// Lock waits until fewer than limit others have the lock of that key, and
	// takes it. held ends, with the reason as cause, when it is lost, and when
	// release gives it back, which must be called. An error says that it cannot
	// be had. waiting is called before it waits, and when the reason changes.
	Lock(ctx context.Context, key string, limit int, waiting func(why string)) (held context.Context, release func(), err error)
}

func (l Lock) validate() error {
	if l.Key != "" && l.Limit < 1 {
		return fmt.Errorf("the limit of lock %s is less than 1", l.Key)
	}
	return nil
}

// permits are the locks of commands. Each is asked for when a command is to
// run, sought in the background, since it can take long and templates without
// it must not wait, and given back after the pass in which it was used.
type permits struct {
	locker  Locker
	changed chan struct{}  // one slot: one was granted or is free
	tasks   sync.WaitGroup // all that is begun
	holds   sync.WaitGroup // what keeps locks after their commands

	mu sync.Mutex
	of map[Lock]*permit
}

// permit is a lock from when it is asked for until it may be asked for again.
type permit struct {
	state   permitState
	asked   bool            // in this pass
	held    context.Context // for commands, once granted
	release func()
	err     error
}

type permitState uint8

const (
	sought permitState = iota
	granted
	used    // by a command of this pass
	leaving // kept for the time after the command, or left to others
	refused
)

// permitRest is how long a lock is left to others after it was given back. A
// host whose files never stop changing would always be the fastest.
const permitRest = time.Second

// errLockLost is the cause of the end of a command that lost its lock.
var errLockLost = errors.New("the lock was lost")

func newPermits(l Locker) *permits {
	return &permits{locker: l, changed: make(chan struct{}, 1), of: make(map[Lock]*permit)}
}

// ask returns the context under which a command may run in this pass. It ends
// with ctx or when the lock is lost, and is nil as long as the lock is not had.
func (p *permits) ask(ctx context.Context, l Lock, waiting func(why string)) (context.Context, error) {
	if l.Key == "" {
		return ctx, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.of[l]
	if m == nil {
		m = &permit{}
		p.of[l] = m
		p.tasks.Go(func() { p.seek(ctx, l, m, waiting) })
	}
	// If a command of this pass had to wait, the others do too, to share it.
	waited := m.asked && m.state != used
	m.asked = true
	switch {
	case waited:
	case m.state == used, m.state == granted:
		m.state = used
		return m.held, nil
	case m.state == refused:
		delete(p.of, l)
		return nil, m.err
	}
	return nil, nil
}

func (p *permits) seek(ctx context.Context, l Lock, m *permit, waiting func(why string)) {
	lock, release, err := p.locker.Lock(ctx, l.Key, l.Limit, waiting)
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.wake()
	if err != nil {
		m.state, m.err = refused, err
		return
	}
	held, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(lock, func() {
		cancel(fmt.Errorf("%w: lock %s: %w", errLockLost, l.Key, context.Cause(lock)))
	})
	m.state, m.held = granted, held
	m.release = func() {
		stop()
		cancel(nil)
		release()
	}
}

// endPass lets go of the locks that were used, and of those that nobody has
// asked for any more.
func (p *permits) endPass(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l, m := range p.of {
		switch {
		case m.state == used:
			p.leave(ctx, l, m, l.Hold)
		case m.state == granted && !m.asked:
			p.leave(ctx, l, m, 0)
		case m.state == refused && !m.asked:
			delete(p.of, l)
		}
		m.asked = false
	}
}

// leave gives a lock back after a time; at once when ctx ends. p.mu is held.
func (p *permits) leave(ctx context.Context, l Lock, m *permit, hold time.Duration) {
	m.state = leaving
	returned := make(chan struct{})
	p.holds.Go(func() {
		defer close(returned)
		watch.Sleep(ctx, hold)
		m.release()
	})
	p.tasks.Go(func() {
		<-returned
		watch.Sleep(ctx, permitRest)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.of, l)
		p.wake()
	})
}

// settle waits until the locks are given back that were used.
func (p *permits) settle() { p.holds.Wait() }

// close gives all locks back. The contexts of the requests must have ended.
func (p *permits) close() {
	p.holds.Wait()
	p.tasks.Wait()
	for _, m := range p.of {
		if m.state == granted || m.state == used {
			m.release()
		}
	}
}

// wake asks for another pass.
func (p *permits) wake() { signal(p.changed) }

// signal fills a one-slot channel.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
