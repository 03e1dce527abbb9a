package lb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/lb/tcp"
	"github.com/sluiceproxy/sluice/lb/udp"
)

// udpServer passes the datagrams of a listener on. It begins no sessions once
// that is closed.
type udpServer struct {
	ctx     context.Context // of all sessions
	cancel  context.CancelFunc
	server  *Server
	entry   *entry
	relay   *udp.Relay
	running sync.WaitGroup
}

// udpIdle is how long a session may be silent if nothing is said.
const udpIdle = 3 * time.Second

func (s *Server) newUDPServer(e *entry) *udpServer {
	u := &udpServer{server: s, entry: e}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	return u
}

// Serve implements [connServer].
func (u *udpServer) Serve(l net.Listener) error {
	socket := l.(*gate).Listener.(*datagrams).take() //nolint:errcheck,forcetypeassert // as listen made it
	u.relay = udp.New(socket, udp.Options{
		Dial:        u.dial,
		Idle:        cmp.Or(u.entry.listener.IdleTimeout, udpIdle),
		MaxSessions: cmp.Or(u.entry.listener.MaxConns, u.server.options.MaxConns),
		Dropped:     func(client netip.AddrPort) { u.entry.turnedAway(refusedBySessionLimit, client, errSessionLimit) },
	})
	u.running.Go(func() { _ = u.relay.Serve() }) // until it is closed
	_, err := l.Accept()
	return err
}

// Shutdown implements [connServer].
func (u *udpServer) Shutdown(ctx context.Context) error {
	defer u.running.Wait()
	return u.relay.Drain(ctx)
}

// Close implements [connServer].
func (u *udpServer) Close() {
	u.cancel()
	u.relay.Close()
	u.running.Wait()
}

var errSessionLimit = errors.New("there are as many sessions as there may be")

// dial begins a session.
func (u *udpServer) dial(client netip.AddrPort) (udp.Target, error) {
	client = netip.AddrPortFrom(client.Addr().Unmap(), client.Port())
	p := u.server.newPassage(u.entry, client, addrPort(u.entry.address))
	p.network = "udp"
	table := u.server.table.Load()
	route, ok := (*TCPRoute)(nil), false
	if table != nil {
		route, ok = table.LookupUDP(&match.Request{
			Entrypoint: u.entry.listener.Entrypoint(), Remote: client.Addr(),
			Conn: &match.Conn{Local: addrPort(u.entry.address)},
		})
	}
	if !ok {
		return udp.Target{}, p.refuse(RefusedByNoRoute, errNoRoute)
	}
	affinity := target.HashAddr(client.Addr())
	route, to := route.choose(affinity)
	if !route.admits(client.Addr()) {
		return udp.Target{}, p.refuse(refusedByAccess, errAccess)
	}
	p.begin(route)
	pool := route.Pool
	if end := route.end.choose(); to == nil && end != nil {
		pool = end.Pool
		to = pool.Pick(affinity)
	}
	if to == nil {
		return udp.Target{}, p.end(tcp.ErrNoTarget)
	}
	nc, err := net.Dial("udp", to.Key().Address)
	if err != nil {
		return udp.Target{}, p.end(fmt.Errorf("connecting to %s: %w", to.Key(), err))
	}
	to.Begin()
	p.target, p.tries = to, 1
	ctx, done := to.Conns().(*tcp.Upstream).Use(u.ctx) //nolint:errcheck,forcetypeassert // as connect makes them
	u.entry.gate.open.Add(1)
	return udp.Target{
		UDPConn: nc.(*net.UDPConn), Context: ctx, //nolint:errcheck,forcetypeassert // of the network "udp"
		Done: func(sent, received int64, err error) {
			p.moved(sent, received)
			done()
			to.End(err != nil)
			u.observe(pool, to, sent, err)
			u.entry.gate.open.Add(-1)
			_ = p.end(err)
		},
	}, nil
}

// observe tells a pool of the end of a session. A target that answers is well; one
// that refuses, whatever it said before, is not.
func (u *udpServer) observe(p *target.Pool, t *target.Target, sent int64, err error) {
	switch {
	case err != nil && u.ctx.Err() == nil:
		if length := p.Observe(t, 0); length > 0 {
			u.server.tellEjected(p, t, length)
		}
	case sent > 0:
		p.Observe(t, tcp.Connected)
	}
}

// datagrams is the listener over a socket for datagrams. It accepts nothing, and
// waits to be closed.
type datagrams struct {
	socket *net.UDPConn
	taken  atomic.Bool
	closed chan struct{}
	close  func()
}

func listenUDP(address string) (net.Listener, error) {
	to, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUDP("udp", to)
	if err != nil {
		return nil, err
	}
	d := &datagrams{socket: socket, closed: make(chan struct{})}
	d.close = sync.OnceFunc(func() { close(d.closed) })
	return d, nil
}

// take gives the socket away.
func (d *datagrams) take() *net.UDPConn {
	d.taken.Store(true)
	return d.socket
}

// Accept implements [net.Listener].
func (d *datagrams) Accept() (net.Conn, error) {
	<-d.closed
	return nil, net.ErrClosed
}

// Close implements [net.Listener].
func (d *datagrams) Close() error {
	if d.close(); d.taken.Load() {
		return nil
	}
	return d.socket.Close()
}

// Addr implements [net.Listener].
func (d *datagrams) Addr() net.Addr { return d.socket.LocalAddr() }
