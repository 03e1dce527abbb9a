package main

import "github.com/prometheus/client_golang/prometheus"

// collector turns what the parts count into metrics, at the moment it is asked.
type collector struct {
	d *daemon

	generation, connections, maxConnections, queries, failing, staleSeconds *prometheus.Desc
	templateReady, templateWritten                                          *prometheus.Desc
	templateRenders, templateCommands, templateCommandFailures              *prometheus.Desc
	problems                                                                *prometheus.Desc

	lb    lbMetrics
	named []namedCollector // the load balancer's under other names
}

func newCollector(d *daemon) *collector {
	return &collector{
		d:                       d,
		generation:              newDesc("watch_generation", "Snapshots published."),
		connections:             newDesc("watch_connections", "Connections to the source in use."),
		maxConnections:          newDesc("watch_max_connections", "Connections to the source allowed."),
		queries:                 newDesc("watch_queries", "Queries watched."),
		failing:                 newDesc("watch_failing_queries", "Queries whose last request failed."),
		staleSeconds:            newDesc("watch_stale_seconds", "Age of the oldest answer that cannot be confirmed; 0 if all are fresh."),
		templateReady:           newDesc("template_ready", "Whether the file is right and in effect.", "destination"),
		templateWritten:         newDesc("template_written_timestamp_seconds", "When the file was last replaced.", "destination"),
		templateRenders:         newDesc("template_renders_total", "Times the file was replaced since the last reload of the configuration.", "destination"),
		templateCommands:        newDesc("template_commands_total", "Times its command ran since then.", "destination"),
		templateCommandFailures: newDesc("template_command_failures_total", "Times its command failed since then.", "destination"),
		problems:                newDesc("problems", "Tags and files that cannot be honoured."),
		lb:                      newLBMetrics(),
		named:                   newNamedCollectors(&d.config),
	}
}

// Describe implements prometheus.Collector: the metrics depend on what runs.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	out := metricSink(metrics)
	c.collectWatcher(out)
	for _, t := range c.d.templates() {
		ready := 0.0
		if t.Ready() {
			ready = 1
		}
		out.gauge(c.templateReady, ready, t.Destination)
		out.counter(c.templateRenders, t.Renders, t.Destination)
		out.counter(c.templateCommands, t.Commands, t.Destination)
		out.counter(c.templateCommandFailures, t.CommandFailures, t.Destination)
		if !t.Written.IsZero() {
			out.gauge(c.templateWritten, float64(t.Written.UnixMilli())/1e3, t.Destination)
		}
	}
	out.gauge(c.problems, float64(len(c.d.problems())))
	if c.d.lb != nil {
		view := c.d.lb.Metrics()
		c.lb.collect(c.d.lb, &view, out)
		for _, named := range c.named {
			named.collect(c.d.lb, &view, out)
		}
	}
}

func (c *collector) collectWatcher(out metricSink) {
	s := c.d.currentFeed().watcher.Status()
	failing := 0
	for _, q := range s.Queries {
		if q.Err != nil {
			failing++
		}
	}
	stale, _ := s.StaleFor()
	out.gauge(c.generation, float64(s.Generation))
	out.gauge(c.connections, float64(s.Connections))
	out.gauge(c.maxConnections, float64(s.Max))
	out.gauge(c.queries, float64(len(s.Queries)))
	out.gauge(c.failing, float64(failing))
	out.gauge(c.staleSeconds, stale.Seconds())
}
