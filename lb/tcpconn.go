package lb

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/lb/tcp"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// tcpConn is a connection to a listener that passes them on.
type tcpConn struct {
	*passage
	socket tcp.Conn
	// nc is the socket, or what is on top of it. read is what was read of it that
	// nobody has taken yet.
	nc      tcp.Conn
	read    []byte
	table   *Table
	request match.Request
	conn    match.Conn
}

// serveTCP serves a connection to its end.
func (s *Server) serveTCP(ctx context.Context, e *entry, socket tcp.Conn) {
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	o, err := e.letIn(socket)
	if err != nil {
		socket.Close()
		return
	}
	peer := addrPort(socket.RemoteAddr())
	c := &tcpConn{passage: s.newPassage(e, peer, addrPort(socket.LocalAddr())), socket: socket, nc: socket}
	if o.Remote.IsValid() {
		c.client, c.bound = o.Remote, o.Bound
	}
	if early, ok := o.Conn.(*front); ok {
		c.nc = early
	}
	c.table = s.table.Load()
	if !c.listen(ctx) {
		c.close()
		return
	}
	route, ok := c.lookup()
	if c.speaksHTTPS(route) {
		e.http1.ServeConn(c.front()) // which lets it out
		return
	}
	defer c.close()
	c.entry.passed.Add(1)
	if !ok {
		_ = c.refuse(RefusedByNoRoute, errNoRoute)
		return
	}
	route, first := route.choose(target.HashAddr(c.client.Addr().Unmap()))
	switch {
	case !route.admits(c.client.Addr().Unmap()):
		_ = c.refuse(refusedByAccess, errAccess)
	case !route.enter(c.client.Addr().Unmap()):
		_ = c.refuse(refusedByConnLimit, errConnLimit)
	default:
		c.begin(route)
		_ = c.end(c.pass(ctx, first))
		route.leave(c.client.Addr().Unmap())
	}
}

func (c *tcpConn) close() {
	c.socket.Close()
	c.entry.closed(c.client)
}

// listen reads what the client says first, if the listener goes by that.
func (c *tcpConn) listen(ctx context.Context) bool {
	c.conn.Local = addrPort(c.socket.LocalAddr()) // what the client of a proxy has connected to is another matter
	c.request = match.Request{Entrypoint: c.entry.listener.Entrypoint(), Remote: c.client.Addr().Unmap(), Conn: &c.conn}
	proto := c.entry.listener.Proto
	switch {
	case proto == listener.ProtoTCP && c.entry.tls != nil:
		// What the client offers is not told of once it is encrypted.
		return c.peek() && c.request.TLS && c.handshake(ctx)
	case proto == listener.ProtoSNI, proto == listener.ProtoHTTPSAndSNI, proto == listener.ProtoTCP && c.table.needsHello(c.request.Entrypoint):
		return c.peek()
	}
	return true
}

// peek reads the hello of a TLS client without answering it.
func (c *tcpConn) peek() bool {
	hello, read, err := tcp.ReadHello(c.nc, time.Now().Add(c.entry.timeouts.Header))
	c.read = read
	switch {
	case err == nil:
		c.heard(hello.ServerName, hello.Protocols)
	case errors.Is(err, tcp.ErrNotTLS):
	case len(read) == 0 && errors.Is(err, os.ErrDeadlineExceeded):
		// A client that waits to be spoken to.
	case len(read) == 0:
		return false // it was only looking whether the port is open
	default:
		_ = c.refuse(refusedByHello, err)
		return false
	}
	return true
}

// heard notes what a TLS client asks for.
func (c *tcpConn) heard(serverName string, protocols []string) {
	c.serverName = serverName
	c.request.Host, c.request.TLS, c.conn.Protocols = serverName, true, protocols
}

// handshake ends TLS here.
func (c *tcpConn) handshake(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, c.entry.timeouts.Header)
	defer cancel()
	config := c.entry.passing[""]
	if route, ok := c.lookup(); ok {
		config = c.entry.passing[certs.TLSOptionsName(route.TLSOptions())]
	}
	nc := tls.Server(h1.Direct(c.front()), config)
	if err := nc.HandshakeContext(ctx); err != nil {
		c.entry.handshakeErrors.Add(1)
		return false
	}
	if nc.ConnectionState().NegotiatedProtocol == tlsconf.ChallengeProtocol {
		return false // its answer was the handshake
	}
	c.nc, c.read = nc, nil
	return true
}

// front is the connection with what was read of it before it, and with the
// addresses a PROXY header told.
func (c *tcpConn) front() *front {
	f := &front{Conn: c.socket, pending: c.unread()}
	if c.client != addrPort(c.socket.RemoteAddr()) {
		f.remote, f.local = net.TCPAddrFromAddrPort(c.client), net.TCPAddrFromAddrPort(c.bound)
	}
	return f
}

// unread is what was read of the socket that nobody has taken.
func (c *tcpConn) unread() []byte {
	if early, ok := c.nc.(*front); ok {
		return slices.Concat(c.read, early.pending)
	}
	return c.read
}

func (c *tcpConn) lookup() (*TCPRoute, bool) {
	if c.table == nil {
		return nil, false
	}
	return c.table.LookupTCP(&c.request)
}

// speaksHTTPS reports whether a connection that would have a route, or none, is
// to be served by the routes of requests. A server name that a tag of Fabio
// gives to TCP is TCP's. Of Traefik's, routers of requests that name the host go
// first, then those of connections that do, and routers of requests for any host
// before those of connections.
func (c *tcpConn) speaksHTTPS(r *TCPRoute) bool {
	switch {
	case c.entry.listener.Proto != listener.ProtoHTTPSAndSNI || !c.request.TLS:
		return false
	case r == nil:
		return true
	case r.Dialect == tags.Fabio:
		return false
	case c.table.servesHost(c.request.Host, c.request.Entrypoint):
		return true
	}
	return !match.NamesHost(r.Match, &c.request) && c.table.servesHost("", c.request.Entrypoint)
}

// servesHost reports whether there are routes for requests at a listener for a
// host by its name, or for any host.
func (t *Table) servesHost(host, entrypoint string) bool {
	return t.index.ForHost(host, func(r *match.Route) bool {
		route, ok := r.Value.(*Route)
		return ok && (len(route.Entrypoints) == 0 || slices.Contains(route.Entrypoints, entrypoint))
	})
}

// encrypt opens a connection for HTTP that has been let in already.
func (e *entry) encrypt(_ context.Context, nc net.Conn) (h1.Opened, error) {
	return h1.Opened{Conn: e.encrypted(nc)}, nil
}

// pass connects to a target, first to the given one, if any, and passes everything
// on until the end.
func (c *tcpConn) pass(ctx context.Context, first *target.Target) error {
	if c.route.Terminate && c.entry.listener.Proto != listener.ProtoTCP && !c.handshake(ctx) {
		return nil // it is counted
	}
	end := c.route.end.choose()
	if end == nil {
		return tcp.ErrNoTarget
	}
	d := tcp.Dialer{
		Timeout: c.server.options.Timeouts.Dial,
		Proxy:   c.route.proxyTo(end), Source: c.client, Bound: c.bound,
		First: first, Then: c.route.then(c.client.Addr().Unmap()),
		Ejected: func(t *target.Target, length time.Duration) { c.server.tellEjected(end.Pool, t, length) },
	}
	to, err := d.Dial(ctx, end.Pool)
	c.target, c.tries = to.Target, to.Tries
	if c.tries > 1 {
		c.server.metrics.retries.Add(1)
	}
	if err != nil {
		c.entry.unreached.Add(1)
		if !errors.Is(err, tcp.ErrNoTarget) {
			c.server.metrics.upstreamErrors.Add(uint64(c.tries))
		}
		return err
	}
	defer to.Target.End(false)
	c.reached(to.Target)
	ctx, done := to.Target.Conns().(*tcp.Upstream).Use(ctx) //nolint:errcheck,forcetypeassert // as connect makes them
	defer done()
	if early := c.early(); len(early) > 0 {
		if err := c.send(to, early); err != nil {
			to.Close()
			return err
		}
	}
	silence := c.entry.silence(c.server)
	err = tcp.Join(ctx, c.nc, to.Conn, tcp.Limits{
		Idle: silence, Half: halfOf(to.Target, silence), Stall: c.entry.listener.WriteTimeout,
		Splices: c.server.splices, Moved: c.moved,
	})
	return blamed(err)
}

// halfOf is how long a direction may be silent after the other one has ended.
func halfOf(t *target.Target, silence time.Duration) time.Duration {
	switch own := t.Key().Transport.Conns().Termination; {
	case own < 0:
		return silence
	case own > 0:
		return own
	}
	return halfSilence
}

// early takes what was read before, so that sockets can be joined by the kernel.
func (c *tcpConn) early() []byte {
	if _, encrypted := c.nc.(*tls.Conn); encrypted {
		return nil
	}
	early := c.unread()
	c.nc, c.read = c.socket, nil
	return early
}

func (c *tcpConn) send(to net.Conn, early []byte) error {
	if err := to.SetWriteDeadline(time.Now().Add(c.server.options.Timeouts.Dial)); err != nil {
		return err
	}
	n, err := to.Write(early)
	c.moved(0, int64(n))
	return err
}

// silence is how long connections may be silent. What Fabio has as the time a
// client may say nothing (rt) is taken for the same: who only listens is not cut
// off.
func (e *entry) silence(s *Server) time.Duration {
	return cmp.Or(e.listener.IdleTimeout, e.listener.ReadTimeout, s.options.Timeouts.Tunnel)
}

// blamed leaves out what is nobody's failure: that either end has gone, or that
// nothing was said any more.
func blamed(err error) error {
	if errors.Is(err, tcp.ErrStalled) || errors.Is(err, tcp.ErrDeparted) {
		return err
	}
	return nil
}
