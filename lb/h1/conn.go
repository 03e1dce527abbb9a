package h1

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// maxDiscard and maxLinger bound what is read of a client that sends on while
	// nobody wants it.
	maxDiscard = 256 << 10
	maxLinger  = time.Second
)

// conn is a client's connection. Between requests it holds no buffers and no
// Inbound.
type conn struct {
	server        *Server
	nc            net.Conn
	tls           *tls.ConnectionState
	remote, local netip.AddrPort

	rd reader
	w  writer
	in *Inbound

	aside  atomic.Bool // a handshake or a tunnel reads, not rd: draining waits for it
	taken  bool        // see Options.Takeover
	begun  bool        // bytes of a request came
	opened bool        // see Opening
	served int         // requests
	since  time.Time   // it is there, if it must not get old

	probe  *probe // made when first needed
	probed bool
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, nc: nc, remote: addrPort(nc.RemoteAddr()), local: addrPort(nc.LocalAddr())}
	if s.options.Opening.Open == nil {
		c.speakOver(nc)
	}
	c.aside.Store(s.opensSlowly(nc))
	if s.options.Timeouts.Age > 0 {
		c.since = time.Now()
	}
	c.ctx, c.cancel = context.WithCancelCause(s.ctx)
	return c
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	if a == nil {
		return netip.AddrPort{}
	}
	parsed, _ := netip.ParseAddrPort(a.String()) // other kinds of address have none
	return parsed
}

func (c *conn) socket() *probe {
	if !c.probed {
		c.probe, c.probed = newProbe(c.nc), true
	}
	return c.probe
}

func (c *conn) serve() {
	if c.open() != nil {
		c.close()
		return
	}
	err := c.handshake()
	if err == nil && !c.speaksHTTP1() {
		if c.handOver(c.nc) { // still aside: Drain must not touch it any more
			return
		}
		err = errNotTaken
	}
	if c.aside.Store(false); c.server.draining.Load() {
		c.rd.stop.Or(stopIdle)
	}
	defer func() {
		if !c.taken {
			c.close()
		}
	}()
	for err == nil && c.serveOne() {
	}
}

// handOver offers the connection, over nc, to who speaks other protocols. If it is
// taken, nothing of it is ours any more.
func (c *conn) handOver(nc net.Conn) bool {
	take := c.server.options.Takeover
	if take == nil {
		return false
	}
	if c.taken = take(nc); c.taken {
		c.cancel(nil)
	}
	return c.taken
}

var errNotTaken = errors.New("h1: nobody speaks the protocol that was agreed on")

// speaksHTTP1 reports whether no other protocol was agreed on (RFC 7301).
func (c *conn) speaksHTTP1() bool {
	if c.tls == nil {
		return true
	}
	switch c.tls.NegotiatedProtocol {
	case "", "http/1.1", "http/1.0":
		return true
	}
	return false
}

func (c *conn) close() {
	c.cancel(net.ErrClosed)
	c.nc.Close()
	c.closed()
	c.release()
	c.rd.drop()
}

func (c *conn) handshake() error {
	nc, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	ctx := c.ctx
	if timeout := c.server.options.Timeouts.Handshake; timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	if err := nc.HandshakeContext(ctx); err != nil {
		if failed := c.server.options.HandshakeFailed; failed != nil && c.ctx.Err() == nil {
			failed(err)
		}
		return err
	}
	state := nc.ConnectionState()
	c.tls = &state
	return nil
}

// acquire takes what a request in flight needs.
func (c *conn) acquire() {
	if c.in == nil {
		c.in = c.server.inbounds.Get().(*Inbound)
	}
	c.in.Request.reset()
}

// release gives it back.
func (c *conn) release() {
	c.w.release()
	if c.in != nil {
		c.in.conn, c.in.Body.rd, c.in.out.w = nil, nil, nil
		c.server.inbounds.Put(c.in)
		c.in = nil
	}
}

// serveOne serves one request. It reports whether another one may follow.
func (c *conn) serveOne() bool {
	if c.await() != nil {
		return false
	}
	c.begun = true
	c.acquire()
	if err := c.readHead(); err != nil {
		refusal, ok := err.(*Refusal) //nolint:errorlint // never wrapped here
		switch {
		case !ok:
		case c.beginsHTTP2() && c.handOverBegun():
		default:
			c.refuse(refusal)
		}
		return false
	}
	c.served++
	c.in.start(c)
	c.server.handle(c.in)
	return c.finish()
}

// await waits until there are bytes of a request. While a client is quick it
// finds what is dear to take where it was; that of one that is not is given back.
func (c *conn) await() error {
	if len(c.rd.buffered()) > 0 {
		return nil
	}
	if c.server.draining.Load() && !c.coming() {
		return errInterrupted
	}
	c.rd.heed = stopIdle
	defer func() { c.rd.heed = 0 }()
	now := time.Now()
	var limit time.Time
	if timeout := c.server.options.Timeouts.Idle; timeout > 0 {
		limit = now.Add(timeout)
	}
	n, err := c.rd.try(c.rd.buf, now, limit)
	if errors.Is(err, errTimeout) {
		c.release()
		c.rd.drop()
		err = c.rd.await(limit)
		c.rd.buf = getSmall()
		if n = 0; err == nil {
			n = copy(c.rd.buf, c.rd.one[:])
		}
	}
	if errors.Is(err, errInterrupted) && c.coming() {
		n, err = c.awaitComing()
	}
	c.rd.w = n
	return err
}

// awaitComing waits a moment for a request that is on its way. Drain may still be
// about to set the deadline that wakes who waits.
func (c *conn) awaitComing() (n int, err error) {
	c.rd.heed = 0
	for limit := time.Now().Add(patience); ; {
		c.rd.deadline = time.Time{} // the one set is over
		n, err = c.rd.try(c.rd.buf, time.Now(), limit)
		if !errors.Is(err, errTimeout) || !time.Now().Before(limit) {
			return n, err
		}
	}
}

// coming reports whether a request was on its way already when draining began,
// and may be waited for a moment: one that lies in the socket, or the first one
// of a connection, for which it was made.
func (c *conn) coming() bool { return !c.begun || !c.socket().silent() }

// readHead reads and parses a head, the start of which was read. The error is a
// Refusal if the client should be told.
func (c *conn) readHead() error {
	limits := &c.server.options.Limits
	var limit time.Time
	for {
		n, refusal := c.in.Request.parse(c.rd.buf[:c.rd.w], limits)
		if refusal != nil {
			return refusal
		}
		if n > 0 {
			c.rd.keepHead(n)
			return nil
		}
		timeout := c.server.options.Timeouts.Header
		if timeout > 0 {
			if limit.IsZero() {
				limit = time.Now().Add(timeout)
			}
			// Never 0, which would be for ever.
			timeout = max(1, time.Until(limit))
		}
		c.rd.grow(limits.HeadBytes)
		m, err := c.rd.read(c.rd.buf[c.rd.w:], timeout)
		c.rd.w += m
		switch {
		case errors.Is(err, errTimeout):
			return errHeadSlow
		case errors.Is(err, io.EOF) && c.rd.w > c.in.Request.line:
			return errHeadCut
		case err != nil:
			return err
		}
	}
}

// refuse answers a request that is no request, and gives up the connection.
func (c *conn) refuse(refusal *Refusal) {
	if c.server.options.Refused != nil {
		const most = 200
		line := c.rd.buf[:min(c.rd.w, most)]
		c.server.options.Refused(&Refused{Refusal: refusal, Remote: c.remote, Bound: c.local, Line: line})
	}
	w := &c.w
	w.begin()
	w.statusLine(refusal.Status)
	w.out = c.server.date.append(w.out, time.Now())
	w.field("Content-Type", "text/plain; charset=utf-8")
	text := refusalText(refusal.Status)
	w.length(int64(len(text)))
	if refusal.Status == 405 {
		w.field("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
	w.field("Connection", "close")
	w.out = append(w.out, crlf...)
	if !bytes.HasPrefix(bytes.TrimPrefix(c.rd.buf[:c.rd.w], crlf), []byte("HEAD ")) {
		w.out = append(w.out, text...)
	}
	if w.flush() == nil {
		c.linger()
	}
}

func refusalText(status int) string {
	switch status {
	case 405:
		return "405 method not allowed\n"
	case 408:
		return "408 request timeout\n"
	case 414:
		return "414 URI too long\n"
	case 431:
		return "431 request header fields too large\n"
	case 501:
		return "501 not implemented\n"
	case 505:
		return "505 HTTP version not supported\n"
	}
	return "400 bad request\n"
}

// finish leaves the connection in a state fit for the next request, or for its
// end. It reports which.
func (c *conn) finish() bool {
	in := c.in
	switch {
	case in.upgraded:
		return false
	case !in.ended:
		// What was collected may go; the client sees that it is not all.
		_ = c.w.flush()
		if in.begun && in.out.mode == byClose {
			reset(c.nc) // its end would look like the answer's
		}
		return false
	case in.keep && c.discardBody():
		c.rd.restart()
		c.rest()
		return true
	case !in.Body.Done() || len(c.rd.buffered()) > 0 || !c.socket().silent():
		// To close a connection with bytes unread may take the answer back.
		c.linger()
	}
	return false
}

// rest gives back at once what is cheap to take again when the next request
// comes, so that a rush of connections that then idle does not hold it.
func (c *conn) rest() {
	if len(c.rd.buffered()) > 0 {
		return
	}
	c.w.release()
	if c.rd.raw.usable() || poison { // others need one to wait with
		c.rd.drop()
	}
}

// discardBody reads what the handler left of the request's body, which is not
// much, or Begin would not have promised to keep the connection.
func (c *conn) discardBody() bool {
	body := &c.in.Body
	if body.Done() {
		return true
	}
	limit := time.Now().Add(maxLinger)
	for {
		body.timeout = max(1, time.Until(limit))
		if _, err := body.next(); err != nil {
			return body.Done()
		}
	}
}

// linger ends our half of the connection and gives the client a while to read
// the answer and to end its own.
func (c *conn) linger() {
	if !closeWrite(c.nc) {
		return
	}
	c.rd.drop()
	buffer := getSmall()
	defer putBuffer(buffer)
	socket := socketOf(c.nc)
	if socket.SetReadDeadline(time.Now().Add(maxLinger)) != nil {
		return
	}
	for discarded := 0; discarded < maxDiscard; {
		n, err := socket.Read(buffer)
		if discarded += n; err != nil {
			return
		}
	}
}
