package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sluiceproxy/sluice/admin/push"
	"github.com/sluiceproxy/sluice/config"
)

// pushers are what sends metrics to those that do not ask for them.
func (d *daemon) pushers() (all []*push.Pusher) {
	for i := range d.config.Admin.MetricsPush {
		p := &d.config.Admin.MetricsPush[i]
		registry := prometheus.NewRegistry()
		registry.MustRegister(newPushCollector(d, p))
		all = append(all, push.New(push.Options{
			Kind: p.Name, Address: p.Address, Interval: p.Interval,
			Gatherer: registry, Names: pushNames(p), Output: d.stdout, Logger: d.log,
		}))
	}
	return all
}

// newPushCollector collects what is sent, under names that [pushNames] knows.
func newPushCollector(d *daemon, p *config.MetricsPush) prometheus.Collector {
	bounds := d.config.Admin.DetailBounds()
	switch p.Names {
	case config.FabioNames:
		return &alone{d, newFabioMetrics("", p.Named(), bounds, d.config.LB.NoRouteStatus)}
	case config.TraefikNames:
		return &alone{d, newTraefikMetrics(p.Named(), bounds)}
	}
	own := newCollector(d)
	own.named = nil
	return own
}

// alone collects the load balancer's metrics under the names of another one.
type alone struct {
	d     *daemon
	named namedCollector
}

// Describe implements prometheus.Collector: the metrics depend on what runs.
func (*alone) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (a *alone) Collect(metrics chan<- prometheus.Metric) {
	if a.d.lb == nil {
		return
	}
	view := a.d.lb.Metrics()
	a.named.collect(a.d.lb, &view, metrics)
}
