package main

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/cmd/sluice/metrics"
	"github.com/sluiceproxy/sluice/cmd/sluice/traefikapi"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/watch"
)

// openAdmin opens the administration listener and those for metrics alone.
func (d *daemon) openAdmin() (all []*admin.Server, err error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), metrics.New(d.counted()))
	if d.config.Admin.Listen != config.AdminOff {
		server, err := d.newAdmin(registry)
		if err != nil {
			return nil, err
		}
		all = append(all, server)
	}
	for _, address := range d.config.Admin.MetricsListen {
		if address == d.config.Admin.Listen {
			continue // which has them anyway
		}
		server, err := admin.New(admin.Options{
			Listen: address, Hosts: d.config.Admin.Hosts, Draining: d.draining, Gatherer: registry, MetricsPath: d.config.Admin.MetricsPath, MetricsOnly: true, Logger: d.log, Version: version,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, server)
	}
	return all, nil
}

// newAdmin opens the administration listener and hands it what there is to
// show.
func (d *daemon) newAdmin(registry *prometheus.Registry) (*admin.Server, error) {
	o := admin.Options{
		Listen:    d.config.Admin.Listen,
		Hosts:     d.config.Admin.Hosts,
		Ready:     d.ready,
		Draining:  d.draining,
		Watches:   func() any { return watchesView(d.currentFeed().watcher.Status()) },
		Templates: func() any { return templatesView(d.templates()) },
		Routes:    func() any { return []routeView{} },
		Problems:  func() any { return d.problems() },
		Gatherer:  registry,
		Logger:    d.log,
		Version:   version,
	}
	if d.lb != nil {
		if err := d.addFabio(&o); err != nil {
			return nil, err
		}
		if tls := d.config.Admin.Notation(); tls != "" {
			var err error
			if o.TLS, err = d.lb.TLS(tls); err != nil {
				return nil, fmt.Errorf("the admin listener: %w", err)
			}
		}
		if d.config.Admin.TraefikAPI {
			o.Traefik = traefikapi.New(d.config, version, d.lb.Server, d.lb.AccessLog != nil)
		}
		o.Routes = func() any { return routesView(d.lb.Table()) }
		o.Guard = func() any { return viewGuard(d.lb.GuardState()) }
		o.ReleaseGuard = d.releaseGuard
		o.Explain = func(method, url string, header http.Header) (any, error) {
			return explainView(d.lb.Table(), method, url, header)
		}
	}
	return admin.New(o)
}

// draining tells whether the load balancer is about to end.
func (d *daemon) draining() bool { return d.lb != nil && d.lb.Draining() }

// ready tells whether routes and files can be relied on, and if not why.
func (d *daemon) ready() admin.Readiness {
	r := admin.Readiness{Ready: true}
	wait := func(format string, args ...any) {
		r.Ready = false
		r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...))
	}
	if d.lb != nil {
		r.Draining = d.lb.Draining()
		if d.lb.Table() == nil {
			wait("%s", d.catalogReason())
		}
		if g := d.lb.GuardState(); g.Holding {
			r.Reasons = append(r.Reasons, fmt.Sprintf("%d lost instances of %d services are kept until %s: see /api/guard",
				g.Instances, len(g.Held), g.Until.Format(time.RFC3339)))
		}
	}
	for _, t := range d.templates() {
		if t.Written.IsZero() && t.Confirmed.IsZero() {
			wait("%s is not rendered yet: %s", cmp.Or(t.Destination, t.Source), templateReason(t))
		}
	}
	if faults := len(fileProblems(d.currentFeed().sources.catalog)); faults > 0 {
		r.Reasons = append(r.Reasons, fmt.Sprintf("%d %s in the files of the catalog: see /api/problems", faults, plural(faults, "fault", "faults")))
	}
	age, query := d.currentFeed().watcher.Status().StaleFor()
	if query.Query != nil {
		r.Stale = max(age, time.Millisecond)
		r.StaleReason = fmt.Sprintf("%s: %v", query.Query, query.Err)
	}
	return r
}

// releaseGuard believes that what was lost is gone.
func (d *daemon) releaseGuard() bool {
	released := d.lb.ReleaseGuard()
	d.log.Warn("the guard was told to let go", "held_anything", released)
	return released
}

// catalogReason is why there is no routing table yet.
func (d *daemon) catalogReason() string {
	feed := d.currentFeed()
	text := fmt.Sprintf("the service catalog of %s has not been read yet", feed.sources.origin)
	if services, _ := feed.watcher.Snapshot().Entry(watch.Services{}); services.Err != nil {
		text += ": " + services.Err.Error()
	}
	return text
}

// templateReason is why a template is not rendered, in a few words.
func templateReason(t render.TemplateStatus) string {
	switch {
	case t.Err != nil:
		return t.Err.Error()
	case len(t.Missing) > 0:
		return "waiting for " + t.Missing[0].String()
	}
	return string(t.State)
}

func (d *daemon) templates() []render.TemplateStatus {
	if d.renderer == nil {
		return nil
	}
	return d.renderer.Status()
}

// counted are the parts that metrics are of.
func (d *daemon) counted() metrics.Parts {
	parts := metrics.Parts{
		Config: &d.config, Templates: d.templates,
		Watch:    func() watch.Status { return d.currentFeed().watcher.Status() },
		Problems: func() int { return len(d.problems()) },
	}
	if d.lb != nil {
		parts.Balancer = &d.lb.Balancer
	}
	return parts
}
