package tcp

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/lb/target"
)

// ErrDeparted is why connections to a target that is in no pool any more were
// ended.
var ErrDeparted = errors.New("the target is gone")

// Upstreams know the connections to all targets, to end those of targets that
// are gone. They outlive tables: a target that comes back in time keeps its
// connections.
type Upstreams struct {
	// Grace is how long connections to a target that is gone may go on. It is
	// set before the first use.
	Grace time.Duration

	mu    sync.Mutex
	known map[target.Key]*Upstream
}

// Upstream are the connections to one target. It is the target's
// [target.Conns].
type Upstream struct {
	of  *Upstreams
	key target.Key

	// Under the lock of Upstreams.
	users map[*user]struct{}
	pools int         // targets of that key there are: none, one, or two for a moment
	cut   *time.Timer // nil unless there is no target
}

// user is one that has a connection.
type user struct{ end context.CancelCauseFunc }

// Conns returns what a new target has for connections.
func (u *Upstreams) Conns(key target.Key) *Upstream {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.find(key)
	one.pools++
	if one.cut != nil {
		one.cut.Stop()
		one.cut = nil
	}
	return one
}

// Of returns what there is of a target's connections, for who has not kept what Conns
// returned. It may be of one that is gone.
func (u *Upstreams) Of(key target.Key) *Upstream {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.find(key)
}

func (u *Upstreams) find(key target.Key) *Upstream {
	if u.known == nil {
		u.known = map[target.Key]*Upstream{}
	}
	one := u.known[key]
	if one == nil {
		one = &Upstream{of: u, key: key, users: map[*user]struct{}{}}
		u.known[key] = one
	}
	return one
}

// CloseIdle implements [target.Conns]: no connection is idle.
func (*Upstream) CloseIdle() {}

// Release implements [target.Releaser].
func (o *Upstream) Release() {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	if o.pools--; o.pools > 0 {
		return
	}
	if len(o.users) == 0 {
		delete(o.of.known, o.key)
		return
	}
	o.cut = time.AfterFunc(o.of.Grace, o.end)
}

func (o *Upstream) end() {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	if o.pools > 0 {
		return
	}
	for one := range o.users {
		one.end(ErrDeparted)
	}
}

// Use ties a conversation to the target: should that be gone, the context that
// is returned ends. The conversation is over with done.
func (o *Upstream) Use(ctx context.Context) (used context.Context, done func()) {
	used, end := context.WithCancelCause(ctx)
	one := &user{end}
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	o.users[one] = struct{}{}
	if o.pools == 0 && o.cut == nil { // picked just before the target went
		o.cut = time.AfterFunc(o.of.Grace, o.end)
	}
	return used, func() {
		end(nil)
		o.of.mu.Lock()
		defer o.of.mu.Unlock()
		delete(o.users, one)
		if len(o.users) == 0 && o.pools == 0 {
			if o.cut != nil {
				o.cut.Stop()
			}
			if o.of.known[o.key] == o {
				delete(o.of.known, o.key)
			}
		}
	}
}

// Open is the number of conversations.
func (o *Upstream) Open() int {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	return len(o.users)
}
