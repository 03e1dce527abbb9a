package lb

import (
	"sync/atomic"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// used is an object that routes use: a middleware or a backend. It is there as
// long as a service declares it or a route looks for it.
type used interface {
	addUser(w *wanted)
	removeUser(l *linker, w *wanted)
}

// users is a set of routes. Most sets have one element, and need no map.
type users struct {
	one  *wanted
	more map[*wanted]bool
}

type middleware struct {
	name  name
	by    []*tags.Middleware
	users users
	limit *tcp.ConnLimit // nil until it is used, and unless it is one of connections
}

type backend struct {
	name  name
	by    []*tags.Pool
	users users
	// merged is made of all of by, runtime is what routes pick from; nil until
	// the first use.
	merged  *tags.Pool
	runtime *target.Pool
	turn    *atomic.Uint64 // see turns
}

// turns counts the requests to it if it is composed of others.
func (b *backend) turns() *atomic.Uint64 {
	if b.turn == nil {
		b.turn = new(atomic.Uint64)
	}
	return b.turn
}

func (m *middleware) addUser(w *wanted) { m.users.add(w) }

func (b *backend) addUser(w *wanted) { b.users.add(w) }

func (m *middleware) removeUser(l *linker, w *wanted) {
	if m.users.remove(w); m.users.isEmpty() {
		l.staleMiddlewares[m.name] = m
	}
}

// removeUser also lets go of the runtime pool with the last user: the registry
// may forget a pool that no route has.
func (b *backend) removeUser(l *linker, w *wanted) {
	if b.users.remove(w); b.users.isEmpty() {
		b.runtime = nil
		l.staleBackends[b.name] = b
	}
}

func (u *users) add(w *wanted) {
	switch {
	case u.one == nil || u.one == w:
		u.one = w
	case u.more == nil:
		u.more = map[*wanted]bool{w: true}
	default:
		u.more[w] = true
	}
}

func (u *users) remove(w *wanted) {
	if delete(u.more, w); u.one == w {
		u.one = nil
	}
}

func (u *users) isEmpty() bool { return u.one == nil && len(u.more) == 0 }

func (u *users) each(do func(*wanted)) {
	if u.one != nil {
		do(u.one)
	}
	for w := range u.more {
		do(w)
	}
}
