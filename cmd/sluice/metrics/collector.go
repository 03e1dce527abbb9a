// Package metrics tells what is counted, under our own names, Fabio's and Traefik's, to
// those that ask and to those that are sent it.
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/accesslog"
	"github.com/sluiceproxy/sluice/lb/tracing"
	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/watch"
)

// Parts are what counts.
type Parts struct {
	Config    *config.Config
	Watch     func() watch.Status
	Templates func() []render.TemplateStatus
	Problems  func() int // how many there are
	Balancer  *Balancer  // nil without a load balancer
}

// Balancer is the load balancer, with what it tells others.
type Balancer struct {
	*lb.Server
	AccessLog *accesslog.Log  // nil if it is off
	Tracer    *tracing.Tracer // likewise
}

// collector turns what the parts count into metrics, at the moment it is asked.
type collector struct {
	parts Parts

	generation, connections, maxConnections, queries, failing, staleSeconds *prometheus.Desc
	templateReady, templateWritten                                          *prometheus.Desc
	templateRenders, templateCommands, templateCommandFailures              *prometheus.Desc
	problems                                                                *prometheus.Desc

	lb    lbMetrics
	named []namedCollector // the load balancer's under other names
}

// New collects what the parts count, under our own names and those that the
// configuration asks for.
func New(parts Parts) prometheus.Collector { return newCollector(parts) }

func newCollector(parts Parts) *collector {
	return &collector{
		parts:                   parts,
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
		named:                   newNamedCollectors(parts.Config),
	}
}

// Describe implements prometheus.Collector: the metrics depend on what runs.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	out := sink(metrics)
	c.collectWatcher(out)
	for _, t := range c.parts.Templates() {
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
	out.gauge(c.problems, float64(c.parts.Problems()))
	if c.parts.Balancer != nil {
		view := c.parts.Balancer.Metrics()
		c.lb.collect(c.parts.Balancer, &view, out)
		for _, named := range c.named {
			named.collect(c.parts.Balancer, &view, out)
		}
	}
}

func (c *collector) collectWatcher(out sink) {
	s := c.parts.Watch()
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
