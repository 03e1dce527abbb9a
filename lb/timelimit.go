package lb

import (
	"cmp"
	"context"
	"time"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// timeLimit bounds what a route's targets may take of an exchange in all: every
// try, the request's body and the answer to its end.
type timeLimit struct {
	h1.Watcher           // of the client
	until      time.Time // zero is for ever
	route      *Route    // it is for: another one that the exchange comes to has time of its own
	sending    context.Context
	cancel     context.CancelFunc

	tied context.Context // that of a call whose target may go; nil if it is not
	done func()
}

// lateError is why an exchange was given up whose time was over.
type lateError struct{}

func (lateError) Error() string { return "the time for the request is over" }
func (lateError) Timeout() bool { return true }

// Abandoned implements [h1.Watcher].
func (l *timeLimit) Abandoned() error {
	if l.isOver() {
		return lateError{}
	}
	return l.Watcher.Abandoned()
}

func (l *timeLimit) isOver() bool { return !l.until.IsZero() && !time.Now().Before(l.until) }

// limitTime begins the time of the exchange's route, if it has not begun.
func (x *Exchange) limitTime() {
	x.limit.untie()
	d := x.Route.wholeTimeout()
	switch {
	case d == 0:
		x.limit.until, x.limit.route = time.Time{}, nil
		return
	case x.limit.route != x.Route:
		x.limit = timeLimit{Watcher: x.watch, until: time.Now().Add(d), route: x.Route}
	}
	x.call.Watch = &x.limit
	x.limit.sending, x.limit.cancel = context.WithDeadlineCause(x.ctx, x.limit.until, lateError{})
}

// hurry sees that the head of an answer is not waited for beyond the limit. usual
// is how long it is else, 0 for ever.
func (x *Exchange) hurry(usual time.Duration) {
	if x.limit.until.IsZero() {
		return
	}
	left := max(1, time.Until(x.limit.until))
	if usual = cmp.Or(x.Route.timeout(), usual); usual <= 0 || left < usual {
		x.call.HeadTimeout = left
	}
}

// context is that of what is sent, which is released when the exchange is over.
func (l *timeLimit) context(of context.Context) context.Context {
	switch {
	case l.tied != nil:
		return l.tied
	case l.sending != nil:
		return l.sending
	}
	return of
}

// tie has what is sent end with the connections to its target, should that go.
func (l *timeLimit) tie(of context.Context, to *tcp.Upstream) {
	l.untie()
	l.tied, l.done = to.Use(l.context(of))
}

func (l *timeLimit) untie() {
	if l.done != nil {
		l.done()
		l.tied, l.done = nil, nil
	}
}

func (l *timeLimit) release() {
	l.untie()
	if l.cancel != nil {
		l.cancel()
		l.sending, l.cancel = nil, nil
	}
}

// reply is where the answer goes, as long as there is time.
func (x *Exchange) reply() Reply {
	if x.limit.until.IsZero() {
		return x.Reply
	}
	return &limitedReply{x.Reply, &x.limit}
}

// limitedReply breaks off an answer whose time is over. What comes without a pause
// is never waited for, so that the [h1.Watcher] is not asked.
type limitedReply struct {
	Reply
	limit *timeLimit
}

// Write implements [Reply].
func (r *limitedReply) Write(p []byte) (int, error) {
	if r.limit.isOver() {
		return 0, lateError{}
	}
	return r.Reply.Write(p)
}
