package lb

import (
	"net"
	"sync"
)

// handover is a listener whose connections are those it is given, until it is
// released. A server of net/http that is shut down closes its listener at once,
// which is too soon: who hands over may be about to.
type handover struct {
	conns    chan net.Conn
	released chan struct{}
	release  func()
	addr     net.Addr
}

func newHandover(addr net.Addr) *handover {
	h := &handover{conns: make(chan net.Conn), released: make(chan struct{}), addr: addr}
	h.release = sync.OnceFunc(func() { close(h.released) })
	return h
}

// take hands on a connection, unless the listener was released.
func (h *handover) take(nc net.Conn) bool {
	select {
	case h.conns <- nc:
		return true
	case <-h.released:
		return false
	}
}

// Accept implements [net.Listener].
func (h *handover) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.released:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]. It does nothing; see release.
func (h *handover) Close() error { return nil }

// Addr implements [net.Listener].
func (h *handover) Addr() net.Addr { return h.addr }
