package lb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/proxyproto"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// Why connections are closed before anything is said on them, for metrics.
const (
	refusedByClientLimit = "connections per client"
	refusedByLimit       = "connections" // over QUIC; others wait
	refusedByProxy       = "PROXY header"
)

var (
	errNotTrusted = errors.New("the peer is not one from which PROXY headers are believed")
	// errSilent: many proxies look whether a port is open in that way.
	errSilent = errors.New("the peer said nothing")
)

// open makes an accepted connection ready for what the listener speaks: it reads
// the PROXY header if there may be one, sees to it that no client has too many
// connections, and puts TLS on top. Who was let in is to be let out with closed.
func (e *entry) open(_ context.Context, nc net.Conn) (h1.Opened, error) {
	o, err := e.letIn(nc)
	if err == nil && e.tls != nil {
		o.Conn = e.encrypted(e.addressed(o))
	}
	return o, err
}

// letIn reads the PROXY header, and counts the connection of the client.
func (e *entry) letIn(nc net.Conn) (h1.Opened, error) {
	o := h1.Opened{Conn: nc}
	peer := addrPort(nc.RemoteAddr())
	reason := refusedByProxy
	err := e.readProxyHeader(&o, nc, peer.Addr().Unmap())
	client := peer
	if err == nil {
		if o.Remote.IsValid() {
			client = o.Remote
		}
		reason, err = refusedByClientLimit, e.gate.enter(client.Addr())
	}
	if err != nil {
		e.gate.leave()
		e.turnedAway(reason, client, err)
		return h1.Opened{}, err
	}
	return o, nil
}

// closed lets a client out.
func (e *entry) closed(remote netip.AddrPort) {
	e.gate.exit(remote.Addr())
	e.gate.leave()
}

// readProxyHeader reads what the listener says may be there.
func (e *entry) readProxyHeader(o *h1.Opened, nc net.Conn, peer netip.Addr) error {
	l := &e.listener
	trusted := len(l.ProxyFrom) == 0 || slices.ContainsFunc(l.ProxyFrom, func(p netip.Prefix) bool { return p.Contains(peer) })
	switch {
	case l.Proxied == listener.ProxyNone:
		return nil
	case l.Proxied == listener.ProxyRequired && !trusted:
		return errNotTrusted
	}
	h, read, err := proxyproto.ReadHeader(nc, time.Now().Add(l.ProxyTimeout))
	switch {
	case errors.Is(err, proxyproto.ErrNoHeader) && l.Proxied != listener.ProxyRequired:
		if socket, ok := nc.(tcp.Conn); ok && len(read) > 0 {
			o.Conn = &front{Conn: socket, pending: read}
		}
		return nil
	case errors.Is(err, proxyproto.ErrNoHeader) && len(read) == 0:
		return errSilent
	case err != nil:
		return err
	}
	if trusted && h.HasAddresses() {
		o.Remote, o.Bound = h.Source, h.Destination
	}
	return nil
}

// addressed is the connection with the addresses of the PROXY header: what is
// above TLS sees no others.
func (e *entry) addressed(o h1.Opened) net.Conn {
	socket, ok := o.Conn.(tcp.Conn)
	if _, early := socket.(*front); !ok || early || !o.Remote.IsValid() {
		return o.Conn
	}
	return &front{
		Conn:   socket,
		remote: net.TCPAddrFromAddrPort(o.Remote),
		local:  net.TCPAddrFromAddrPort(o.Bound),
	}
}

// turnedAway counts a connection that was closed at once, and tells the log of
// it now and then.
func (e *entry) turnedAway(reason string, client netip.AddrPort, err error) {
	if err == errSilent { //nolint:errorlint // as readProxyHeader returns it
		return
	}
	e.count(&e.turnedAtDoor, reason)
	e.notice("connection refused", "reason", reason, "client", client.Addr().Unmap().String(), "err", err)
}

// notice logs what happens to connections, not more often than failures.
func (e *entry) notice(message string, attrs ...any) {
	silent, due := e.failures.due(failureKind{route: message + fmt.Sprint(attrs[:2]...)})
	if !due {
		return
	}
	attrs = append([]any{"listener", e.label}, attrs...)
	if silent > 0 {
		attrs = append(attrs, "more_like_this", silent)
	}
	e.log.Warn(message, attrs...)
}
