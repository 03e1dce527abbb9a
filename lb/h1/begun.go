package h1

import (
	"bytes"
	"net"
	"slices"
	"time"
)

// preface is the start of what a client sends that knows to talk HTTP/2 (RFC 9113
// §3.4). It reads like a request of HTTP/1.1 so that it is refused as one.
const preface = "PRI * HTTP/2.0\r\n"

// beginsHTTP2 reports whether the client speaks HTTP/2 without having asked. Over
// TLS it would have been agreed on.
func (c *conn) beginsHTTP2() bool {
	return c.tls == nil && c.served == 0 && bytes.HasPrefix(c.rd.buffered(), []byte(preface))
}

// handOverBegun hands over a connection of which some was read.
func (c *conn) handOverBegun() bool {
	c.server.setAside(c) // Drain must not touch it any more
	b := &begun{Conn: c.nc, pending: slices.Clone(c.rd.buffered()), remote: c.nc.RemoteAddr(), local: c.nc.LocalAddr()}
	if c.remote.IsValid() && c.local.IsValid() {
		b.remote, b.local = net.TCPAddrFromAddrPort(c.remote), net.TCPAddrFromAddrPort(c.local)
	}
	c.release()
	c.rd.drop()
	return c.nc.SetDeadline(time.Time{}) == nil && c.handOver(b)
}

// begun is a connection of which some was read already. It has the addresses by
// which it was known.
type begun struct {
	net.Conn
	pending       []byte
	remote, local net.Addr
}

// Read implements [net.Conn].
func (b *begun) Read(p []byte) (int, error) {
	if len(b.pending) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.pending)
	b.pending = b.pending[n:]
	return n, nil
}

// RemoteAddr implements [net.Conn].
func (b *begun) RemoteAddr() net.Addr { return b.remote }

// LocalAddr implements [net.Conn].
func (b *begun) LocalAddr() net.Addr { return b.local }
