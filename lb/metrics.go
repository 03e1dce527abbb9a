package lb

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/target"
)

// Metrics is a moment's view of what a server has counted since it was made.
type Metrics struct {
	// InFlight counts the exchanges being served, Tunnels those of them that
	// became byte tunnels.
	InFlight int64
	Tunnels  int64
	// Retries counts second tries, UpstreamErrors the tries that failed by the
	// target's fault, Panics the exchanges ended by a defect of the server.
	Retries        uint64
	UpstreamErrors uint64
	Panics         uint64
	// Late counts the exchanges given up because the time of their route was over.
	Late uint64
	// Moves counts how often a service went to another datacenter or came home, and
	// Away has the services that are away, with where they are.
	Moves uint64
	Away  map[string]string
	// Mirrored counts the copies of requests that were sent, Unmirrored those that
	// were not for want of room.
	Mirrored, Unmirrored uint64
	// Rebuilds counts the tables put in force, of which Rebuilt is when the last
	// was.
	Rebuilds uint64
	Rebuilt  time.Time
	// Routes has the routes of the table in force that were ever asked for, and
	// one entry with an empty Route for what had none.
	Routes []RouteMetrics
	// Entrypoints has one entry for each listener.
	Entrypoints []EntrypointMetrics
	// TCPRoutes has the routes of connections that were ever used.
	TCPRoutes []TCPRouteMetrics
	// Targets has the targets of the table in force.
	Targets []TargetMetrics
	// Pools has the pools of the table in force with something to tell: a member
	// that is not simply open, or a counter above 0.
	Pools []PoolMetrics
	// Breakers has the circuit breakers of the table in force.
	Breakers []BreakerMetrics
	// Services has the services that were ever asked, and RouteTargets the targets
	// of Fabio's routes, if there are details; see [ServerOptions.DetailBounds].
	Services     []ServiceMetrics
	RouteTargets []RouteTargetMetrics
	// TCPTargets has the targets of Fabio's routes of connections, likewise.
	TCPTargets []TCPTargetMetrics
	// Checked has the targets of services that have health checks, likewise.
	Checked []CheckedMetrics
}

// PoolMetrics is the state of one pool.
type PoolMetrics struct {
	Pool string
	target.PoolStats
}

// BreakerMetrics is the state of the circuit breaker of a route.
type BreakerMetrics struct {
	Dialect, Route string
	// Middleware is the name it has in the catalog.
	Middleware string
	BreakerState
}

// BreakerState is a moment's view of a circuit breaker.
type BreakerState struct {
	// Open is set while it lets nothing through, Recovering while it lets through
	// some. Trips counts how often it opened.
	Open, Recovering bool
	Trips            uint64
}

// Breaker is what a [Middleware] may also be: one that stops requests for a
// while. It is not ok if it is none after all.
type Breaker interface {
	Breaker() (state BreakerState, ok bool)
}

// allPools reads the pools of the table in force, each once.
func (t *Table) allPools() (all []PoolMetrics) {
	seen := map[string]bool{}
	for p := range pools(t.Routes(), t.TCPRoutes()...) {
		if seen[p.Name()] {
			continue
		}
		seen[p.Name()] = true
		stats := p.Stats()
		if stats != (target.PoolStats{Open: stats.Open}) {
			all = append(all, PoolMetrics{p.Name(), stats})
		}
	}
	return all
}

// breakers reads the circuit breakers of the table in force, one of a name for
// each route.
func (t *Table) breakers() (all []BreakerMetrics) {
	for _, r := range t.Routes() {
		first := len(all)
		for _, step := range r.Steps {
			if b, ok := step.middleware.(Breaker); ok {
				named := func(m BreakerMetrics) bool { return m.Middleware == step.Name }
				if state, ok := b.Breaker(); ok && !slices.ContainsFunc(all[first:], named) {
					all = append(all, BreakerMetrics{string(r.Dialect), r.Name, step.Name, state})
				}
			}
		}
	}
	return all
}

// RouteMetrics is what was counted for one route.
type RouteMetrics struct {
	Dialect, Route, Service string
	count.Counts
	Details []count.Detail
}

// EntrypointMetrics is what was counted for one listener.
type EntrypointMetrics struct {
	// Entrypoint is the listener's name, or its address if it has none, and Proto
	// what it speaks.
	Entrypoint, Proto string
	// InFlight counts the exchanges being served, Connections the open ones.
	InFlight, Connections int64
	// ConnectionWaits counts how often connections had to wait for others to end.
	ConnectionWaits uint64
	// RefusedConnections counts by reason those that were closed at once.
	RefusedConnections map[string]uint64
	// Passed counts the connections that were to be passed on, Unreached those of
	// them for which no target could be connected to.
	Passed, Unreached uint64
	// HandshakeErrors counts failed TLS handshakes.
	HandshakeErrors uint64
	// Refused counts by reason the requests that were none by the standard; they
	// are in Counts too.
	Refused map[string]uint64
	// HTTP2Errors counts by kind what clients did against HTTP/2 itself: frames
	// that are none, floods, too many resets. Nothing else counts them.
	HTTP2Errors map[string]uint64
	count.Counts
	Details []count.Detail
}

// metrics are the server's counters, but for those of entries and targets.
type metrics struct {
	tunnels                                      atomic.Int64
	retries, upstreamErrors, panics, late, moves atomic.Uint64
	rebuilds                                     atomic.Uint64
	rebuilt                                      atomic.Int64   // when the last was, in nanoseconds since 1970; 0 is never
	unrouted                                     count.Counters // for exchanges without a route
	tcp                                          tcpMetrics
	details                                      *details // nil if nobody wants them

	mu     sync.Mutex // for routes, which exchanges do not look at
	routes map[routeKey]*count.Counters
}

// routeKey tells the routes of a table apart.
type routeKey struct{ dialect, route, service string }

func keyOf(r *Route) routeKey { return routeKey{string(r.Dialect), r.Name, r.Service} }

func keys(routes []*Route) map[routeKey]bool {
	all := make(map[routeKey]bool, len(routes))
	for _, r := range routes {
		all[keyOf(r)] = true
	}
	return all
}

// attach gives the routes that come with a table, which is not in force yet,
// their counters: the same as before where there was the route before. Those
// that are gone are forgotten, so that what is exported stays bounded by the
// table.
func (m *metrics) attach(gone, come []*Route) {
	if m.details != nil {
		m.details.attach(gone, come)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range come {
		key := keyOf(r)
		if m.routes[key] == nil {
			m.routes[key] = new(count.Counters)
		}
		r.counters = m.routes[key]
	}
	kept := keys(come)
	for _, r := range gone {
		if key := keyOf(r); !kept[key] {
			delete(m.routes, key)
		}
	}
}

// observe counts a finished exchange.
func (m *metrics) observe(x *Exchange, took time.Duration) {
	c := &m.unrouted
	if x.Route != nil && x.Route.counters != nil {
		c = x.Route.counters
	}
	if x.Route == nil || !x.Route.Uncounted {
		m.count(c.Of(x.Remote.Port()), x, took)
	}
	m.count(x.entry.counters.Of(x.Remote.Port()), x, took)
}

func (m *metrics) count(s *count.Stripe, x *Exchange, took time.Duration) {
	s.Observe(x.Outcome.Status, took, x.Outcome.Received, x.Outcome.Sent)
	if m.details != nil {
		m.details.count(s, x, took)
	}
}

// countRetry counts another try of the exchange at its service.
func (m *metrics) countRetry(x *Exchange) {
	m.retries.Add(1)
	if service := x.Route.counted.service; service != nil {
		service.retries.Add(1)
	}
}

func (m *metrics) allRoutes() []RouteMetrics {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []RouteMetrics
	add := func(key routeKey, c *count.Counters) {
		if c.IsUsed() {
			all = append(all, RouteMetrics{Dialect: key.dialect, Route: key.route, Service: key.service, Counts: c.Sum(), Details: c.Details()})
		}
	}
	add(routeKey{}, &m.unrouted)
	for key, c := range m.routes {
		add(key, c)
	}
	return all
}

// inFlight counts the exchanges being served.
func (s *Server) inFlight() (n int64) {
	for _, e := range s.entries {
		n += e.counters.InFlight()
	}
	return n
}

// Metrics reads the counters.
func (s *Server) Metrics() Metrics {
	m := &s.metrics
	view := Metrics{
		InFlight:       s.inFlight(),
		Tunnels:        m.tunnels.Load(),
		Retries:        m.retries.Load(),
		UpstreamErrors: m.upstreamErrors.Load(),
		Late:           m.late.Load(),
		Moves:          m.moves.Load(),
		Away:           s.table.Load().Away(),
		Panics:         m.panics.Load(),
		Mirrored:       s.copies.sent.Load(),
		Unmirrored:     s.copies.dropped.Load(),
		Rebuilds:       m.rebuilds.Load(),
		Routes:         m.allRoutes(),
		TCPRoutes:      m.tcp.all(),
		Pools:          s.table.Load().allPools(),
		Breakers:       s.table.Load().breakers(),
	}
	if at := m.rebuilt.Load(); at > 0 {
		view.Rebuilt = time.Unix(0, at)
	}
	if m.details != nil {
		view.Services, view.RouteTargets = m.details.allServices(), m.details.allTargets()
		view.TCPTargets = s.table.Load().tcpTargets()
		view.Checked = s.table.Load().checked()
	}
	for _, e := range s.entries {
		view.Entrypoints = append(view.Entrypoints, e.metrics())
	}
	view.Targets = s.targetMetrics()
	return view
}
