package h3

import (
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// connKey is of the connection in its context.
type connKey struct{}

// conn is a connection. It has a server of its own, so that it can be told to end
// without the others.
type conn struct {
	server   *Server
	unproven atomic.Bool // whether it counts as such
	accepted atomic.Bool

	// What follows is set when the handshake is over.
	quic   *quic.Conn
	client netip.AddrPort // as it was then
	http   *http3.Server
	since  time.Time

	mu       sync.Mutex
	requests int // ever
	serving  int // at the moment
	retiring bool
	over     bool // so that nothing begins any more
	ending   sync.WaitGroup
	quiet    *time.Timer // runs while no request is served
}

// prove takes note that the client's address is its own, or that it does not
// matter any more.
func (c *conn) prove() {
	if c.unproven.CompareAndSwap(true, false) {
		c.server.unproven.Add(-1)
	}
}

func (c *conn) prepare() {
	o := &c.server.options
	c.http = &http3.Server{Handler: c, MaxHeaderBytes: o.HeadBytes}
	c.since = time.Now()
	c.quiet = time.AfterFunc(o.Idle, c.rest)
}

// serve serves requests until the connection is closed, by whichever side.
func (c *conn) serve() {
	_ = c.http.ServeQUICConn(c.quic) // of what it fails the client knows
	_ = c.quic.CloseWithError(noError, "")
	c.mu.Lock()
	c.over = true
	c.quiet.Stop()
	c.mu.Unlock()
	c.ending.Wait()
}

// rest ends a connection that has had no request for long: at first it tells the
// client, which may have sent one meanwhile. A request whose head does not become
// complete is none.
func (c *conn) rest() {
	c.mu.Lock()
	over := c.retiring && c.serving == 0
	c.mu.Unlock()
	if over {
		_ = c.quic.CloseWithError(noError, "")
		return
	}
	c.retire()
}

// retire tells the client to send no more requests here, and has the connection
// closed when those it has sent are answered.
func (c *conn) retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retiring || c.over {
		return
	}
	c.retiring = true
	if c.serving == 0 {
		c.quiet.Reset(c.lingering())
	}
	c.ending.Go(func() {
		_ = c.http.Shutdown(c.quic.Context()) // returns when the connection is closed
	})
}

// lingering is long enough for what is on its way to be sent once more.
func (c *conn) lingering() time.Duration {
	return max(lingering, 4*c.quic.ConnectionStats().SmoothedRTT)
}

// ServeHTTP implements [http.Handler].
func (c *conn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer c.leave()
	if last := c.enter(); last {
		c.retire()
	}
	w, refused := usual(w, r, c.server.options.Body)
	if refused != 0 {
		w.WriteHeader(refused)
		return
	}
	c.server.options.Handler.ServeHTTP(w, r)
	// Else an answer without a body would be given a length of 0, which is wrong for
	// those to HEAD.
	_ = http.NewResponseController(w).Flush()
}

// enter counts a request, and says whether it should be the connection's last.
func (c *conn) enter() (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving++
	c.requests++
	c.quiet.Stop()
	o := &c.server.options
	return o.Requests > 0 && c.requests >= o.Requests || o.Age > 0 && time.Since(c.since) >= o.Age
}

func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.serving--; c.serving > 0 || c.over {
		return
	}
	if c.retiring {
		c.quiet.Reset(c.lingering())
	} else {
		c.quiet.Reset(c.server.options.Idle)
	}
}
