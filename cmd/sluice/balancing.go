package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/accesslog"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/middleware"
	"github.com/sluiceproxy/sluice/lb/redislimit"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/tracing"
)

// balancing is the load balancer of a configuration.
type balancing struct {
	*lb.Server
	accessLog *accesslog.Log  // nil if it is off
	tracer    *tracing.Tracer // likewise
	log       *slog.Logger
}

// newBalancing opens the access log and binds the listeners.
func (d *daemon) newBalancing(c Config, from *feed) (*balancing, error) {
	o, err := c.serverOptions()
	if err != nil {
		return nil, exit.With(exit.Config, err)
	}
	o.Logger = d.log
	if err := d.addACME(c, o.ACME); err != nil {
		return nil, exit.With(exit.Config, err)
	}
	if from.sources.vault != nil {
		o.IssueCertificate = from.sources.vault.Issue
	}
	if c.LB.AccessLog.isOn() {
		if o.AccessLog, err = accesslog.New(c.LB.AccessLog.options(d.stdout, d.stderr, d.log)); err != nil {
			return nil, exit.With(exit.Config, err)
		}
	}
	tracer, err := c.LB.Tracing.tracer(d.log)
	if err != nil {
		return nil, exit.With(exit.Config, err)
	}
	if tracer != nil {
		o.Tracer = tracer
	}
	server, err := lb.New(o, from.watcher)
	if err != nil {
		return nil, exit.With(exit.Config, err)
	}
	if err := server.Listen(); err != nil {
		return nil, exit.With(exit.Config, err)
	}
	return &balancing{server, o.AccessLog, tracer, d.log}, nil
}

// Run serves until ctx ends and the server has drained. Then the access log is
// written to its end, unless its target takes nothing, and the last spans are
// exported.
func (b *balancing) Run(ctx context.Context) error {
	telling, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var tracing sync.WaitGroup
	if b.tracer != nil {
		tracing.Go(func() { _ = b.tracer.Run(telling) }) // is nil
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		if b.accessLog != nil {
			_ = b.accessLog.Run(telling) // is nil
		}
	}()
	err := b.Server.Run(ctx)
	end()
	tracing.Wait() // which has a limit of its own
	const patience = 5 * time.Second
	select {
	case <-written:
	case <-time.After(patience):
		b.log.Error("the end of the access log is lost: its target takes nothing", "waited", patience)
	}
	return err
}

// serverOptions is what the configuration says of the load balancer. The error
// joins the faults of all listeners.
func (c Config) serverOptions() (lb.ServerOptions, error) {
	o := lb.DefaultServerOptions()
	o.Table = c.tableOptions()
	o.Timeouts = c.LB.Timeouts.over(o.Timeouts)
	o.Timeouts.Drain, o.DrainDelay = c.LB.DrainTimeout, c.LB.DrainDelay
	o.Table.Failover = c.LB.Failover
	o.Table.Locality = lb.Locality{Node: c.LB.Locality.Node, Zone: c.LB.Locality.Zone, Key: c.LB.Locality.MetaKey}
	o.Table.Guard = c.LB.Guard.options(c.Catalog.Path != "")
	c.LB.Limits.set(&o)
	o.Forwarding = c.LB.Forwarding.options()
	o.ServerName = c.LB.Forwarding.ServerName.Or(o.ServerName)
	o.NoRouteStatus = c.LB.NoRouteStatus
	o.DetailBounds = c.Admin.detailBounds()
	o.Underscores, o.RejectEncoded = c.LB.UnderscoreHeaders, c.LB.RejectEncoded
	o.TrustedProxies, _ = listener.ParsePrefixes(c.LB.TrustedProxies) // as Validate has let through
	var errs []error
	for _, l := range c.LB.Listeners {
		made, err := listener.Parse(l.Text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.Origin, err))
			continue
		}
		o.Listeners = append(o.Listeners, made)
	}
	for _, certificates := range c.LB.Certificates {
		source, err := certificates.source()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", certificates.Origin, err))
			continue
		}
		o.CertSources = append(o.CertSources, source)
	}
	for i := range c.LB.ACME {
		o.ACME = append(o.ACME, c.LB.ACME[i].source())
	}
	if len(errs) == 0 && len(o.Listeners) > 0 {
		errs = append(errs, o.Validate())
	}
	return o, errors.Join(errs...)
}

// tableOptions is what the configuration says of tags.
func (c Config) tableOptions() lb.Options {
	o := lb.DefaultOptions()
	middlewares := middleware.NewRegistry()
	middlewares.Share(new(redislimit.Clients).Open)
	middlewares.Spool(cmp.Or(int64(c.LB.Limits.BufferFileBytes), middleware.DefaultSpool))
	o.Middlewares = middlewares
	if exposed := c.Tags.ExposedByDefault; exposed.Set {
		o.Tags.Exposed = tags.ExposeEnabled
		if exposed.Value {
			o.Tags.Exposed = tags.ExposeAll
		}
	}
	o.Tags.FabioPrefix, o.Tags.FabioPrefixes = c.Tags.FabioPrefix, c.Tags.FabioPrefixes
	o.Tags.TraefikPrefix = c.Tags.TraefikPrefix
	o.Tags.Fabio = slices.Contains(c.Tags.Dialects, "fabio")
	o.Tags.Traefik1 = slices.Contains(c.Tags.Dialects, "traefik1")
	o.Tags.Traefik = slices.Contains(c.Tags.Dialects, "traefik")
	o.Tags.Meta = c.Tags.FromMeta
	c.Tags.Traefik.set(&o.Tags)
	c.setFabio(&o)
	c.setStatic(&o)
	o.TLSOptions = c.LB.tlsOptions()
	return o
}
