package lb

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/h3"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// entry is a listener at work. Its connections are those of conns; if that is
// http1, it hands the ones that speak HTTP/2 to http2.
type entry struct {
	listener listener.Listener
	timeouts Timeouts
	limits   limits
	tls      *tls.Config   // nil without TLS
	passing  certs.Configs // of connections that are passed on; nil without TLS or such
	sniHost  bool          // see listener.SNIHostMode: the name in the handshake is the only host
	gate     *gate         // over the socket bound
	address  net.Addr      // of the socket
	// hasTLSOptions is set if connections have to remember by which TLS options they
	// were opened.
	hasTLSOptions bool
	label         string       // see labelOf
	draining      *atomic.Bool // the server's
	log           *slog.Logger
	failures      *failureLog

	// redirectPort is where all exchanges are redirected to; empty if none is.
	redirectPort string

	accepted chan struct{} // closed when no more are

	conns    connServer
	http1    *h1.Server // nil unless HTTP is spoken, as are:
	http2    *http.Server
	handover *handover

	datagrams *net.UDPConn // beside the socket, nil unless HTTP/3 is spoken
	http3     *h3.Server   // nil unless it works
	altSvc    string       // what tells clients of it

	counters        count.Counters
	handshakeErrors atomic.Uint64
	// passed counts connections that were to be passed on, unreached those of them
	// for which no target could be connected to.
	passed, unreached atomic.Uint64

	mu           sync.Mutex
	refusedKind  map[string]uint64 // requests, by reason
	turnedAtDoor map[string]uint64 // connections, by reason
	http2Errors  map[string]uint64 // by kind
}

// labelOf is what logs and metrics call a listener bound to an address: its
// name, or the address as configured if it has none, which tells it apart.
func labelOf(l listener.Listener, bound net.Addr) string {
	if strings.HasSuffix(l.Address, ":0") {
		return cmp.Or(l.Name, bound.String())
	}
	return cmp.Or(l.Name, l.Address)
}

func (e *entry) countRefused(reason string) { e.count(&e.refusedKind, reason) }

func (e *entry) count(kinds *map[string]uint64, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if *kinds == nil {
		*kinds = map[string]uint64{}
	}
	(*kinds)[reason]++
}

func (e *entry) metrics() EntrypointMetrics {
	m := EntrypointMetrics{
		Entrypoint: e.label, Proto: e.listener.Proto, InFlight: e.counters.InFlight(), Counts: e.counters.Sum(), Details: e.counters.Details(),
		Connections: e.gate.open.Load(), ConnectionWaits: uint64(e.gate.waits.Load()),
		HandshakeErrors: e.handshakeErrors.Load(), Passed: e.passed.Load(), Unreached: e.unreached.Load(),
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	m.Refused, m.RefusedConnections, m.HTTP2Errors = maps.Clone(e.refusedKind), maps.Clone(e.turnedAtDoor), maps.Clone(e.http2Errors)
	return m
}

// start makes the servers of the entry. The context ends what still runs on
// HTTP/2 when the server stops for good.
func (e *entry) start(ctx context.Context, s *Server) error {
	e.accepted = make(chan struct{})
	if e.conns != nil && !e.listener.IsHTTP() {
		return nil
	}
	o := e.http1Options(s)
	e.http2, e.handover = s.newHTTP2Server(ctx, e), newHandover(e.address)
	o.Takeover = e.handover.take
	e.http1 = h1.NewServer(o, func(in *h1.Inbound) { s.serveHTTP1(e, in) })
	if e.conns == nil {
		e.conns = e.http1
	}
	if e.datagrams == nil {
		return nil
	}
	return s.startHTTP3(e)
}

// accept accepts connections until the entry is stopped.
func (e *entry) accept(s *Server) error {
	defer close(e.accepted)
	err := e.conns.Serve(e.gate)
	if err == nil || errors.Is(err, net.ErrClosed) && s.draining.Load() {
		return nil
	}
	return fmt.Errorf("accepting on %s: %w", e.address, err)
}

// stop ends the entry's servers when what is in flight is over, or with ctx.
func (e *entry) stop(ctx context.Context) error {
	if e.http3 == nil {
		return e.stopConns(ctx)
	}
	shut := make(chan error, 1)
	go func() { shut <- e.http3.Shutdown(ctx) }()
	return errors.Join(e.stopConns(ctx), <-shut)
}

// stopConns accepts what waits to be accepted, for the clients know nothing of a
// stop, then no more, and waits for what is in flight, or for ctx.
func (e *entry) stopConns(ctx context.Context) error {
	const most = time.Second // the gate may be full
	for began := time.Now(); h1.Backlog(e.gate.Listener) && time.Since(began) < most; {
		time.Sleep(time.Millisecond)
	}
	e.gate.Close()
	<-e.accepted
	if e.http2 == nil {
		return e.conns.Shutdown(ctx)
	}
	shut := make(chan error, 1)
	go func() { shut <- e.http2.Shutdown(ctx) }() // tells clients at once, not behind the last of HTTP/1.1
	err := e.conns.Shutdown(ctx)
	e.handover.release()
	return errors.Join(err, e.http2.Shutdown(ctx), <-shut) // and those handed over meanwhile
}

// cut ends what is in flight.
func (e *entry) cut() {
	e.conns.Close()
	if e.http2 != nil {
		_ = e.http2.Close()
	}
	if e.http3 != nil {
		e.http3.Close()
	}
}

// close gives up the sockets of an entry that was not started.
func (e *entry) close() {
	_ = e.gate.Close()
	if e.datagrams != nil {
		_ = e.datagrams.Close()
	}
}
