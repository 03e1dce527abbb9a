package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what a [Relay] needs to know.
type Options struct {
	// Dial connects a new session of a client to a target; an error drops the
	// datagram. It must not take long: all clients wait.
	Dial func(client netip.AddrPort) (Target, error)
	// Idle is how long a session may be silent.
	Idle time.Duration
	// MaxSessions bounds the sessions of all clients. The datagrams of further
	// ones are dropped, of which Dropped is told.
	MaxSessions int
	Dropped     func(client netip.AddrPort)
}

// Target is where the datagrams of a session go.
type Target struct {
	*net.UDPConn
	// Context ends the session when it ends.
	Context context.Context
	// Done, if not nil, is told of the end of the session: how many bytes the
	// client was sent, how many came from it, and why it ended if that was the
	// target's fault.
	Done func(sent, received int64, err error)
}

// Relay is a socket that serves sessions.
type Relay struct {
	socket  *net.UDPConn
	options Options

	mu       sync.Mutex
	sessions map[netip.AddrPort]*session
	closed   bool
	running  sync.WaitGroup // one for each session
}

// New returns a relay on a socket, which is its own from now on.
func New(socket *net.UDPConn, o Options) *Relay {
	return &Relay{socket: socket, options: o, sessions: map[netip.AddrPort]*session{}}
}

// maxDatagram is more than any has.
const maxDatagram = 64 << 10

// Serve passes datagrams on until the relay is closed, and returns nil then.
func (r *Relay) Serve() error {
	buffer := make([]byte, maxDatagram)
	for {
		n, client, err := r.socket.ReadFromUDPAddrPort(buffer)
		switch {
		case err == nil:
			r.pass(client, buffer[:n])
		case errors.Is(err, net.ErrClosed):
			return nil
			// Other errors are of datagrams sent before, whose clients are gone.
		}
	}
}

// pass hands a datagram to the session of its client.
func (r *Relay) pass(client netip.AddrPort, datagram []byte) {
	s := r.session(client)
	if s == nil {
		return
	}
	s.touch()
	if _, err := s.target.Write(datagram); err != nil {
		s.end(err)
		return
	}
	s.received.Add(int64(len(datagram)))
}

// session finds the session of a client, or begins one.
func (r *Relay) session(client netip.AddrPort) *session {
	r.mu.Lock()
	s, full := r.sessions[client], len(r.sessions) >= r.options.MaxSessions
	r.mu.Unlock()
	if s != nil {
		return s
	}
	if full {
		r.options.Dropped(client)
		return nil
	}
	target, err := r.options.Dial(client) // only Serve begins sessions
	if err != nil {
		return nil
	}
	s = &session{relay: r, client: client, target: target}
	s.touch()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		s.target.Close()
		s.done(nil)
		return nil
	}
	r.sessions[client] = s
	r.running.Go(s.run)
	return s
}

// Sessions is the number of sessions.
func (r *Relay) Sessions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions)
}

// Drain begins no more sessions and returns when the last one has ended, or with
// ctx's error when that ends first. Nothing more comes from clients: sessions
// end when their targets have answered and are silent.
func (r *Relay) Drain(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	defer context.AfterFunc(ctx, r.Close)()
	r.running.Wait()
	r.Close()
	return ctx.Err()
}

// Close ends all sessions and returns when they have ended.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	for _, s := range r.sessions {
		s.target.Close()
	}
	r.mu.Unlock()
	r.socket.Close()
	r.running.Wait()
}

// session is what a client and a target have to say to each other.
type session struct {
	relay  *Relay
	client netip.AddrPort
	target Target

	until          atomic.Int64 // Unix nanoseconds
	sent, received atomic.Int64

	mu  sync.Mutex
	err error // why it was ended
}

func (s *session) touch() {
	s.until.Store(time.Now().Add(s.relay.options.Idle).UnixNano())
}

// end ends the session from outside.
func (s *session) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && !errors.Is(err, net.ErrClosed) {
		s.err = err
	}
	s.target.Close()
}

// run passes the target's datagrams on until the session is over.
func (s *session) run() {
	stop := context.AfterFunc(s.target.Context, func() { s.target.Close() })
	err := s.copy()
	stop()
	s.target.Close()
	s.relay.mu.Lock()
	delete(s.relay.sessions, s.client)
	s.relay.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.done(s.err)
}

func (s *session) done(err error) {
	if s.target.Done != nil {
		s.target.Done(s.sent.Load(), s.received.Load(), err)
	}
}

var buffers = sync.Pool{New: func() any { return new([maxDatagram]byte) }}

// copy returns nil when the session was silent for too long or was ended, and
// an error if the target does not listen.
func (s *session) copy() error {
	for {
		until := time.Unix(0, s.until.Load())
		if !time.Now().Before(until) {
			return nil
		}
		err := s.target.SetReadDeadline(until)
		if err == nil {
			err = s.answer()
		}
		var timeout net.Error
		switch {
		case err == nil:
			s.touch()
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.As(err, &timeout) && timeout.Timeout():
			// Unless the client has said something meanwhile, it is over.
		default:
			return err
		}
	}
}

// answer passes one datagram on.
func (s *session) answer() error {
	if err := wait(s.target.UDPConn); err != nil {
		return err
	}
	buffer := buffers.Get().(*[maxDatagram]byte) //nolint:errcheck,forcetypeassert // as New makes them
	defer buffers.Put(buffer)
	n, err := s.target.Read(buffer[:])
	if err != nil {
		return err
	}
	m, _ := s.relay.socket.WriteToUDPAddrPort(buffer[:n], s.client) // a client that is gone is silent
	s.sent.Add(int64(m))
	return nil
}
