package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/middleware"
	"github.com/sluiceproxy/sluice/lb/redislimit"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// ServerOptions is what a configuration says of the load balancer. The error
// joins the faults of all listeners.
func (c Config) ServerOptions() (lb.ServerOptions, error) {
	o := lb.DefaultServerOptions()
	o.Table = c.tableOptions()
	o.Timeouts = c.LB.Timeouts.Over(o.Timeouts)
	o.Timeouts.Drain, o.DrainDelay = c.LB.DrainTimeout, c.LB.DrainDelay
	o.Table.Failover = c.LB.Failover
	o.Table.Locality = lb.Locality{Node: c.LB.Locality.Node, Zone: c.LB.Locality.Zone, Key: c.LB.Locality.MetaKey}
	o.Table.Guard = c.LB.Guard.options(c.Catalog.Path != "")
	c.LB.Limits.set(&o)
	o.Forwarding = c.LB.Forwarding.options()
	o.ServerName = c.LB.Forwarding.ServerName.Or(o.ServerName)
	o.NoRouteStatus = c.LB.NoRouteStatus
	o.DetailBounds = c.Admin.DetailBounds()
	o.Underscores, o.RejectEncoded = c.LB.UnderscoreHeaders, c.LB.RejectEncoded
	o.TrustedProxies, o.TrustSockets, _ = c.LB.trusted() // as Validate has let through
	var errs []error
	for _, l := range c.LB.Listeners {
		if l.Text == "" {
			continue // which was told when it was read
		}
		made, err := listener.Parse(l.Text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.Origin, err))
			continue
		}
		o.Listeners = append(o.Listeners, made)
	}
	for _, certificates := range c.LB.Certificates {
		source, err := certificates.Source()
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
	o.Tags.Sockets = c.LB.SocketFolders
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
