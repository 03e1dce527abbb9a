package lb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/h1"
)

// Calls of gRPC on listeners that are for them; see [listener.Listener].Calls. Elsewhere
// they are requests like others.

// isCall reports whether the exchange is one of those.
func (x *Exchange) isCall() bool {
	return x.entry != nil && x.entry.listener.Calls && isGRPC(&x.Header)
}

// takeCalledHost has a call that names one other host, as clients of Fabio do,
// routed to that. What cannot be a host is no one's.
func (x *Exchange) takeCalledHost() {
	if !x.isCall() {
		return
	}
	var named []string
	for value := range x.Header.Values("Dsthost") {
		named = append(named, value)
	}
	if len(named) != 1 {
		return
	}
	if host, port, err := parseHost(named[0]); err == nil {
		x.Request.Host, x.Request.Port = host, port
	}
}

// Statuses of calls (the codes of gRPC) that stand for those of answers.
const (
	callUnknown            = count.GRPCUnknown
	callDeadlineExceeded   = 4
	callNotFound           = 5
	callPermissionDenied   = 7
	callResourceExhausted  = 8
	callFailedPrecondition = 9
	callUnimplemented      = 12
	callUnavailable        = 14
	callUnauthenticated    = 16
)

func callStatus(status int) int {
	switch status {
	case http.StatusNotFound:
		return callNotFound
	case http.StatusUnauthorized:
		return callUnauthenticated
	case http.StatusForbidden:
		return callPermissionDenied
	case http.StatusMethodNotAllowed:
		return callUnimplemented
	case http.StatusMisdirectedRequest:
		return callFailedPrecondition
	case http.StatusRequestEntityTooLarge, http.StatusRequestHeaderFieldsTooLarge, http.StatusTooManyRequests:
		return callResourceExhausted
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return callUnavailable
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return callDeadlineExceeded
	}
	return callUnknown
}

// answerCall answers with nothing but a code of gRPC. Logs and metrics have the
// status, which is HTTP's.
func (x *Exchange) answerCall(status, code int, text string) {
	h := &Header{}
	h.Add("Content-Type", "application/grpc")
	for name, value := range callOutcome(code, text).All() {
		h.Add(name, value)
	}
	x.Outcome.Status = status
	err := x.Reply.Begin(http.StatusOK, h, -1)
	if err == nil {
		err = x.Reply.End(nil)
	}
	if err != nil && x.Outcome.Err == nil {
		x.Outcome.Err = err
	}
}

// callOutcome is what a call ends with.
func callOutcome(code int, text string) *Header {
	h := &Header{}
	h.Add("Grpc-Status", strconv.Itoa(code))
	h.Add("Grpc-Message", fieldText(text))
	return h
}

// fieldText has what is not printable, and the percent sign, in the form %XX.
func fieldText(text string) string {
	var b []byte
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '%' {
			b = fmt.Appendf(b, "%%%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

var errMessageTooLarge = errors.New("a message of the call is larger than allowed")

// limitMessages has the call fail when one of its messages is larger.
func (x *Exchange) limitMessages(most int) {
	x.oversized = new(atomic.Bool)
	if x.Body != nil {
		x.Body = &callBody{x.Body, callMessages{most: most, oversized: x.oversized}}
	}
	x.Reply = &callReply{x.Reply, callMessages{most: most, oversized: x.oversized}}
}

// endOversized ends a call whose answer broke off because of the size of a message,
// whichever half that is of, and reports whether it was one. Others are seen to be
// truncated.
func (x *Exchange) endOversized(reply Reply) bool {
	if x.oversized == nil || !x.oversized.Load() {
		return false
	}
	_ = reply.End(callOutcome(callResourceExhausted, errMessageTooLarge.Error()))
	return true
}

// callMessages tells messages apart in what is sent: each has a head of five bytes,
// of which the last four are its length.
type callMessages struct {
	most      int
	oversized *atomic.Bool // is set when one is too large

	head []byte // as far as it has come
	left int    // of the message
}

// pass takes the next part of what is sent.
func (m *callMessages) pass(p []byte) error {
	const headSize = 5
	for len(p) > 0 {
		if m.left > 0 {
			n := min(m.left, len(p))
			m.left, p = m.left-n, p[n:]
			continue
		}
		n := min(headSize-len(m.head), len(p))
		m.head, p = append(m.head, p[:n]...), p[n:]
		if len(m.head) < headSize {
			return nil
		}
		if m.left = int(binary.BigEndian.Uint32(m.head[1:])); m.left > m.most {
			m.oversized.Store(true)
			return fmt.Errorf("%w: it has %d bytes, and may have %d", errMessageTooLarge, m.left, m.most)
		}
		m.head = m.head[:0]
	}
	return nil
}

// callBody is the client's half of a call.
type callBody struct {
	io.Reader

	messages callMessages
}

// Read implements [io.Reader].
func (b *callBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if tooLarge := b.messages.pass(p[:n]); tooLarge != nil {
		return 0, tooLarge
	}
	return n, err
}

// Interrupt implements [h1.Interrupter].
func (b *callBody) Interrupt() { h1.Interrupt(b.Reader) }

// Resume implements [h1.Interrupter].
func (b *callBody) Resume() { h1.Resume(b.Reader) }

// callReply is the other half.
type callReply struct {
	Reply

	messages callMessages
}

// Begin implements [Reply]. How long the answer will be is not known any more.
func (r *callReply) Begin(status int, h *Header, _ int64) error { return r.Reply.Begin(status, h, -1) }

// Write implements [Reply].
func (r *callReply) Write(p []byte) (int, error) {
	if err := r.messages.pass(p); err != nil {
		return 0, err
	}
	return r.Reply.Write(p)
}
