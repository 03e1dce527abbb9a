package h1

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"
)

// Opening is what happens to connections before and after HTTP is spoken on
// them. The zero value does nothing.
type Opening struct {
	// Open is called for each connection, in its goroutine. It may read what
	// comes before all else off it, and puts TLS on top of it where that is
	// spoken; the handshake is not its business. An error closes the connection.
	Open func(ctx context.Context, nc net.Conn) (Opened, error)
	// Closed is told of the end of each connection that was opened, but of those
	// taken over.
	Closed func(remote netip.AddrPort)
}

// Opened is a connection fit for HTTP. Addresses that are not valid stand for
// those of the connection.
type Opened struct {
	net.Conn
	Remote, Bound netip.AddrPort
}

// open makes the connection ready for its handshake.
func (c *conn) open() error {
	if c.server.options.Opening.Open == nil {
		c.opened = true
		return nil
	}
	o, err := c.server.options.Opening.Open(c.ctx, c.nc)
	if err != nil {
		return err
	}
	if o.Conn != c.nc {
		c.server.mu.Lock() // which Close holds while it looks at the connection
		c.nc = o.Conn
		c.server.mu.Unlock()
	}
	c.speakOver(o.Conn)
	if o.Remote.IsValid() && o.Bound.IsValid() {
		c.remote, c.local = o.Remote, o.Bound
	}
	c.opened = true
	return nil
}

// speakOver readies the connection for HTTP over nc.
func (c *conn) speakOver(nc net.Conn) {
	c.rd.init(nc, getSmall)
	c.w.init(nc, c.server.options.Timeouts.Write)
}

// closed tells of the end of the connection.
func (c *conn) closed() {
	if told := c.server.options.Opening.Closed; told != nil && c.opened {
		told(c.remote)
	}
}

// opensSlowly reports whether something comes before HTTP.
func (s *Server) opensSlowly(nc net.Conn) bool {
	_, encrypted := nc.(*tls.Conn)
	return encrypted || s.options.Opening.Open != nil
}

// isSpent reports whether the connection has served for long enough.
func (c *conn) isSpent() bool {
	requests, age := c.server.options.Limits.Requests, c.server.options.Timeouts.Age
	return requests > 0 && c.served >= requests || age > 0 && time.Since(c.since) >= age
}
