package metrics

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/count"
)

// lbMetrics are the metrics of the load balancer.
type lbMetrics struct {
	routes, inFlight, tunnels, retries, upstreamErrors, rebuilds, defects, late            *prometheus.Desc
	perRoute, perEntrypoint                                                                countMetrics
	entrypointInFlight, connections, handshakeErrors, refused                              *prometheus.Desc
	connectionWaits, refusedConnections, certificateExpiry, http2Errors                    *prometheus.Desc
	targetBusy, targetRequests, targetFailures, targetInFlight, targetConnections          *prometheus.Desc
	tcpOpen, tcpConnections, tcpFailures, tcpReceived, tcpSent                             *prometheus.Desc
	poolTargets, poolPanic, poolSpills, poolEjections, poolRetries, poolDenied, poolChecks *prometheus.Desc
	mirrored, unmirrored                                                                   *prometheus.Desc
	breakerOpen, breakerTrips                                                              *prometheus.Desc
	guardHolding, guardInstances, guardTrips                                               *prometheus.Desc
	failoverActive, failoverMoves                                                          *prometheus.Desc
	spans, spansLost                                                                       *prometheus.Desc
	logLines, logDropped                                                                   *prometheus.Desc

	certificateFailures *prometheus.Desc
}

// countMetrics show what is counted of a kind of exchanges.
type countMetrics struct{ responses, duration, received, sent *prometheus.Desc }

func newLBMetrics() lbMetrics {
	route, entrypoint := []string{"dialect", "route", "service"}, []string{"entrypoint"}
	passed := []string{"network", "dialect", "route", "service"}
	return lbMetrics{
		routes:         newDesc("lb_routes", "Routes in the table."),
		inFlight:       newDesc("lb_requests_in_flight", "Requests being served."),
		tunnels:        newDesc("lb_tunnels", "Upgraded connections open."),
		retries:        newDesc("lb_retries_total", "Second tries."),
		upstreamErrors: newDesc("lb_upstream_errors_total", "Tries that failed by the target's fault."),
		late:           newDesc("lb_request_timeouts_total", "Requests given up because the time of their route, requesttimeout, was over."),
		rebuilds:       newDesc("lb_table_rebuilds_total", "Tables put in force."),
		defects:        newDesc("lb_defects_total", "Requests that ran into a defect of sluice; please report them."),

		perRoute:      newCountMetrics("lb_", route),
		perEntrypoint: newCountMetrics("lb_entrypoint_", entrypoint),

		entrypointInFlight: newDesc("lb_entrypoint_requests_in_flight", "Requests being served, by listener.", entrypoint...),
		connections:        newDesc("lb_entrypoint_connections", "Connections open.", entrypoint...),
		handshakeErrors:    newDesc("lb_entrypoint_tls_handshake_errors_total", "TLS handshakes that failed.", entrypoint...),
		refused:            newDesc("lb_entrypoint_refused_requests_total", "Requests that were none by the standard.", "entrypoint", "reason"),

		http2Errors: newDesc("lb_entrypoint_http2_errors_total", "What clients did against HTTP/2 itself.", "entrypoint", "kind"),

		connectionWaits:    newDesc("lb_entrypoint_connection_waits_total", "Times connections had to wait for others to end.", entrypoint...),
		refusedConnections: newDesc("lb_entrypoint_refused_connections_total", "Connections closed at once.", "entrypoint", "reason"),
		certificateExpiry:  newDesc("lb_certificate_expiry_timestamp_seconds", "When the certificate expires.", "source", "certificate"),

		certificateFailures: newDesc("lb_certificate_failures", "Names for which the authority has issued no certificate, or no newer one.", "source"),

		targetRequests:    newDesc("lb_target_requests_total", "Requests sent to the target, second tries too.", "target"),
		targetFailures:    newDesc("lb_target_failures_total", "Those of them that failed by its fault.", "target"),
		targetBusy:        newDesc("lb_target_busy_total", "Times a request waited in vain for it to have fewer in hand.", "target"),
		targetInFlight:    newDesc("lb_target_requests_in_flight", "Requests it is answering.", "target"),
		targetConnections: newDesc("lb_target_connections", "Connections to it.", "target", "state"),

		tcpOpen:        newDesc("lb_passed_open", "Connections, or sessions of datagrams, being passed on.", passed...),
		tcpConnections: newDesc("lb_passed_connections_total", "Connections, or sessions of datagrams, that had the route.", passed...),
		tcpFailures:    newDesc("lb_passed_failures_total", "Those of them that could not be passed on or were cut.", passed...),
		tcpReceived:    newDesc("lb_passed_received_bytes_total", "Bytes from clients.", passed...),
		tcpSent:        newDesc("lb_passed_sent_bytes_total", "Bytes to clients.", passed...),

		poolTargets:   newDesc("lb_pool_targets", "Members of the pool, where one is not simply open: open, starting (of the open ones), down by a health check, ejected.", "pool", "state"),
		poolSpills:    newDesc("lb_pool_spilling", "Whether so few near members are well that others are picked.", "pool"),
		poolPanic:     newDesc("lb_pool_panic", "Whether so few members are well that it does not count.", "pool"),
		poolEjections: newDesc("lb_pool_ejections_total", "Times a member was passed over for failing.", "pool"),
		poolRetries:   newDesc("lb_pool_retries_total", "Second tries that were taken from the pool's budget.", "pool"),
		poolDenied:    newDesc("lb_pool_retries_denied_total", "Second tries there was no budget for.", "pool"),
		poolChecks:    newDesc("lb_pool_check_failures_total", "Health checks of members that failed.", "pool"),
		breakerOpen:   newDesc("lb_breaker_open", "What the circuit breaker lets through: 0 everything, 0.5 some, 1 nothing.", "dialect", "route", "middleware"),
		breakerTrips:  newDesc("lb_breaker_trips_total", "Times it opened.", "dialect", "route", "middleware"),

		mirrored:   newDesc("lb_mirrored_requests_total", "Copies of requests that were sent to mirrors."),
		unmirrored: newDesc("lb_mirrored_dropped_total", "Copies that were not sent, because too many were on their way or too much of bodies was kept."),

		guardHolding:   newDesc("lb_guard_holding", "Whether instances are kept that were lost, because most were lost at once."),
		guardInstances: newDesc("lb_guard_instances", "Lost instances that are kept."),
		guardTrips:     newDesc("lb_guard_trips_total", "Times most instances were lost at once."),

		failoverActive: newDesc("lb_failover_active", "Services of which nothing serves at home, with the datacenter that serves them.", "service", "datacenter"),
		failoverMoves:  newDesc("lb_failover_moves_total", "Times a service went to another datacenter, or came home."),

		spans:     newDesc("tracing_spans_total", "Spans the collector of traces has taken."),
		spansLost: newDesc("tracing_lost_spans_total", "Spans lost because it did not take them, or not fast enough."),

		logLines:   newDesc("access_log_lines_total", "Lines written to the access log."),
		logDropped: newDesc("access_log_dropped_lines_total", "Lines lost because its target was too slow or failed."),
	}
}

func newCountMetrics(prefix string, labels []string) countMetrics {
	return countMetrics{
		responses: newDesc(prefix+"responses_total", "Answers by the first digit of their status.", append(slices.Clip(labels), "class")...),
		duration:  newDesc(prefix+"request_duration_seconds", "From the request's head to the answer's end.", labels...),
		received:  newDesc(prefix+"request_bytes_total", "Bytes of the bodies of requests.", labels...),
		sent:      newDesc(prefix+"response_bytes_total", "Bytes of the bodies of answers.", labels...),
	}
}

// collect sends what the load balancer has counted.
func (m *lbMetrics) collect(b *Balancer, view *lb.Metrics, out sink) {
	if table := b.Table(); table != nil {
		out.gauge(m.routes, float64(len(table.Routes())+len(table.TCPRoutes())))
	}
	out.gauge(m.inFlight, float64(view.InFlight))
	out.gauge(m.tunnels, float64(view.Tunnels))
	out.counter(m.retries, view.Retries)
	out.counter(m.upstreamErrors, view.UpstreamErrors)
	out.counter(m.mirrored, view.Mirrored)
	out.counter(m.unmirrored, view.Unmirrored)
	out.counter(m.late, view.Late)
	out.counter(m.rebuilds, view.Rebuilds)
	out.counter(m.defects, view.Panics)
	for _, r := range view.Routes {
		m.perRoute.collect(r.Counts, out, r.Dialect, r.Route, r.Service)
	}
	m.collectEntrypoints(view.Entrypoints, out)
	m.collectPassed(view.TCPRoutes, out)
	for _, c := range b.Certificates() {
		out.gauge(m.certificateExpiry, float64(c.Until.Unix()), c.Source, c.Name)
	}
	for source, n := range b.CertificateFailures() {
		out.gauge(m.certificateFailures, float64(n), source)
	}
	for _, t := range view.Targets {
		out.counter(m.targetRequests, t.Requests, t.Target)
		out.counter(m.targetFailures, t.Failures, t.Target)
		out.counter(m.targetBusy, t.Busy, t.Target)
		out.gauge(m.targetInFlight, float64(t.InFlight), t.Target)
		out.gauge(m.targetConnections, float64(t.Idle), t.Target, "idle")
		out.gauge(m.targetConnections, float64(t.Open-t.Idle), t.Target, "used")
	}
	m.collectProtection(b, view, out)
	if b.Tracer != nil {
		exported, lost := b.Tracer.Stats()
		out.counter(m.spans, exported)
		out.counter(m.spansLost, lost)
	}
	if b.AccessLog != nil {
		written, dropped := b.AccessLog.Stats()
		out.counter(m.logLines, written)
		out.counter(m.logDropped, dropped)
	}
}

// collectEntrypoints sends what came to listeners.
func (m *lbMetrics) collectEntrypoints(all []lb.EntrypointMetrics, out sink) {
	for _, e := range all {
		m.perEntrypoint.collect(e.Counts, out, e.Entrypoint)
		out.gauge(m.entrypointInFlight, float64(e.InFlight), e.Entrypoint)
		out.gauge(m.connections, float64(e.Connections), e.Entrypoint)
		out.counter(m.handshakeErrors, e.HandshakeErrors, e.Entrypoint)
		out.counter(m.connectionWaits, e.ConnectionWaits, e.Entrypoint)
		for reason, n := range e.RefusedConnections {
			out.counter(m.refusedConnections, n, e.Entrypoint, reason)
		}
		for reason, n := range e.Refused {
			out.counter(m.refused, n, e.Entrypoint, reason)
		}
		for kind, n := range e.HTTP2Errors {
			out.counter(m.http2Errors, n, e.Entrypoint, kind)
		}
	}
}

// collectPassed sends what is told of connections and datagrams that are passed on.
func (m *lbMetrics) collectPassed(all []lb.TCPRouteMetrics, out sink) {
	for _, r := range all {
		labels := []string{r.Network, r.Dialect, r.Route, r.Service}
		out.gauge(m.tcpOpen, float64(r.Open), labels...)
		out.counter(m.tcpConnections, r.Connections, labels...)
		out.counter(m.tcpFailures, r.Failures, labels...)
		out.counter(m.tcpReceived, r.Received, labels...)
		out.counter(m.tcpSent, r.Sent, labels...)
	}
}

// collectProtection sends what is done for the sake of targets and of routes.
func (m *lbMetrics) collectProtection(b *Balancer, view *lb.Metrics, out sink) {
	flag := func(on bool) float64 {
		if on {
			return 1
		}
		return 0
	}
	for _, p := range view.Pools {
		for state, n := range map[string]int{"open": p.Open, "starting": p.Starting, "down": p.Down, "ejected": p.Ejected} {
			out.gauge(m.poolTargets, float64(n), p.Pool, state)
		}
		out.gauge(m.poolPanic, flag(p.Panics), p.Pool)
		out.gauge(m.poolSpills, flag(p.Spills), p.Pool)
		out.counter(m.poolEjections, p.Ejections, p.Pool)
		out.counter(m.poolRetries, p.Retries, p.Pool)
		out.counter(m.poolDenied, p.Denied, p.Pool)
		out.counter(m.poolChecks, p.CheckFailures, p.Pool)
	}
	for _, c := range view.Breakers {
		labels := []string{c.Dialect, c.Route, c.Middleware}
		out.gauge(m.breakerOpen, flag(c.Open)+flag(c.Recovering)/2, labels...)
		out.counter(m.breakerTrips, c.Trips, labels...)
	}
	g := b.GuardState()
	out.gauge(m.guardHolding, flag(g.Holding))
	out.gauge(m.guardInstances, float64(g.Instances))
	out.counter(m.guardTrips, g.Trips)
	for service, datacenter := range view.Away {
		out.gauge(m.failoverActive, 1, service, datacenter)
	}
	out.counter(m.failoverMoves, view.Moves)
}

func (m *countMetrics) collect(c count.Counts, out sink, labels ...string) {
	for class, n := range c.Classes {
		if n > 0 {
			out.counter(m.responses, n, append(slices.Clip(labels), strconv.Itoa(class)+"xx")...)
		}
	}
	out.histogram(m.duration, c.Bounds, c.Buckets, c.Seconds, c.Bounds, labels...)
	out.counter(m.received, c.Received, labels...)
	out.counter(m.sent, c.Sent, labels...)
}

// sink takes metrics.
type sink chan<- prometheus.Metric

func newDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sluice_"+name, help, labels, nil)
}

func (s sink) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labelValues(labels)...)
}

func (s sink) counter(d *prometheus.Desc, v uint64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labelValues(labels)...)
}

// positive is counter for those that others do not have before there is something.
func (s sink) positive(d *prometheus.Desc, v uint64, labels ...string) {
	if v > 0 {
		s.counter(d, v, labels...)
	}
}

// histogram takes counts in buckets, not cumulated, and shows those of the bounds
// wanted, which are some of theirs.
func (s sink) histogram(d *prometheus.Desc, bounds []float64, counts []uint64, sum float64, wanted []float64, labels ...string) {
	buckets, total := make(map[float64]uint64, len(wanted)), uint64(0)
	for i, n := range counts {
		total += n
		if i < len(bounds) && slices.Contains(wanted, bounds[i]) {
			buckets[bounds[i]] = total
		}
	}
	s <- prometheus.MustNewConstHistogram(d, total, sum, buckets, labelValues(labels)...)
}

// maxLabel bounds the value of a label, in bytes: names of routes are as long as tags
// may be, and stand in dozens of metrics each.
const maxLabel = 256

// labelValues makes texts of the catalog and of files fit for labels, which must
// be UTF-8. Of long ones it keeps the beginning, and what tells them apart.
func labelValues(texts []string) []string {
	values := make([]string, len(texts))
	for i, text := range texts {
		if len(text) > maxLabel {
			sum := fnv.New64a()
			sum.Write([]byte(text))
			text = fmt.Sprintf("%s…%016x", text[:maxLabel-20], sum.Sum64())
		}
		values[i] = strings.ToValidUTF8(text, "\uFFFD")
	}
	return values
}
