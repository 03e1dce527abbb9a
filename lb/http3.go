package lb

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"

	"github.com/sluiceproxy/sluice/lb/h3"
)

// listenBeside opens the socket of HTTP/3, on the port of the one for TCP. If any port
// will do, one is looked for that is free for both.
func (e *entry) listenBeside(bound net.Listener, address string) (_ net.Listener, err error) {
	_, port, _ := net.SplitHostPort(address)
	for tries := 10; ; tries-- {
		at := addrPort(bound.Addr())
		if e.datagrams, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at)); err == nil {
			return bound, nil
		}
		_ = bound.Close()
		if port != "0" || tries == 0 {
			return nil, fmt.Errorf("for HTTP/3: %w", err)
		}
		if bound, err = e.listen(address); err != nil {
			return nil, err
		}
	}
}

// startHTTP3 makes the server of HTTP/3.
func (s *Server) startHTTP3(e *entry) (err error) {
	e.http3, err = h3.NewServer(e.datagrams, s.http3Options(e))
	if err != nil {
		_ = e.datagrams.Close()
		return fmt.Errorf("listener %s: %w", e.label, err)
	}
	port := e.listener.HTTP3Port
	if port == 0 {
		port = addrPort(e.address).Port()
	}
	e.altSvc = fmt.Sprintf(`h3=":%d"; ma=2592000`, port)
	return nil
}

// http3Options are what the entry says to package h3.
func (s *Server) http3Options(e *entry) h3.Options {
	return h3.Options{
		TLS: e.tls,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.serveStream(e, w, r)
		}),
		HeadBytes: e.limits.headerBytes,
		Requests:  e.limits.requests,
		Age:       e.limits.age,
		Handshake: e.timeouts.Header,
		Idle:      e.timeouts.Idle,
		Body:      e.timeouts.Header,
		Reserve:   e.reserve,
		Enter: func(client netip.AddrPort) error {
			err := e.gate.enter(client.Addr())
			if err != nil {
				e.turnedAway(refusedByClientLimit, client, err)
			}
			return err
		},
		Exit:   func(client netip.AddrPort) { e.gate.exit(client.Addr()) },
		Failed: func(error) { e.handshakeErrors.Add(1) },
		Context: func(ctx context.Context) context.Context {
			if e.hasTLSOptions {
				ctx = context.WithValue(ctx, agreedKey{}, new(agreement))
			}
			return ctx
		},
	}
}

// reserve takes a place for a connection. Other than those over TCP it does not wait
// in a queue, so the client is told and may come by TCP.
func (e *entry) reserve(client netip.AddrPort) (release func(), err error) {
	if err := e.gate.reserve(); err != nil {
		e.turnedAway(refusedByLimit, client, err)
		return nil, err
	}
	return e.gate.leave, nil
}

// hasAlternative reports whether the client could have asked over HTTP/3: if it
// speaks TLS 1.3, without which there is none, and for as long as new connections
// are welcome.
func (x *Exchange) hasAlternative() bool {
	e := x.entry
	return e.altSvc != "" && x.TLS != nil && x.TLS.Version >= tls.VersionTLS13 && x.Protocol != protocolHTTP3 && !e.draining.Load()
}

const protocolHTTP3 = "HTTP/3.0"

// alternative tells the client of HTTP/3 (RFC 7838). What the target says of
// alternatives is of the target, which the client does not speak with.
type alternative struct {
	Reply
	value string
}

// Begin implements [Reply].
func (r *alternative) Begin(status int, h *Header, length int64) error {
	h.Set("Alt-Svc", r.value)
	return r.Reply.Begin(status, h, length)
}

// Upgrade implements [Reply].
func (r *alternative) Upgrade(protocol string, h *Header) (io.ReadWriteCloser, error) {
	h.Set("Alt-Svc", r.value)
	return r.Reply.Upgrade(protocol, h)
}
