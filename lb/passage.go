package lb

import (
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/accesslog"
	"github.com/sluiceproxy/sluice/lb/target"
)

// Why connections are closed without being passed on, for metrics.
const (
	RefusedByNoRoute      = "no route" // a key of [EntrypointMetrics.RefusedConnections]
	refusedByAccess       = "access"
	refusedByConnLimit    = "connections of the route per client"
	refusedByHello        = "TLS hello"
	refusedBySessionLimit = "sessions"
)

var (
	errNoRoute   = errors.New("no route matches")
	errAccess    = errors.New("the route does not let the client in")
	errConnLimit = errors.New("the client has as many connections to the route as it may have")
)

// passage is one connection, or one session of datagrams, on its way through.
type passage struct {
	server         *Server
	entry          *entry
	network        string // "tcp" or "udp"
	client, bound  netip.AddrPort
	serverName     string
	began          time.Time
	route          *TCPRoute
	target         *target.Target // the last one tried
	bytes          *byteCounters  // of that and the route; nil if nobody wants details
	tries          int
	sent, received atomic.Int64
}

func (s *Server) newPassage(e *entry, client, bound netip.AddrPort) *passage {
	return &passage{server: s, entry: e, network: "tcp", client: client, bound: bound, began: time.Now()}
}

// refuse takes note of one that is not passed on, and returns why.
func (p *passage) refuse(reason string, err error) error {
	p.entry.turnedAway(reason, p.client, err)
	p.log(err)
	return err
}

// begin counts it for a route.
func (p *passage) begin(r *TCPRoute) {
	p.route = r
	if c := r.counters; c != nil {
		c.total.Add(1)
		c.open.Add(1)
	}
}

// moved counts bytes.
func (p *passage) moved(sent, received int64) {
	p.sent.Add(sent)
	p.received.Add(received)
	if c := p.route.counters; c != nil {
		c.sent.Add(uint64(sent))
		c.received.Add(uint64(received))
	}
	if p.bytes != nil {
		p.bytes.sent.Add(uint64(sent))
		p.bytes.received.Add(uint64(received))
	}
}

// reached takes note of the target that was connected to.
func (p *passage) reached(t *target.Target) {
	if c := p.route.counters; c != nil && p.server.metrics.details != nil {
		p.bytes = c.of(t)
	}
}

// end takes note of the end, which is a failure with an error.
func (p *passage) end(err error) error {
	if c := p.route.counters; c != nil {
		c.open.Add(-1)
		if err != nil {
			c.failed.Add(1)
		}
	}
	if err != nil {
		p.entry.notice("connection failed", "route", p.route.Name, "client", p.client.Addr().Unmap().String(), "err", err)
	}
	p.log(err)
	return err
}

// log makes the line of the access log.
func (p *passage) log(err error) {
	log := p.server.options.AccessLog
	if log == nil {
		return
	}
	e := accesslog.Entry{
		Start: p.began, Duration: time.Since(p.began), Entrypoint: p.entry.label,
		Remote: p.client, Local: p.bound, Scheme: p.network, Authority: p.serverName,
		Sent: p.sent.Load(), Received: p.received.Load(), Err: err, Tries: p.tries, Retries: max(0, p.tries-1),
	}
	if r := p.route; r != nil {
		e.Route, e.Dialect, e.Service = r.Name, string(r.Dialect), r.Service
	}
	if p.target != nil {
		e.TargetScheme, e.TargetAddress = p.target.Key().Scheme, p.target.Key().Address
	}
	log.Record(&e)
}
