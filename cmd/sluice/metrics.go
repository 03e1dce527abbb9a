package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sluiceproxy/sluice/lb"
)

// collector turns what the parts count into metrics, at the moment it is asked.
type collector struct {
	d *daemon

	generation, connections, maxConnections, queries, failing, staleSeconds *prometheus.Desc
	templateReady, templateWritten                                          *prometheus.Desc
	templateRenders, templateCommands, templateCommandFailures              *prometheus.Desc
	problems, routes, inFlight, tunnels, retries, upstreamErrors, rebuilds  *prometheus.Desc
	responses, duration                                                     *prometheus.Desc
}

func newCollector(d *daemon) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_"+name, help, labels, nil)
	}
	return &collector{
		d:                       d,
		generation:              desc("watch_generation", "Snapshots published."),
		connections:             desc("watch_connections", "Connections to the source in use."),
		maxConnections:          desc("watch_max_connections", "Connections to the source allowed."),
		queries:                 desc("watch_queries", "Queries watched."),
		failing:                 desc("watch_failing_queries", "Queries whose last request failed."),
		staleSeconds:            desc("watch_stale_seconds", "Age of the oldest answer that cannot be confirmed; 0 if all are fresh."),
		templateReady:           desc("template_ready", "Whether the file is right and in effect.", "destination"),
		templateWritten:         desc("template_written_timestamp_seconds", "When the file was last replaced.", "destination"),
		templateRenders:         desc("template_renders_total", "Times the file was replaced since the last reload of the configuration.", "destination"),
		templateCommands:        desc("template_commands_total", "Times its command ran since then.", "destination"),
		templateCommandFailures: desc("template_command_failures_total", "Times its command failed since then.", "destination"),
		problems:                desc("problems", "Tags and files that cannot be honoured."),
		routes:                  desc("lb_routes", "Routes in the table."),
		inFlight:                desc("lb_requests_in_flight", "Requests being served."),
		tunnels:                 desc("lb_tunnels", "Upgraded connections open."),
		retries:                 desc("lb_retries_total", "Second tries."),
		upstreamErrors:          desc("lb_upstream_errors_total", "Tries that failed by the target's fault."),
		rebuilds:                desc("lb_table_rebuilds_total", "Tables put in force."),
		responses:               desc("lb_responses_total", "Answers by the first digit of their status.", "dialect", "route", "service", "class"),
		duration:                desc("lb_request_duration_seconds", "From the request's head to the answer's end.", "dialect", "route", "service"),
	}
}

// Describe implements prometheus.Collector: the metrics depend on what runs.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	c.collectWatcher(gauge)
	for _, t := range c.d.templates() {
		ready := 0.0
		if t.Ready() {
			ready = 1
		}
		gauge(c.templateReady, ready, t.Destination)
		counter(c.templateRenders, t.Renders, t.Destination)
		counter(c.templateCommands, t.Commands, t.Destination)
		counter(c.templateCommandFailures, t.CommandFailures, t.Destination)
		if !t.Written.IsZero() {
			gauge(c.templateWritten, float64(t.Written.UnixMilli())/1e3, t.Destination)
		}
	}
	gauge(c.problems, float64(len(c.d.problems())))
	if c.d.lb == nil {
		return
	}
	if table := c.d.lb.Table(); table != nil {
		gauge(c.routes, float64(len(table.Routes())))
	}
	m := c.d.lb.Metrics()
	gauge(c.inFlight, float64(m.InFlight))
	gauge(c.tunnels, float64(m.Tunnels))
	c.collectServer(m, out)
}

func (c *collector) collectWatcher(gauge func(*prometheus.Desc, float64, ...string)) {
	s := c.d.currentFeed().watcher.Status()
	failing := 0
	for _, q := range s.Queries {
		if q.Err != nil {
			failing++
		}
	}
	stale, _ := s.StaleFor()
	gauge(c.generation, float64(s.Generation))
	gauge(c.connections, float64(s.Connections))
	gauge(c.maxConnections, float64(s.Max))
	gauge(c.queries, float64(len(s.Queries)))
	gauge(c.failing, float64(failing))
	gauge(c.staleSeconds, stale.Seconds())
}

func (c *collector) collectServer(m lb.Metrics, out chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	counter(c.retries, m.Retries)
	counter(c.upstreamErrors, m.UpstreamErrors)
	counter(c.rebuilds, m.Rebuilds)
	for _, r := range m.Routes {
		for class, n := range r.Classes {
			if n > 0 {
				counter(c.responses, n, r.Dialect, r.Route, r.Service, strconv.Itoa(class)+"xx")
			}
		}
		buckets, total := map[float64]uint64{}, uint64(0)
		for i, n := range r.Buckets {
			total += n
			if i < len(r.Bounds) {
				buckets[r.Bounds[i]] = total
			}
		}
		out <- prometheus.MustNewConstHistogram(c.duration, total, r.Seconds, buckets, r.Dialect, r.Route, r.Service)
	}
}
