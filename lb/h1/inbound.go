package h1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// ErrClientGone is why waiting for an answer was given up: the client closed
// its connection.
var ErrClientGone = errors.New("h1: the client closed the connection")

var (
	errAnswered    = errors.New("h1: the request is answered already")
	errNotBegun    = errors.New("h1: the answer was not begun")
	errBodyRefused = errors.New("h1: the request was answered without asking for its body")
)

// Inbound is a request that came over a connection, and the means to answer it:
// any number of Inform, one Begin, Writes, one End; or one Upgrade in place of
// all that. An answer that was begun and not ended reaches the client visibly
// cut off.
//
// It belongs to the goroutine of its handler. One other may read Body, and must
// have ended when the handler returns. Nothing of it may be kept then.
type Inbound struct {
	Request Request
	// Body is the request's body; at its end at once if there is none. Reading it
	// asks a client for it that waits to be asked (100 Continue).
	Body Body
	// Local is the handler's own: it stays with the Inbound when that is used for
	// another request, of this connection or of another one, so that the handler
	// need not allocate.
	Local any

	conn     *conn
	out      bodyWriter
	keep     bool // the connection is kept open behind the answer
	begun    bool
	ended    bool
	upgraded bool

	mu      sync.Mutex // for what is sent before the answer, from two goroutines
	waiting bool       // the client waits for 100 Continue
	refused bool       // and will not be told
}

var _ Watcher = (*Inbound)(nil)

func (in *Inbound) start(c *conn) {
	in.conn = c
	in.keep = in.Request.persists()
	in.begun, in.ended, in.upgraded = false, false, false
	in.Body.start(&c.rd, in.Request.body, &c.server.options.Limits, c.server.options.Timeouts.Body)
	in.refused, in.out = false, bodyWriter{}
	// A client that sends the body right away does not wait.
	if in.waiting = in.Request.expects() && len(c.rd.buffered()) == 0; in.waiting {
		in.Body.inbound = in
	}
	c.w.begin()
}

// Remote is the client's address.
func (in *Inbound) Remote() netip.AddrPort { return in.conn.remote }

// Bound is the address the client connected to.
func (in *Inbound) Bound() netip.AddrPort { return in.conn.local }

// TLS is the state of the connection, nil if it is not encrypted.
func (in *Inbound) TLS() *tls.ConnectionState { return in.conn.tls }

// Conn is the connection, with TLS on top if there is any. It is to be looked at,
// not to be read or written.
func (in *Inbound) Conn() net.Conn { return in.conn.nc }

// Context ends with the connection, when Abandoned finds the client gone, and
// when the server is closed.
func (in *Inbound) Context() context.Context { return in.conn.ctx }

// Abandoned implements [Watcher]: it looks whether the client is still there.
func (in *Inbound) Abandoned() error {
	if in.conn.ctx.Err() != nil {
		return context.Cause(in.conn.ctx)
	}
	if in.conn.socket().gone() {
		in.conn.cancel(ErrClientGone)
		return ErrClientGone
	}
	return nil
}

// sendContinue asks the client for the body, once.
func (in *Inbound) sendContinue() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.refused {
		return errBodyRefused
	}
	if !in.waiting {
		return nil
	}
	in.waiting = false
	w := &in.conn.w
	w.out = append(w.out, "HTTP/1.1 100 Continue\r\n\r\n"...)
	return w.flush()
}

// Inform sends an interim answer, of a status from 102 to 199. To HTTP/1.0
// clients, which know none, nothing is sent.
func (in *Inbound) Inform(status int, fields []Field) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.begun || in.upgraded:
		return errAnswered
	case in.Request.minor == 0 || status < 102 || status > 199:
		return nil
	}
	w := &in.conn.w
	w.statusLine(status)
	if _, err := w.fields(fields, endToEnd); err != nil {
		w.out = w.out[:0]
		return err
	}
	w.out = append(w.out, crlf...)
	return w.flush()
}

// Begin collects the head of the answer; it goes out with the first bytes of the
// body, or with Flush or End. length is the body's in bytes, or -1 if only its
// end will tell; for an answer that has no body, to HEAD or with the status 304,
// it is the length to announce or -1. Fields that concern the connection or the
// framing are left out of fields, and a Date is added if there is none.
func (in *Inbound) Begin(status int, fields []Field, length int64) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.begun || in.upgraded {
		return errAnswered
	}
	in.refused, in.waiting = in.waiting, false
	in.keep = in.keep && !in.conn.server.draining.Load() && !in.conn.isSpent() && in.leavesClean()

	w := &in.conn.w
	w.statusLine(status)
	seen, err := w.fields(fields, endToEnd|1<<kindTrailer|1<<kindProxyAuthenticate)
	if err != nil {
		w.out = w.out[:0]
		return err
	}
	in.begun = true
	if seen&(1<<kindDate) == 0 {
		w.out = in.conn.server.date.append(w.out, time.Now())
	}
	in.out.start(w, in.frame(status, length))
	switch {
	case !in.keep:
		w.field("Connection", "close")
	case in.Request.minor == 0:
		w.field("Connection", "keep-alive")
	}
	w.out = append(w.out, crlf...)
	return nil
}

// frame chooses how the end of the answer is told, and writes the fields for it.
func (in *Inbound) frame(status int, length int64) framing {
	w := &in.conn.w
	bodyless := status == 204 || status == 304 || in.Request.Method() == "HEAD"
	switch {
	case length >= 0 && status != 204:
		w.length(length)
	case bodyless:
	case in.Request.minor == 0:
		in.keep = false
		return framing{mode: byClose}
	default:
		w.field("Transfer-Encoding", "chunked")
		return framing{mode: byChunks}
	}
	if bodyless {
		return framing{mode: noBody}
	}
	return framing{mode: byLength, length: length}
}

// leavesClean reports whether the connection is fit for another request behind
// an answer that is sent now: the body was read or can be discarded.
func (in *Inbound) leavesClean() bool {
	switch in.Body.state.Load() {
	case bodyRead:
		return true
	case bodyUntouched:
		return !in.refused && in.Request.body.mode == byLength && in.Request.body.length <= maxDiscard
	}
	return false // someone is reading, and may not get to the end
}

// Write sends a part of the body and blocks while the client takes none.
func (in *Inbound) Write(p []byte) (int, error) {
	if !in.begun {
		return 0, errNotBegun
	}
	return in.out.Write(p)
}

// Flush hands what was written so far to the network.
func (in *Inbound) Flush() error { return in.conn.w.flush() }

// End ends the answer and sends what is left of it. Trailer fields need an
// answer of unknown length to an HTTP/1.1 client; else they are dropped.
func (in *Inbound) End(trailer []Field) error {
	if !in.begun {
		return errNotBegun
	}
	if err := in.out.end(trailer); err != nil {
		return err
	}
	if err := in.conn.w.flush(); err != nil {
		return err
	}
	in.ended = true
	return nil
}

// Sent counts the bytes of the answer's body that were written, without its
// framing.
func (in *Inbound) Sent() int64 { return in.out.sent }

// Keeps reports whether the connection stays open for another request.
func (in *Inbound) Keeps() bool { return in.keep }

func (in *Inbound) bodySink() *bodyWriter { return &in.out }

// Upgrade answers 101 with the fields and the protocol, and hands over the
// connection, which holds no more than the head from then on. It is closed at
// the latest when the handler returns.
func (in *Inbound) Upgrade(protocol string, fields []Field) (*Tunnel, error) {
	if in.begun || in.upgraded {
		return nil, errAnswered
	}
	c := in.conn
	c.w.statusLine(101)
	if _, err := c.w.fields(fields, endToEnd); err != nil || !isValue(bytesOf(protocol)) {
		c.w.out = c.w.out[:0]
		return nil, errField
	}
	c.w.field("Connection", "Upgrade")
	c.w.field("Upgrade", protocol)
	c.w.out = append(c.w.out, crlf...)
	if err := c.w.flush(); err != nil {
		return nil, err
	}
	in.upgraded = true
	c.w.release()
	c.server.setAside(c)
	return newTunnel(c.nc, &c.rd)
}
