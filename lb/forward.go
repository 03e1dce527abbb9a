package lb

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/proxyproto"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

// forwarder is the last handler of every chain: it has the exchange answered by
// a target of its route's pool.
type forwarder struct{ s *Server }

// Why no target may be given a request.
var (
	errNoTarget = errors.New("no instance is healthy")
	errAllBusy  = errors.New("all instances have as many requests as they may")
)

var _ Handler = forwarder{}

// Serve implements [Handler].
func (f forwarder) Serve(x *Exchange) {
	d := f.s.metrics.details
	if d == nil {
		f.serve(x)
		return
	}
	since := x.mark()
	f.serve(x)
	if x.detour == nil || x.detour.next == nil { // else it is not answered yet
		d.countService(x, since)
	}
}

func (f forwarder) serve(x *Exchange) {
	t, fresh := x.Route.pick(x)
	if t == nil {
		x.answerNoTarget()
		return
	}
	f.prepare(x)
	x.limitTime()
	defer x.limit.release()
	asked := x.clock()
	var tried [spec.MaxAttempts]*target.Target
	ans, err := f.try(x, t)
	for n := 0; err != nil && n < x.Route.attempts()-1 && x.ctx.Err() == nil && !x.limit.isOver() && isRetriable(&x.call, err); n++ {
		tried[n] = t
		other := x.Route.Pool.PickOther(x.Route.own(), tried[:n+1]...)
		if other == t && (n > 0 || errors.Is(err, h1.ErrBusy)) {
			break // there is no other, and this one had its second chance, or is full
		}
		// A request of which nothing was sent has cost its target nothing.
		if err.Progress > h1.NothingSent && !x.TakeRetry() {
			break
		}
		f.s.metrics.countRetry(x)
		x.Outcome.Retries++
		t, fresh = other, x.Route.sticky != nil
		x.call.Fresh = true
		ans, err = f.try(x, t)
	}
	x.Outcome.TargetWait = x.since(asked)
	switch {
	case err == nil:
		f.pass(x, t, ans, fresh)
		x.endTry(nil)
	case x.detour.wanted(x, t, err):
		f.s.metrics.countRetry(x)
	default:
		f.fail(x, t, err)
	}
	x.Outcome.TargetTook = x.since(asked)
}

// answerNoTarget answers an exchange that no target of its route may be given.
func (x *Exchange) answerNoTarget() {
	x.Outcome.Err = errNoTarget
	if x.Route.Pool.Stats().Open > 0 {
		x.Outcome.Err = errAllBusy
	}
	x.AnswerText(http.StatusServiceUnavailable, "503 no available server")
}

// prepare makes the call of the exchange, but for its host.
func (f forwarder) prepare(x *Exchange) {
	x.call = h1.Call{
		Method: x.Request.Method, Path: x.RawPath, Query: x.RawQuery, Fields: x.Header.fields,
		Upgrade: x.upgrade, TakesTrailers: x.Trailer != nil, Inform: x.inform, Watch: x.watch,
		Body: x.Body, Length: x.Length, HeadTimeout: x.Route.timeout(),
	}
	if x.Body != nil && x.Trailer != nil {
		x.call.Trailer, x.call.Announced = x.trailers, x.announced
	}
	if version := x.Route.proxy(); version != 0 {
		x.call.Preface, _ = proxyproto.AppendHeader(nil, version, x.Remote, x.Local) // a valid version
	}
}

// try sends the exchange to one target. On success the target's End is due when
// the answer's body is through.
func (f forwarder) try(x *Exchange, t *target.Target) (response, *h1.SendError) {
	if x.limit.isOver() {
		return nil, &h1.SendError{Err: lateError{}}
	}
	x.hurry(f.s.options.Timeouts.Response)
	x.Outcome.Target, x.Outcome.Pool, x.Outcome.Tries = t, x.Route.Pool, x.Outcome.Tries+1
	x.call.Host = x.Route.Host
	if x.Route.PassHost {
		x.call.Host = x.Authority
	}
	if x.UpstreamHost != "" {
		x.call.Host = x.UpstreamHost
	}
	if x.call.Host == "" {
		x.call.Host = t.Key().Host()
	}
	x.call.Path = t.Key().Path + x.RawPath
	x.beginTry()
	t.Begin()
	var began time.Time
	if x.Route.Pool.IsTimed() {
		began = time.Now()
	}
	if f.s.calls.Grace > 0 && isGRPC(&x.Header) {
		x.limit.tie(x.ctx, f.s.calls.Of(t.Key()))
	}
	ans, err := x.send(t)
	if err == nil {
		if !began.IsZero() {
			t.Took(time.Since(began))
		}
		return ans, nil
	}
	failed := err.(*h1.SendError) //nolint:errorlint,errcheck // as send promises
	blameless := isClientGone(x, err) || failed.Client != nil || errors.Is(err, h1.ErrCall) || errors.Is(err, h1.ErrBusy) ||
		isPastDeadline(x, err)
	if !blameless {
		f.s.metrics.upstreamErrors.Add(1)
		f.observe(x, t, 0)
	}
	t.End(!blameless)
	x.endTry(failed)
	return nil, failed
}

// observe tells the pool how a target answered: by a status, or 0 for not at all.
func (f forwarder) observe(x *Exchange, t *target.Target, status int) {
	if length := x.Route.Pool.Observe(t, status); length > 0 {
		f.s.tellEjected(x.Route.Pool, t, length)
	}
}

func (s *Server) tellEjected(p *target.Pool, t *target.Target, length time.Duration) {
	s.log.Warn("a target failed too often and gets no requests for a while", "target", t.Key().String(), "pool", p.Name(), "for", length)
}

func isClientGone(x *Exchange, err error) bool {
	return x.ctx.Err() != nil || errors.Is(err, h1.ErrClientGone)
}

// isPastDeadline reports whether the target canceled a call of gRPC that brought a
// deadline of its own: servers watch that too, and may be faster than the client.
func isPastDeadline(x *Exchange, err error) bool {
	var reset streamReset
	return errors.As(err, &reset) && reset.Code == codeCancel && isGRPC(&x.Header) && x.Header.Get("Grpc-Timeout") != ""
}

// streamReset is what the stream errors of net/http can be had as, by its fields.
type streamReset struct {
	StreamID, Code uint32
	Cause          error
}

func (e streamReset) Error() string {
	return fmt.Sprintf("stream %d is reset with %d", e.StreamID, e.Code)
}

const codeCancel = 0x8 // RFC 9113 §7

// isRetriable reports whether the failed call may be made again: nothing of it
// can have had an effect, or it is of a kind that may be repeated.
func isRetriable(c *h1.Call, err *h1.SendError) bool {
	switch {
	case err.BodyRead, errors.Is(err, h1.ErrClientGone), errors.Is(err, h1.ErrCall):
		return false
	case err.Progress <= h1.NothingSent:
		return true
	}
	return c.Body == nil && isIdempotent(c.Method) && err.Progress <= h1.BodySent && !err.Timeout()
}

// isIdempotent: RFC 9110 §9.2.2.
func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// fail answers an exchange that no target answered. One whose time is over is
// late, whatever the last try came to: it was the last for want of time.
func (f forwarder) fail(x *Exchange, t *target.Target, err *h1.SendError) {
	x.Outcome.Err = fmt.Errorf("forwarding to %s: %w", t.Key(), err)
	isLate := x.limit.isOver()
	if isLate {
		f.s.metrics.late.Add(1)
	}
	switch {
	case err.Client != nil:
		x.answerBrokenBody(err.Client)
	case isClientGone(x, err):
		x.Outcome.Status = StatusClientGone
	case errors.Is(err, h1.ErrCall):
		x.AnswerText(http.StatusBadRequest, "400 bad request")
	case errors.Is(err, h1.ErrBusy):
		x.AnswerText(http.StatusServiceUnavailable, "503 no available server")
	case isLate, err.Timeout():
		x.AnswerText(http.StatusGatewayTimeout, "504 gateway timeout")
	default:
		x.AnswerText(http.StatusBadGateway, "502 bad gateway")
	}
}

// pass hands the answer to the client. A fresh one is told where it came from.
func (f forwarder) pass(x *Exchange, t *target.Target, ans response, fresh bool) {
	failed := false
	defer func() {
		ans.Close()
		t.End(failed)
	}()
	x.Outcome.Status, x.Outcome.TargetStatus = ans.Status(), ans.Status()
	x.answer.fields = ans.AppendFields(x.answer.fields[:0])
	f.s.recordTarget(x, ans.Length())
	x.recordGRPC(&x.answer)
	x.answered()
	f.observe(x, t, ans.Status())
	if fresh {
		x.Route.sticky.set(&x.answer, cookieValue(t.Key().String()))
	}
	if switched, ok := ans.(*h1.Answer); ok && ans.Status() == http.StatusSwitchingProtocols {
		f.tunnel(x, t, switched)
		return
	}
	reply := x.reply()
	if err := reply.Begin(ans.Status(), &x.answer, ans.Length()); err != nil {
		x.Outcome.Err, x.Outcome.Truncated = err, true
		return
	}
	var err error
	if x.Outcome.TargetSent, err = ans.WriteTo(reply); err == nil {
		trailer := answerTrailer(x, ans)
		x.recordGRPC(trailer)
		err = reply.End(trailer)
	}
	if err != nil {
		if x.limit.isOver() {
			f.s.metrics.late.Add(1)
		}
		x.Outcome.Err = fmt.Errorf("passing on the answer of %s after %d bytes: %w", t.Key(), x.Outcome.TargetSent, err)
		x.Outcome.Truncated = true
		failed = !x.endOversized(reply) && ans.Err() != nil && x.call.Watch.Abandoned() == nil
		x.broken = failed || x.limit.isOver()
	}
}

// answerTrailer is what followed the answer's body, for who can do with it.
func answerTrailer(x *Exchange, ans response) *Header {
	fields := ans.AppendTrailer(nil)
	if len(fields) == 0 || x.Trailer == nil && !isGRPC(&x.answer) {
		return nil
	}
	return &Header{fields}
}

func isGRPC(h *Header) bool {
	const prefix = "application/grpc"
	kind := h.Get("Content-Type")
	return len(kind) >= len(prefix) && h1.EqualNames(kind[:len(prefix)], prefix)
}
