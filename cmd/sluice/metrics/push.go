package metrics

import (
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sluiceproxy/sluice/admin/push"
	"github.com/sluiceproxy/sluice/config"
)

// Pushers are what sends metrics to those that do not ask for them.
func Pushers(parts Parts, output io.Writer, log *slog.Logger) (all []*push.Pusher) {
	for i := range parts.Config.Admin.MetricsPush {
		p := &parts.Config.Admin.MetricsPush[i]
		registry := prometheus.NewRegistry()
		registry.MustRegister(newPushCollector(parts, p))
		all = append(all, push.New(push.Options{
			Kind: p.Name, Address: p.Address, Interval: p.Interval,
			Gatherer: registry, Names: pushNames(p), Output: output, Logger: log,
		}))
	}
	return all
}

// newPushCollector collects what is sent, under names that [pushNames] knows.
func newPushCollector(parts Parts, p *config.MetricsPush) prometheus.Collector {
	bounds := parts.Config.Admin.DetailBounds()
	switch p.Names {
	case config.FabioNames:
		return &alone{parts.Balancer, newFabioMetrics("", p.Named(), bounds, parts.Config.LB.NoRouteStatus)}
	case config.TraefikNames:
		return &alone{parts.Balancer, newTraefikMetrics(p.Named(), bounds)}
	}
	own := newCollector(parts)
	own.named = nil
	return own
}

// alone collects the load balancer's metrics under the names of another one.
type alone struct {
	b     *Balancer
	named namedCollector
}

// Describe implements prometheus.Collector: the metrics depend on what runs.
func (*alone) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (a *alone) Collect(metrics chan<- prometheus.Metric) {
	if a.b == nil {
		return
	}
	view := a.b.Metrics()
	a.named.collect(a.b, &view, metrics)
}
