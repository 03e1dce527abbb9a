package lb

import (
	"iter"
	"sync"
	"sync/atomic"
	"time"
)

// durationBounds are the upper bounds of the buckets of [RouteMetrics.Buckets]
// in seconds; one more bucket has no bound.
var durationBounds = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

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
	// Rebuilds counts the tables put in force.
	Rebuilds uint64
	// Routes has the routes of the table in force that were ever asked for, and
	// one entry with an empty Route for what had none.
	Routes []RouteMetrics
}

// RouteMetrics is what was counted for one route.
type RouteMetrics struct {
	Dialect, Route, Service string
	// Classes counts answers by the first digit of their status: 1 to 5.
	Classes [6]uint64
	// Buckets counts durations up to each of Bounds, in seconds and not
	// cumulated, and last those beyond.
	Bounds  []float64
	Buckets []uint64
	// Seconds is the sum of all durations.
	Seconds float64
}

// metrics are the server's counters.
type metrics struct {
	inFlight, tunnels               atomic.Int64
	retries, upstreamErrors, panics atomic.Uint64
	rebuilds                        atomic.Uint64
	routes                          sync.Map // routeKey to *routeCounters
}

// routeKey tells the routes of a table apart; the zero value stands for none.
type routeKey struct{ dialect, route, service string }

type routeCounters struct {
	classes [6]atomic.Uint64
	buckets [len(durationBounds) + 1]atomic.Uint64
	nanos   atomic.Int64
}

func keyOf(r *Route) routeKey {
	if r == nil {
		return routeKey{}
	}
	return routeKey{string(r.Dialect), r.Name, r.Service}
}

// observe counts a finished exchange.
func (m *metrics) observe(x *Exchange, took time.Duration) {
	key := keyOf(x.Route)
	known, ok := m.routes.Load(key)
	if !ok {
		known, _ = m.routes.LoadOrStore(key, new(routeCounters))
	}
	c := known.(*routeCounters)
	if class := x.Outcome.Status / 100; class < len(c.classes) {
		c.classes[class].Add(1)
	}
	i := 0
	for i < len(durationBounds) && took.Seconds() > durationBounds[i] {
		i++
	}
	c.buckets[i].Add(1)
	c.nanos.Add(int64(took))
}

// keep forgets the routes that are gone, so that what is exported stays bounded
// by the table.
func (m *metrics) keep(routes []*Route) {
	known := map[routeKey]bool{{}: true}
	for _, r := range routes {
		known[keyOf(r)] = true
	}
	for key := range m.routes.Range {
		if !known[key.(routeKey)] {
			m.routes.Delete(key)
		}
	}
}

func (m *metrics) all() iter.Seq[RouteMetrics] {
	return func(yield func(RouteMetrics) bool) {
		m.routes.Range(func(k, v any) bool {
			key, c := k.(routeKey), v.(*routeCounters)
			r := RouteMetrics{
				Dialect: key.dialect, Route: key.route, Service: key.service,
				Bounds:  durationBounds[:],
				Seconds: time.Duration(c.nanos.Load()).Seconds(),
			}
			for i := range c.classes {
				r.Classes[i] = c.classes[i].Load()
			}
			for i := range c.buckets {
				r.Buckets = append(r.Buckets, c.buckets[i].Load())
			}
			return yield(r)
		})
	}
}

// Metrics reads the counters.
func (s *Server) Metrics() Metrics {
	m := &s.metrics
	view := Metrics{
		InFlight:       m.inFlight.Load(),
		Tunnels:        m.tunnels.Load(),
		Retries:        m.retries.Load(),
		UpstreamErrors: m.upstreamErrors.Load(),
		Panics:         m.panics.Load(),
		Rebuilds:       m.rebuilds.Load(),
	}
	for r := range m.all() {
		view.Routes = append(view.Routes, r)
	}
	return view
}
