package tcp

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"strconv"
	"sync"
)

// Ports is a listener on a changing set of ports of one host.
type Ports struct {
	host     string
	accepted chan net.Conn
	closed   chan struct{}

	mu       sync.Mutex
	open     map[uint16]net.Listener
	isClosed bool
	running  sync.WaitGroup // one for each of open
}

// NewPorts returns a listener on no ports. An empty host is all addresses.
func NewPorts(host string) *Ports {
	return &Ports{host: host, accepted: make(chan net.Conn), closed: make(chan struct{}), open: map[uint16]net.Listener{}}
}

// Set opens and closes ports until exactly those are open that can be. The
// connections of a port that is closed go on. The errors are by port.
func (p *Ports) Set(wanted map[uint16]bool) map[uint16]error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isClosed {
		return nil
	}
	for port, l := range p.open {
		if !wanted[port] {
			l.Close()
			delete(p.open, port)
		}
	}
	errs := map[uint16]error{}
	for port := range wanted {
		if p.open[port] != nil {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort(p.host, strconv.Itoa(int(port))))
		if err != nil {
			errs[port] = fmt.Errorf("listening on port %d: %w", port, err)
			continue
		}
		p.open[port] = l
		p.running.Go(func() { p.accept(l) })
	}
	return errs
}

// Open is the set of ports that are open.
func (p *Ports) Open() map[uint16]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	open := map[uint16]bool{}
	for port := range maps.Keys(p.open) {
		open[port] = true
	}
	return open
}

func (p *Ports) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// What is short will be short for the other ports, too: whoever accepts
			// should wait.
			select {
			case p.accepted <- failure{err: err}:
				continue
			case <-p.closed:
				return
			}
		}
		select {
		case p.accepted <- nc:
		case <-p.closed:
			nc.Close()
			return
		}
	}
}

// failure is an error in the place of a connection.
type failure struct {
	net.Conn
	err error
}

// Accept implements [net.Listener].
func (p *Ports) Accept() (net.Conn, error) {
	select {
	case nc := <-p.accepted:
		if f, ok := nc.(failure); ok {
			return nil, f.err
		}
		return nc, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *Ports) Close() error {
	p.mu.Lock()
	if p.isClosed {
		p.mu.Unlock()
		return nil
	}
	p.isClosed = true
	close(p.closed)
	for _, l := range p.open {
		l.Close()
	}
	clear(p.open)
	p.mu.Unlock()
	p.running.Wait()
	return nil
}

// Addr implements [net.Listener]: it has no port.
func (p *Ports) Addr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(p.host)} }
