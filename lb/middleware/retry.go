package middleware

import (
	"cmp"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// retry has requests tried again, by the next target if there is one: after
// errors of the network if nothing of the request can have had an effect or it
// may be repeated, and after answers of certain statuses.
type retry struct {
	spec     *spec.Retry
	attempts int   // all of them
	room     int64 // for a body that is sent again, in bytes
	statuses spec.Statuses
	replies  sync.Pool // of *retryReply
}

// maxTries bounds the attempts of a spec: more are a loop, not a second chance.
const maxTries = 32

func newRetry(s *spec.Retry) (*retry, error) {
	statuses, err := spec.ParseStatuses(s.Status)
	r := &retry{
		spec: s, statuses: statuses,
		attempts: min(s.Attempts, maxTries), room: min(cmp.Or(s.MaxRequestBody, 2<<20), maxKept),
	}
	r.replies.New = func() any { return new(retryReply) }
	return r, err
}

// Serve implements [lb.Middleware].
func (r *retry) Serve(x *lb.Exchange, next lb.Handler) {
	if r.attempts == 1 {
		next.Serve(x)
		return
	}
	reply := r.replies.Get().(*retryReply) //nolint:errcheck,forcetypeassert // all that is put there
	reply.was = x.CheckpointInto(reply.was)
	defer func() { // even if there is a defect in what serves it, which is answered then
		x.Reply = reply.was.Reply()
		*reply = retryReply{was: reply.was}
		r.replies.Put(reply)
	}()
	var body *replay
	if x.Body != nil {
		body = &replay{from: x.Body, room: r.room}
		if x.Length <= r.room {
			kept, read, failed := x.ReadAhead()
			if failed {
				return
			}
			body.kept, body.whole = kept, read
		}
	}
	var deadline time.Time
	if r.spec.Timeout > 0 {
		deadline = time.Now().Add(r.spec.Timeout)
	}
	for left := r.attempts - 1; ; left-- {
		repeatable := left > 0 && (deadline.IsZero() || time.Now().Before(deadline))
		*reply = retryReply{Reply: reply.was.Reply(), was: reply.was, retry: r, x: x, body: body, repeatable: repeatable}
		x.Reply = reply
		if body != nil {
			x.Body = body.reader()
		}
		next.Serve(x)
		x.Reply = reply.was.Reply()
		if !reply.again || !r.pause(x, r.attempts-1-left) {
			return
		}
		x.Rewind(reply.was)
		x.Outcome.Retries++
	}
}

// pause waits before the next try, for longer each time.
func (r *retry) pause(x *lb.Exchange, tried int) bool {
	if r.spec.InitialInterval <= 0 {
		return x.Context().Err() == nil
	}
	d := min(r.spec.InitialInterval<<min(tried, 10), time.Minute)
	return sleep(x, d/2+rand.N(d/2+1))
}

// mayRepeat reports whether the exchange may be tried again after an answer of
// that status.
func (r *retry) mayRepeat(x *lb.Exchange, status int, body *replay) bool {
	if body != nil && body.lost.Load() || x.Context().Err() != nil {
		return false
	}
	idempotent := isIdempotent(x.Request.Method) || r.spec.RetryNonIdempotentMethods
	if failed := x.Outcome.Err != nil && x.Outcome.Tries > 0 && x.Outcome.TargetStatus == 0; failed {
		switch {
		case r.spec.DisableOnNetworkError:
			return false
		case lb.NothingSent(x.Outcome.Err):
			return true
		}
		return idempotent && x.TakeRetry()
	}
	return idempotent && r.statuses.Contain(status) && x.TakeRetry()
}

// isIdempotent: RFC 9110 §9.2.2.
func isIdempotent(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPatch, "LOCK", http.MethodConnect:
		return false
	}
	return true
}

// retryReply looks at the head of an answer before it lets it pass.
type retryReply struct {
	lb.Reply
	was        lb.Checkpoint
	retry      *retry
	x          *lb.Exchange
	body       *replay
	repeatable bool

	again bool
}

// errAgain ends an answer that is not wanted.
var errAgain = errors.New("the request is tried again")

// Begin implements [lb.Reply].
func (r *retryReply) Begin(status int, h *lb.Header, length int64) error {
	if r.repeatable && r.retry.mayRepeat(r.x, status, r.body) {
		r.again = true
		return errAgain
	}
	r.repeatable = false
	return r.Reply.Begin(status, h, length)
}

// replay is a request's body that can be read again as long as there is room for
// what was read of it.
type replay struct {
	from io.Reader
	room int64
	kept []byte
	// whole is set if kept is all of the body, which was read before.
	whole bool
	lost  atomic.Bool
}

// reader reads from the start. There may be one at a time.
func (p *replay) reader() *replayReader { return &replayReader{replay: p} }

type replayReader struct {
	*replay
	at int // in kept
}

// Read implements [io.Reader].
func (r *replayReader) Read(p []byte) (int, error) {
	if r.at < len(r.kept) {
		n := copy(p, r.kept[r.at:])
		r.at += n
		return n, nil
	}
	if r.whole {
		return 0, io.EOF
	}
	n, err := r.from.Read(p)
	switch {
	case r.lost.Load():
	case int64(len(r.kept)+n) > r.room:
		r.lost.Store(true)
		r.kept = nil
	default:
		r.kept = append(r.kept, p[:n]...)
		r.at += n
	}
	return n, err
}

// Interrupt implements [h1.Interrupter]. What a Read was waiting for is lost to the
// next try.
func (r *replayReader) Interrupt() {
	if r.whole {
		return
	}
	r.lost.Store(true)
	h1.Interrupt(r.from)
}

// Resume implements [h1.Interrupter].
func (r *replayReader) Resume() { h1.Resume(r.from) }
