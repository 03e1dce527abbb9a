package lb

import (
	"cmp"
	"sync"
	"sync/atomic"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// TCPRouteMetrics is what was counted for one route of connections, or of
// datagrams, whose sessions are its connections then.
type TCPRouteMetrics struct {
	Network                 string // "tcp" or "udp"
	Dialect, Route, Service string
	Open                    int64
	// Connections counts all, Failures those of them that could not be passed on
	// or were cut.
	Connections, Failures uint64
	// Received and Sent are bytes from and to clients.
	Received, Sent uint64
}

// tcpCounters count the connections of one route.
type tcpCounters struct {
	open                          atomic.Int64
	total, failed, sent, received atomic.Uint64

	mu      sync.Mutex
	targets map[*target.Target]*byteCounters // if somebody wants details
}

// byteCounters count what a target was sent and has sent for one route.
type byteCounters struct{ sent, received atomic.Uint64 }

// of returns the counters of a target.
func (c *tcpCounters) of(t *target.Target) *byteCounters {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.targets == nil {
		c.targets = map[*target.Target]*byteCounters{}
	}
	if c.targets[t] == nil {
		c.targets[t] = new(byteCounters)
	}
	return c.targets[t]
}

// TCPTargetMetrics is what was counted for one target of a route of Fabio's.
type TCPTargetMetrics struct {
	Route, Service string // the service is that of the target
	Target         target.Key
	// Received and Sent are bytes from and to clients.
	Received, Sent uint64
}

// tcpTargets lists the targets of Fabio's routes of connections that were ever
// used, and forgets those that the routes have no more.
func (t *Table) tcpTargets() (all []TCPTargetMetrics) {
	for _, r := range t.TCPRoutes() {
		if r.Dialect != tags.Fabio || r.counters == nil || r.UDP {
			continue
		}
		services := servicesOf(r.Endpoints)
		kept := map[*target.Target]*byteCounters{}
		c := r.counters
		c.mu.Lock()
		for _, to := range r.Pool.Targets() {
			if bytes := c.targets[to]; bytes != nil && kept[to] == nil {
				kept[to] = bytes
				all = append(all, TCPTargetMetrics{
					r.Name, cmp.Or(services[to.Key()], r.Service), to.Key(), bytes.received.Load(), bytes.sent.Load(),
				})
			}
		}
		c.targets = kept
		c.mu.Unlock()
	}
	return all
}

// tcpMetrics are the counters of all routes of connections.
type tcpMetrics struct {
	mu     sync.Mutex
	routes map[tcpKey]*tcpCounters
}

// tcpKey tells the routes of connections of a table apart.
type tcpKey struct {
	routeKey
	network string
}

func tcpKeyOf(r *TCPRoute) tcpKey {
	network := "tcp"
	if r.UDP {
		network = "udp"
	}
	return tcpKey{routeKey{string(r.Dialect), r.Name, r.Service}, network}
}

// attach is as that of [metrics].
func (m *tcpMetrics) attach(gone, come []*TCPRoute) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.routes == nil {
		m.routes = map[tcpKey]*tcpCounters{}
	}
	kept := map[tcpKey]bool{}
	for _, r := range come {
		key := tcpKeyOf(r)
		kept[key] = true
		if m.routes[key] == nil {
			m.routes[key] = new(tcpCounters)
		}
		r.counters = m.routes[key]
		for _, v := range r.Variants() {
			v.counters = r.counters
		}
	}
	for _, r := range gone {
		if key := tcpKeyOf(r); !kept[key] {
			delete(m.routes, key)
		}
	}
}

// all lists the routes that were ever used.
func (m *tcpMetrics) all() (all []TCPRouteMetrics) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, c := range m.routes {
		if c.total.Load() == 0 {
			continue
		}
		all = append(all, TCPRouteMetrics{
			Network: key.network, Dialect: key.dialect, Route: key.route, Service: key.service,
			Open: c.open.Load(), Connections: c.total.Load(), Failures: c.failed.Load(),
			Received: c.received.Load(), Sent: c.sent.Load(),
		})
	}
	return all
}
