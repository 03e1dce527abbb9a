package h1

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what a [Server] needs to know.
type Options struct {
	Limits   Limits
	Timeouts Timeouts
	Opening  Opening
	// Refused, if not nil, is told of each request that was refused before it got
	// to the handler. What it is given is valid until it returns.
	Refused func(*Refused)
	// HandshakeFailed, if not nil, is told of each TLS handshake that failed.
	HandshakeFailed func(error)
	// Takeover, if not nil, is offered each connection on which another protocol
	// than HTTP/1.1 is spoken: by what was agreed in the TLS handshake, or without
	// TLS by HTTP/2's preface. It reports whether it took it: the connection is its
	// own then, to serve and to close. Else it is closed.
	Takeover func(net.Conn) bool
}

// Timeouts bound the waits of a server. 0 means none.
type Timeouts struct {
	// Handshake is for TLS.
	Handshake time.Duration
	// Header is for a whole head, from its first byte.
	Header time.Duration
	// Body is how long a body may not advance.
	Body time.Duration
	// Write is how long a client may not take any of an answer. A wait may last
	// an eighth longer.
	Write time.Duration
	// Idle is how long a connection may wait for the first byte of a request.
	Idle time.Duration
	// Age is after how long the answer that is due closes the connection.
	Age time.Duration
}

// DefaultOptions are limits and timeouts fit for a server on the internet.
func DefaultOptions() Options {
	return Options{Limits: DefaultLimits(), Timeouts: Timeouts{
		Handshake: 10 * time.Second,
		Header:    10 * time.Second,
		Body:      30 * time.Second,
		Write:     time.Minute,
		Idle:      2 * time.Minute,
	}}
}

// Refused is a request that did not get to the handler.
type Refused struct {
	Refusal       *Refusal
	Remote, Bound netip.AddrPort
	// Line is the start of the head as it came, for a log that escapes it.
	Line []byte
}

// Server serves HTTP/1.1 on connections it is given.
type Server struct {
	options  Options
	handle   func(*Inbound)
	date     dateField
	inbounds sync.Pool

	ctx    context.Context // of all connections
	cancel context.CancelFunc

	draining atomic.Bool
	mu       sync.Mutex // for conns, and for draining to become true
	conns    map[*conn]struct{}
	running  sync.WaitGroup // one for each of conns
}

// NewServer returns a server that has requests answered by handle, which is
// called in the connection's goroutine and must not panic.
func NewServer(o Options, handle func(*Inbound)) *Server {
	s := &Server{options: o, handle: handle, conns: map[*conn]struct{}{}}
	s.inbounds.New = func() any { return new(Inbound) }
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Serve accepts connections until the listener is closed, and serves each in a
// goroutine of its own. It returns nil if the server is draining by then.
// Running out of descriptors or memory is waited out.
//
// To drop no connection that a client believes to be made, close the listener
// when it has no [Backlog], and Shutdown when Serve has returned.
func (s *Server) Serve(l net.Listener) error {
	const longest = time.Second
	pause := 5 * time.Millisecond
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = 5 * time.Millisecond
			if c := s.track(nc); c != nil { // before Serve can return
				go s.serve(c)
			}
			continue
		case s.draining.Load():
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		}
		select {
		case <-s.ctx.Done():
			return nil
		case <-time.After(pause):
			pause = min(2*pause, longest)
		}
	}
}

// ServeConn serves one connection, plain or TLS, until its end.
func (s *Server) ServeConn(nc net.Conn) {
	if c := s.track(nc); c != nil {
		s.serve(c)
	}
}

func (s *Server) serve(c *conn) {
	defer s.forget(c)
	c.serve()
}

// track takes a connection on, or closes it and returns nil.
func (s *Server) track(nc net.Conn) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		nc.Close()
		return nil
	}
	c := newConn(s, nc)
	s.conns[c] = struct{}{}
	s.running.Add(1)
	return c
}

// Conns tells how many connections are open.
func (s *Server) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.running.Done()
}

// Drain has connections closed as soon as no request is in flight on them: idle
// ones now, new ones if no request comes in a moment, others behind their answer.
func (s *Server) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining.Store(true)
	for c := range s.conns {
		if !c.aside.Load() {
			c.rd.interrupt(stopIdle)
		}
	}
}

// setAside keeps Drain from a connection. What it did before, newTunnel undoes.
func (s *Server) setAside(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.aside.Store(true)
}

// Shutdown drains and returns when no connection is left, or with ctx's error
// when that ends first. Connections then go on; see Close.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close cuts what is in flight, upgraded connections too, and returns when all
// connections have ended.
func (s *Server) Close() {
	s.Drain()
	s.cancel()
	s.mu.Lock()
	for c := range s.conns {
		c.nc.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}
