package lb

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// details are what is counted beside [metrics] for who wants to know more: of
// each exchange its kind, at listeners, routes and services, and of Fabio's routes
// the time of each target. Without, there is none, and nothing is looked at.
type details struct {
	bounds []float64

	mu       sync.Mutex // for both maps, which exchanges do not look at
	services map[serviceKey]*serviceCounters
	targets  map[routeTarget]*targetCounters
}

// serviceKey tells services apart: Traefik's are named by their tags, Fabio's as
// in the catalog.
type serviceKey struct{ dialect, name string }

// serviceCounters count what a service was asked, which is not every request of
// its routes: middlewares answer some, and have others asked again.
type serviceCounters struct {
	count.Counters
	retries atomic.Uint64
	key     serviceKey
	uses    int // by ways of routes, and by targets
}

// routeTarget is a target of a route of Fabio's.
type routeTarget struct {
	routeKey
	target *target.Target
}

// targetCounters count what a target was asked by one route.
type targetCounters struct {
	*count.Series
	service *serviceCounters // of the instance: it may be another one than the route's
	key     routeTarget
	uses    int // by ways of the route
}

// counted are the counters of one way of a route.
type counted struct {
	service *serviceCounters
	targets map[*target.Target]*targetCounters // empty for all dialects but Fabio's
}

// ServiceMetrics is what was counted for one service.
type ServiceMetrics struct {
	Dialect, Service string
	Retries          uint64
	Details          []count.Detail
}

// RouteTargetMetrics is what was counted for one target of a route of Fabio's.
type RouteTargetMetrics struct {
	Route, Service string // the service is that of the target
	Target         target.Key
	count.Detail   // of no kind
}

// CheckedMetrics is what checks say of a target of a service.
type CheckedMetrics struct {
	Dialect, Service string
	Target           target.Key
	Up               bool
}

func newDetails(bounds []float64) *details {
	if bounds == nil {
		return nil
	}
	return &details{bounds: bounds, services: map[serviceKey]*serviceCounters{}, targets: map[routeTarget]*targetCounters{}}
}

// count counts an exchange at a listener or a route.
func (d *details) count(s *count.Stripe, x *Exchange, took time.Duration) {
	s.ObserveKind(x.kindNow(), d.bounds, took, x.Outcome.Received, x.Outcome.Sent)
}

// mark is an exchange when a service begins to be asked.
type mark struct {
	began          time.Time
	sent, received int64
}

func (x *Exchange) mark() mark {
	m := mark{began: time.Now()}
	if x.meter != nil {
		m.sent, m.received = x.meter.transferred()
	}
	return m
}

// countService counts what a service was asked since.
func (d *details) countService(x *Exchange, since mark) {
	c := &x.Route.counted
	service, t := c.service, c.targets[x.Outcome.Target]
	if t != nil {
		service = t.service
	}
	if service == nil || x.Route.Uncounted {
		return
	}
	took := time.Since(since.began)
	sent, received := x.Outcome.Sent, x.Outcome.Received // of tunnels
	if x.meter != nil && x.Outcome.Status != http.StatusSwitchingProtocols {
		sent, received = x.meter.transferred()
		sent, received = sent-since.sent, received-since.received
	}
	if x.Outcome.TargetSent > 0 {
		sent = x.Outcome.TargetSent // it may be sent in another form
	}
	service.Of(x.Remote.Port()).ObserveKind(x.kindNow(), d.bounds, took, received, sent)
	if t != nil {
		t.Observe(d.bounds, took, received, sent)
	}
	if x.served == x.Route {
		service.retries.Add(1)
	}
	x.served = x.Route
}

// attach is as that of [metrics].
func (d *details) attach(gone, come []*Route) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range come {
		for way := range r.everyWay {
			d.use(r, way)
		}
	}
	for _, r := range gone {
		for way := range r.everyWay {
			d.leave(way)
		}
	}
}

// everyWay yields what a route's requests may be forwarded by, each once.
func (r *Route) everyWay(yield func(*Route) bool) {
	ways := append([]*Route{r}, r.vias...)
	if r.variants != nil {
		ways = slices.Concat(ways, r.variants.all, r.variants.every)
	}
	for i, way := range ways {
		if !slices.Contains(ways[:i], way) && !yield(way) {
			return
		}
	}
}

func (d *details) use(r, way *Route) {
	way.counted = counted{service: d.useService(serviceKeyOf(way, ""))}
	if r.Dialect != tags.Fabio {
		return
	}
	way.counted.targets = map[*target.Target]*targetCounters{}
	services := servicesOf(way.Endpoints)
	for _, t := range way.Pool.Targets() {
		service, ok := services[t.Key()]
		if !ok || way.counted.targets[t] != nil {
			continue
		}
		key := routeTarget{keyOf(r), t}
		c := d.targets[key]
		if c == nil {
			c = &targetCounters{Series: count.NewSeries(len(d.bounds) + 1), key: key, service: d.useService(serviceKeyOf(way, service))}
			d.targets[key] = c
		}
		c.uses++
		way.counted.targets[t] = c
	}
}

// servicesOf tells of what service the instances of endpoints are.
func servicesOf(endpoints []tags.Endpoint) map[target.Key]string {
	services := make(map[target.Key]string, len(endpoints))
	for _, e := range endpoints {
		services[targetKey(e)] = e.Service
	}
	return services
}

func serviceKeyOf(way *Route, service string) serviceKey {
	if way.Dialect == tags.Fabio {
		return serviceKey{string(way.Dialect), cmp.Or(service, way.Service)}
	}
	return serviceKey{string(way.Dialect), plainPool(way.Route.Pool)}
}

func (d *details) useService(key serviceKey) *serviceCounters {
	c := d.services[key]
	if c == nil {
		c = &serviceCounters{key: key}
		d.services[key] = c
	}
	c.uses++
	return c
}

// leave forgets what no route has any more.
func (d *details) leave(way *Route) {
	d.leaveService(way.counted.service)
	for _, c := range way.counted.targets {
		if c.uses--; c.uses == 0 {
			delete(d.targets, c.key)
			d.leaveService(c.service)
		}
	}
}

func (d *details) leaveService(c *serviceCounters) {
	if c.uses--; c.uses == 0 {
		delete(d.services, c.key)
	}
}

// allServices lists the services that were ever asked.
func (d *details) allServices() (all []ServiceMetrics) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, c := range d.services {
		if c.IsUsed() {
			all = append(all, ServiceMetrics{key.dialect, key.name, c.retries.Load(), c.Details()})
		}
	}
	return all
}

// allTargets lists the targets of Fabio's routes that were ever asked.
func (d *details) allTargets() (all []RouteTargetMetrics) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, c := range d.targets {
		m := RouteTargetMetrics{Route: key.route, Service: c.service.key.name, Target: key.target.Key()}
		if c.AddTo(&m.Detail); m.Count() > 0 {
			all = append(all, m)
		}
	}
	return all
}

// checked lists the targets of services with health checks.
func (t *Table) checked() []CheckedMetrics {
	all := map[CheckedMetrics]bool{} // whether any way of a route has it up
	for _, r := range t.Routes() {
		for way := range r.everyWay {
			if way.health() == nil {
				continue
			}
			of := serviceKeyOf(way, "")
			for _, target := range way.Pool.Targets() {
				of := CheckedMetrics{Dialect: of.dialect, Service: of.name, Target: target.Key()}
				all[of] = all[of] || !way.Pool.IsDown(target)
			}
		}
	}
	list := make([]CheckedMetrics, 0, len(all))
	for of, up := range all {
		of.Up = up
		list = append(list, of)
	}
	return list
}

// ServiceName is what the route's requests go to: a service as tags or the
// configuration name it, or for Fabio's the catalog's.
func (r *Route) ServiceName() string { return serviceKeyOf(r, "").name }
