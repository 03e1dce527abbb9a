package tcp

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Server accepts connections and has each served in a goroutine of its own.
type Server struct {
	serve  func(ctx context.Context, nc Conn)
	ctx    context.Context // of all connections
	cancel context.CancelFunc

	mu      sync.Mutex // for stopped, and for running to grow
	stopped bool
	running sync.WaitGroup // one for each connection
}

// NewServer returns a server that has connections served by a function, which
// closes them. Its context ends when it has to come to an end.
func NewServer(serve func(ctx context.Context, nc Conn)) *Server {
	s := &Server{serve: serve}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// keepAlive finds out within a minute that a peer is gone.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3}

// Serve accepts connections until the listener is closed. It returns nil if the
// server was stopped by then. Running out of descriptors or memory is waited
// out.
func (s *Server) Serve(l net.Listener) error {
	const longest = time.Second
	pause := 5 * time.Millisecond
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = 5 * time.Millisecond
			s.start(nc)
			continue
		case s.isStopped():
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

func (s *Server) start(nc net.Conn) {
	socket, ok := nc.(Conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || !ok {
		nc.Close()
		return
	}
	if far, ok := nc.(*net.TCPConn); ok {
		_ = far.SetKeepAliveConfig(keepAlive) // it works without
	}
	s.running.Go(func() { s.serve(s.ctx, socket) })
}

func (s *Server) isStopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// Shutdown takes no more connections and returns when none is left, or with
// ctx's error when that ends first; see Close.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
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

// Close ends all connections and returns when they have ended.
func (s *Server) Close() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.cancel()
	s.running.Wait()
}
