package h3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// Server serves what comes to a socket, each connection and each request in a
// goroutine of its own.
type Server struct {
	options   Options
	socket    net.PacketConn
	transport *quic.Transport
	listener  *quic.Listener
	unproven  atomic.Int64 // connections whose client's address may be forged

	running sync.WaitGroup // one for each connection, and one for Serve

	mu       sync.Mutex
	conns    map[*conn]bool
	stopping bool
	empty    chan struct{} // closed by leave when there are no conns and it is stopping
	leave    func()
}

var errStopping = errors.New("the server is about to stop")

// NewServer begins to listen on a socket, which is the server's from then on unless
// it fails. Serve has to be called.
func NewServer(socket net.PacketConn, o Options) (*Server, error) {
	s := &Server{options: o, socket: socket, conns: map[*conn]bool{}, empty: make(chan struct{})}
	s.leave = sync.OnceFunc(func() { close(s.empty) })
	s.transport = &quic.Transport{
		Conn:                socket,
		VerifySourceAddress: func(net.Addr) bool { return s.unproven.Load() >= unproven },
		ConnContext:         s.begin,
	}
	var err error
	if s.listener, err = s.transport.Listen(http3.ConfigureTLSConfig(o.TLS), o.quicConfig()); err != nil {
		return nil, fmt.Errorf("HTTP/3: %w", err)
	}
	s.running.Add(1)
	return s, nil
}

// begin takes a place for a connection, or has it refused.
func (s *Server) begin(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	if s.isStopping() {
		return nil, errStopping
	}
	release, err := s.options.Reserve(addrPort(info.RemoteAddr))
	if err != nil {
		return nil, err
	}
	c := &conn{server: s}
	if !info.AddrVerified {
		s.unproven.Add(1)
		c.unproven.Store(true)
	}
	context.AfterFunc(ctx, func() {
		defer release()
		if c.prove(); !c.accepted.Load() && !s.isStopping() {
			s.options.Failed(context.Cause(ctx))
		}
	})
	return context.WithValue(s.options.Context(ctx), connKey{}, c), nil
}

// Serve accepts connections until Shutdown or Close. It returns nil then, and an
// error if it cannot go on.
func (s *Server) Serve() error {
	defer s.running.Done()
	for {
		qc, err := s.listener.Accept(context.Background())
		switch {
		case errors.Is(err, quic.ErrServerClosed):
			return nil
		case err != nil:
			return fmt.Errorf("HTTP/3: %w", err)
		}
		s.accept(qc)
	}
}

// accept serves a connection whose handshake is over, if the client may come in.
func (s *Server) accept(qc *quic.Conn) {
	c := qc.Context().Value(connKey{}).(*conn) //nolint:errcheck,forcetypeassert // as begin put it there
	c.accepted.Store(true)
	c.prove()
	c.quic, c.client = qc, addrPort(qc.RemoteAddr())
	if s.options.Enter(c.client) != nil {
		_ = qc.CloseWithError(excessiveLoad, "too many connections")
		return
	}
	c.prepare()
	s.mu.Lock()
	s.conns[c] = true
	stopping := s.stopping
	s.mu.Unlock()
	s.running.Go(func() {
		defer s.left(c)
		c.serve()
	})
	if stopping {
		c.retire()
	}
}

func (s *Server) left(c *conn) {
	s.options.Exit(c.client)
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.conns, c); s.stopping && len(s.conns) == 0 {
		s.leave()
	}
}

func (s *Server) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// Shutdown refuses new connections, tells clients to go elsewhere (GOAWAY), and
// returns when all requests are answered and all connections closed, or with ctx's
// error when that ends first.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, c := range s.stop() {
		c.retire()
	}
	select {
	case <-s.empty:
	case <-ctx.Done():
		return ctx.Err()
	}
	// From now on nobody is there to refuse connections, so they are left without a
	// word: this is for the end.
	_ = s.listener.Close()
	left := make(chan struct{})
	go func() {
		defer close(left)
		s.running.Wait() // with what has become a connection meanwhile
	}()
	select {
	case <-left:
		s.release()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close cuts all connections and returns when nothing of the server is left.
func (s *Server) Close() {
	_ = s.listener.Close()
	for _, c := range s.stop() {
		_ = c.quic.CloseWithError(noError, "")
	}
	s.running.Wait()
	s.release()
}

func (s *Server) release() {
	_ = s.transport.Close()
	_ = s.socket.Close()
}

// stop has no connection go on for longer than it must, and returns those there
// are.
func (s *Server) stop() (all []*conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	if len(s.conns) == 0 {
		s.leave()
	}
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

func addrPort(a net.Addr) netip.AddrPort {
	if udp, ok := a.(*net.UDPAddr); ok {
		addr := udp.AddrPort()
		return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	}
	return netip.AddrPort{}
}
