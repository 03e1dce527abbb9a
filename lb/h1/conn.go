package h1

import (
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
