package lb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/sluiceproxy/sluice/lb/target"
)

// forwarder is the last handler of every chain: it has the exchange answered by
// a target of its route's pool.
type forwarder struct{ s *Server }

var _ Handler = forwarder{}

// Serve implements [Handler].
func (f forwarder) Serve(x *Exchange) {
	protocol := upgradeAsked(x)
	body := newOutboundBody(x)
	dropConnectionFields(&x.Header)
	f.s.setForwarding(x)
	if err := rewritePath(x); err != nil {
		x.Outcome.Err = err
		plain(x, http.StatusBadRequest, "400 bad request")
		return
	}
	t := x.Route.Pool.Pick()
	if t == nil {
		x.Outcome.Err = errors.New("no instance is healthy")
		plain(x, http.StatusServiceUnavailable, "503 no available server")
		return
	}
	a := f.attempt(x, t, protocol, body)
	ans, err := f.try(a, t)
	if err != nil && a.retriable(err) {
		f.s.metrics.retries.Add(1)
		t = x.Route.Pool.PickOther(t)
		ans, err = f.try(f.attempt(x, t, protocol, body), t)
	}
	if err != nil {
		f.fail(x, t, body, err)
		return
	}
	f.pass(x, t, protocol, ans)
}

func (f forwarder) attempt(x *Exchange, t *target.Target, protocol string, body *outboundBody) *attempt {
	host := x.Route.Host
	if x.Route.PassHost {
		host = x.Authority
	}
	if host == "" {
		host = t.Key().Address
	}
	return &attempt{x: x, host: host, protocol: protocol, body: body, inform: x.Reply.Inform}
}

// try sends the exchange to one target. On success the target's End is due when
// the answer's body is through.
func (f forwarder) try(a *attempt, t *target.Target) (*answer, error) {
	x := a.x
	x.Outcome.Target, x.Outcome.Tries = t, x.Outcome.Tries+1
	t.Begin()
	ans, err := t.Conns().(*upstream).send(a)
	if err == nil {
		if err = checkAnswer(ans, a.protocol); err == nil {
			return ans, nil
		}
		ans.body.Close()
	}
	blameless := x.Context().Err() != nil || a.body.err() != nil
	if !blameless {
		f.s.metrics.upstreamErrors.Add(1)
	}
	t.End(!blameless)
	return nil, err
}

// retriable reports whether the failed attempt may be made again: nothing of it
// can have had an effect, or it is of a kind that may be repeated.
func (a *attempt) retriable(err error) bool {
	switch {
	case a.x.Context().Err() != nil, a.body != nil && a.body.touched.Load():
		return false
	case !a.connected.Load():
		return true
	}
	return a.body == nil && isIdempotent(a.x.Request.Method) && !a.answering.Load() && !isTimeout(err)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// isIdempotent: RFC 9110 §9.2.2.
func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// checkAnswer refuses what is well-formed HTTP but no proper answer.
func checkAnswer(ans *answer, protocol string) error {
	switch {
	case ans.status < 100 || ans.status > 999:
		return fmt.Errorf("the answer has the status %03d", ans.status)
	case ans.status != http.StatusSwitchingProtocols:
		return nil
	case protocol == "":
		return errors.New("the upstream switched protocols unasked")
	case !equalNames(ans.header.Get("Upgrade"), protocol):
		return fmt.Errorf("the upstream switched to the protocol %q, asked was %q", ans.header.Get("Upgrade"), protocol)
	}
	return nil
}

// fail answers an exchange that no target answered.
func (f forwarder) fail(x *Exchange, t *target.Target, body *outboundBody, err error) {
	x.Outcome.Err = fmt.Errorf("forwarding to %s: %w", t.Key(), err)
	clientErr := body.err()
	switch {
	// Asked first: net/http takes a client that pauses for one that is gone.
	case errors.Is(clientErr, os.ErrDeadlineExceeded):
		plain(x, http.StatusRequestTimeout, "408 request timeout")
	case x.Context().Err() != nil:
		x.Outcome.Status = StatusClientGone
	case clientErr != nil:
		plain(x, http.StatusBadRequest, "400 bad request")
	case isTimeout(err):
		plain(x, http.StatusGatewayTimeout, "504 gateway timeout")
	default:
		plain(x, http.StatusBadGateway, "502 bad gateway")
	}
}

// pass hands the answer to the client.
func (f forwarder) pass(x *Exchange, t *target.Target, protocol string, ans *answer) {
	failed := false
	defer func() { t.End(failed) }()
	defer ans.body.Close()
	x.Outcome.Status = ans.status
	dropConnectionFields(&ans.header)
	if ans.status == http.StatusSwitchingProtocols {
		f.tunnel(x, protocol, ans)
		return
	}
	ans.header.Del("Content-Length")
	if err := x.Reply.Begin(ans.status, &ans.header, ans.length); err != nil {
		x.Outcome.Err = err
		return
	}
	fromClient, err := copyBody(x, ans)
	if err == nil {
		var trailer *Header
		if x.Trailer != nil || isGRPC(&ans.header) {
			trailer = ans.trailer()
		}
		err = x.Reply.End(trailer)
		fromClient = true
	}
	if err != nil {
		x.Outcome.Err = fmt.Errorf("passing on the answer of %s after %d bytes: %w", t.Key(), x.Outcome.Sent, err)
		x.Outcome.Truncated = true
		failed = !fromClient && x.Context().Err() == nil
	}
}

func isGRPC(h *Header) bool {
	const prefix = "application/grpc"
	kind := h.Get("Content-Type")
	return len(kind) >= len(prefix) && equalNames(kind[:len(prefix)], prefix)
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// copyBody passes the answer's body on as it comes: what one read brought is on
// its way before the next. byClient says that it was the client's side that
// failed.
func copyBody(x *Exchange, ans *answer) (byClient bool, err error) {
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	for {
		n, readErr := ans.body.Read(buffer[:])
		if n > 0 {
			if _, err := x.Reply.Write(buffer[:n]); err != nil {
				return true, err
			}
			x.Outcome.Sent += int64(n)
		}
		if readErr == io.EOF {
			return false, nil
		}
		if readErr != nil {
			return false, readErr
		}
		// Nothing is held back while the upstream thinks. The last part of a
		// body of known length needs no push: the end of the answer is one.
		if x.Outcome.Sent != ans.length {
			if err := x.Reply.Flush(); err != nil {
				return true, err
			}
		}
	}
}
