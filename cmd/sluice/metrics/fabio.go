package metrics

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sluiceproxy/sluice/cmd/sluice/fabioapi"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// fabioMetrics are the load balancer's metrics as Fabio has them, with dots as
// underscores: https://fabiolb.net/feature/metrics/.
type fabioMetrics struct {
	config.NamedMetrics
	counted []float64 // the bounds that there are
	noRoute int       // the status of requests without a route

	requests, status, redirects, notFound, webSockets *prometheus.Desc
	route, routeReceived, routeSent                   *prometheus.Desc
	tcp, sni                                          fabioStreams
	calls, callStatus, callsNoRoute                   *prometheus.Desc
}

// fabioStreams are what is told of listeners that pass on connections.
type fabioStreams struct{ connections, failures, noRoute *prometheus.Desc }

func newFabioMetrics(namespace string, m config.NamedMetrics, counted []float64, noRoute int) *fabioMetrics {
	subsystem := m.Subsystem
	if subsystem != "" {
		subsystem = config.CleanName(subsystem)
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, config.CleanName(name)), help, labels, nil)
	}
	streams := func(prefix string) fabioStreams {
		return fabioStreams{
			connections: desc(prefix+".conn", "Connections that were to be passed on."),
			failures:    desc(prefix+".connfail", "Connections for which no target could be connected to."),
			noRoute:     desc(prefix+".noroute", "Connections without a route."),
		}
	}
	place := []string{"service", "host", "path", "target"}
	return &fabioMetrics{
		NamedMetrics: m, counted: counted, noRoute: noRoute,
		requests:      desc("requests", "Times of requests.", "service"),
		status:        desc("http.status", "Times of requests by status.", "code", "service"),
		redirects:     desc("http.redirect.count", "Requests that were redirected.", "code"),
		notFound:      desc("notfound", "Requests and connections without a route."),
		webSockets:    desc("ws.conn", "Upgraded connections open."),
		route:         desc("route", "Times of requests by target.", place...),
		routeReceived: desc("route.rx", "Bytes from the target of connections.", place...),
		routeSent:     desc("route.tx", "Bytes to the target of connections.", place...),
		tcp:           streams("tcp"),
		sni:           streams("tcp_sni"),
		calls:         desc("grpc.requests", "Times of calls."),
		callStatus:    desc("grep.status", "Times of calls by status.", "code"), // as Fabio spells it
		callsNoRoute:  desc("grpc.noroute", "Calls without a route."),
	}
}

func (m *fabioMetrics) collect(b *Balancer, view *lb.Metrics, out sink) {
	m.collectServices(view.Services, out)
	routes := detailSums{}
	for _, t := range view.RouteTargets {
		host, path := fabioapi.HostPath(fabioSrc(t.Route))
		routes.add(&t.Detail, t.Service, host, path, fabioTargetURL(t.Target))
	}
	routes.durations(out, m.route, m.counted, m.Bounds())
	m.collectBytes(view.TCPTargets, out)
	notFound, callsNotFound := m.withoutRoute(view.Routes)
	notFound += m.collectStreams(view.Entrypoints, out)
	out.positive(m.notFound, notFound)
	out.positive(m.callsNoRoute, callsNotFound)
	for code, n := range fabioRedirects(b.Table(), view.Routes) {
		out.positive(m.redirects, n, strconv.Itoa(code))
	}
	out.gauge(m.webSockets, float64(view.Tunnels))
}

// collectBytes tells of the targets of connections. Routes that differ in their
// options alone are one to Fabio.
func (m *fabioMetrics) collectBytes(all []lb.TCPTargetMetrics, out sink) {
	type bytes struct{ received, sent uint64 }
	sums := map[[4]string]bytes{}
	for _, t := range all {
		host, path := fabioapi.HostPath(fabioSrc(t.Route))
		if strings.Contains(host, ":") {
			path = ""
		}
		place := [4]string{t.Service, host, path, fabioTargetURL(t.Target)}
		sum := sums[place]
		sums[place] = bytes{sum.received + t.Received, sum.sent + t.Sent}
	}
	for place, sum := range sums {
		out.counter(m.routeReceived, sum.sent, place[:]...) // Fabio looks from the target
		out.counter(m.routeSent, sum.received, place[:]...)
	}
}

func (m *fabioMetrics) collectServices(services []lb.ServiceMetrics, out sink) {
	requests, status, calls, callStatus := detailSums{}, detailSums{}, detailSums{}, detailSums{}
	for _, s := range services {
		for i := range s.Details {
			d := &s.Details[i]
			if d.Protocol == "grpc" {
				calls.add(d)
				callStatus.add(d, grpcCodes[d.GRPC])
				continue
			}
			requests.add(d, s.Service)
			status.add(d, strconv.Itoa(d.Status), s.Service)
		}
	}
	requests.durations(out, m.requests, m.counted, m.Bounds())
	status.durations(out, m.status, m.counted, m.Bounds())
	calls.durations(out, m.calls, m.counted, m.Bounds())
	callStatus.durations(out, m.callStatus, m.counted, m.Bounds())
}

// collectStreams returns the connections without a route.
func (m *fabioMetrics) collectStreams(entrypoints []lb.EntrypointMetrics, out sink) (notFound uint64) {
	type sums struct{ connections, failures, noRoute uint64 }
	all := map[*fabioStreams]*sums{&m.tcp: {}, &m.sni: {}}
	for _, e := range entrypoints {
		of := all[&m.tcp]
		switch e.Proto {
		case listener.ProtoSNI, listener.ProtoHTTPSAndSNI:
			of = all[&m.sni]
		case listener.ProtoUDP:
			continue
		}
		of.connections += e.Passed
		of.failures += e.Unreached
		of.noRoute += e.RefusedConnections[lb.RefusedByNoRoute]
	}
	for as, of := range all {
		out.positive(as.connections, of.connections)
		out.positive(as.failures, of.failures)
		out.positive(as.noRoute, of.noRoute)
		notFound += of.noRoute
	}
	return notFound
}

// withoutRoute counts requests, and calls of gRPC, that no route was found for.
func (m *fabioMetrics) withoutRoute(routes []lb.RouteMetrics) (requests, calls uint64) {
	for _, r := range routes {
		if r.Route != "" {
			continue
		}
		for i := range r.Details {
			switch d := &r.Details[i]; {
			case d.Status != cmp.Or(m.noRoute, 404):
			case d.Protocol == "grpc":
				calls += d.Count()
			default:
				requests += d.Count()
			}
		}
	}
	return requests, calls
}

// fabioRedirects counts the redirects of Fabio's routes by their status.
func fabioRedirects(t *lb.Table, routes []lb.RouteMetrics) map[int]uint64 {
	codes := map[[2]string]map[int]bool{}
	for _, r := range t.Routes() {
		if r.Dialect != tags.Fabio {
			continue
		}
		of := map[int]bool{}
		for _, way := range append([]*lb.Route{r}, r.Variants()...) {
			for _, step := range way.Steps {
				if redirect, ok := step.Spec.(spec.Redirect); ok {
					of[redirect.Code] = true
				}
			}
		}
		codes[[2]string{r.Name, r.Service}] = of
	}
	counts := map[int]uint64{}
	for _, r := range routes {
		for i := range r.Details {
			if d := &r.Details[i]; r.Dialect == string(tags.Fabio) && codes[[2]string{r.Route, r.Service}][d.Status] {
				counts[d.Status] += d.Count()
			}
		}
	}
	return counts
}

// fabioSrc is what requests are found by in the name of a route of Fabio's.
func fabioSrc(route string) string {
	src, _, _ := strings.Cut(route, " ")
	return src
}

// fabioTargetURL is a target as Fabio names it: plain HTTP alone has a path.
func fabioTargetURL(k target.Key) string {
	switch k.Scheme {
	case "http":
		return "http://" + k.Address + "/"
	case "h2c":
		return "grpc://" + k.Address
	}
	return k.Scheme + "://" + k.Address
}

// grpcCodes are the names of the statuses of gRPC.
var grpcCodes = [...]string{
	"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
	"FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
}
