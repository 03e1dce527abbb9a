package lb

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// gate lets connections in up to the limits of its listener and of the server.
// When either is reached it accepts one connection more and leaves all others in
// the queue of the kernel, until one ends: a burst has to wait, and is not cut.
// A client at its own limit has its connections closed at once.
type gate struct {
	net.Listener
	// own and total hold an element for each connection; nil is no limit.
	own, total chan struct{}
	perClient  int // 0 is no limit
	// full is told when connections begin to wait.
	full func()

	closed chan struct{}
	close  func()

	mu      sync.Mutex
	clients map[netip.Prefix]int // only if there is a limit

	open, waits atomic.Int64
}

func newGate(l net.Listener, most int, total chan struct{}, perClient int, full func()) *gate {
	g := &gate{Listener: l, total: total, perClient: perClient, full: full, closed: make(chan struct{})}
	if most > 0 {
		g.own = make(chan struct{}, most)
	}
	if perClient > 0 {
		g.clients = map[netip.Prefix]int{}
	}
	g.close = sync.OnceFunc(func() { close(g.closed) })
	return g
}

// Accept implements [net.Listener]. Each connection is to be given back with
// leave.
func (g *gate) Accept() (net.Conn, error) {
	nc, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for _, slots := range []chan struct{}{g.own, g.total} {
		if slots != nil && !g.take(slots) {
			nc.Close()
			return nil, net.ErrClosed
		}
	}
	g.open.Add(1)
	return nc, nil
}

// take takes a slot as soon as there is one, unless the gate is closed before.
func (g *gate) take(slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	default:
	}
	g.waits.Add(1)
	g.full()
	select {
	case slots <- struct{}{}:
		return true
	case <-g.closed:
		return false
	}
}

var errFull = errors.New("as many connections are open as may be")

// reserve takes what Accept does, for a connection that cannot wait.
func (g *gate) reserve() error {
	var taken []chan struct{}
	for _, slots := range []chan struct{}{g.own, g.total} {
		if slots == nil {
			continue
		}
		select {
		case slots <- struct{}{}:
			taken = append(taken, slots)
		default:
			for _, slots := range taken {
				<-slots
			}
			return errFull
		}
	}
	g.open.Add(1)
	return nil
}

// Close implements [net.Listener].
func (g *gate) Close() error {
	g.close()
	return g.Listener.Close()
}

// leave gives back what Accept took.
func (g *gate) leave() {
	g.open.Add(-1)
	for _, slots := range []chan struct{}{g.total, g.own} {
		if slots != nil {
			<-slots
		}
	}
}

var errClientLimit = errors.New("the client has as many connections as it may have")

// enter counts a connection of a client, if it may have one more; exit takes it
// off again.
func (g *gate) enter(client netip.Addr) error {
	if g.perClient == 0 || !client.IsValid() { // a socket's have none
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	key := clientKey(client)
	if g.clients[key] >= g.perClient {
		return errClientLimit
	}
	g.clients[key]++
	return nil
}

func (g *gate) exit(client netip.Addr) {
	if g.perClient == 0 || !client.IsValid() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	key := clientKey(client)
	if g.clients[key]--; g.clients[key] == 0 {
		delete(g.clients, key)
	}
}

// clientKey tells clients apart: by address, or by the network of 64 bits that a
// client with an IPv6 address has for itself.
func clientKey(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	if client.Is6() {
		prefix, _ := client.Prefix(64) // never fails
		return prefix
	}
	return netip.PrefixFrom(client, client.BitLen())
}
