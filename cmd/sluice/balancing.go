package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/watch"
)

// balancing is the load balancer of a configuration.
type balancing struct{ *lb.Server }

// newBalancing binds the listeners.
func newBalancing(c Config, watcher *watch.Watcher, log *slog.Logger) (*balancing, error) {
	o, err := c.serverOptions()
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	o.Logger = log
	server, err := lb.New(o, watcher)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	if err := server.Listen(); err != nil {
		return nil, &exitError{exitConfig, err}
	}
	return &balancing{server}, nil
}

// serverOptions is what the configuration says of the load balancer. The error
// joins the faults of all listeners.
func (c Config) serverOptions() (lb.ServerOptions, error) {
	o := lb.DefaultServerOptions()
	o.Table = c.tableOptions()
	o.Timeouts.Drain = c.LB.DrainTimeout
	var errs []error
	for _, l := range c.LB.Listeners {
		listener, err := lb.ParseListener(l.Text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", l.Origin, err))
			continue
		}
		o.Listeners = append(o.Listeners, listener)
	}
	for _, peer := range c.LB.TrustedProxies {
		prefix, err := netip.ParsePrefix(peer)
		if err != nil { // a single address: Validate has let nothing else through
			address, _ := netip.ParseAddr(peer)
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		o.TrustedProxies = append(o.TrustedProxies, prefix)
	}
	return o, errors.Join(errs...)
}

// tableOptions is what the configuration says of tags.
func (c Config) tableOptions() lb.Options {
	o := lb.DefaultOptions()
	o.Tags.ExposedByDefault = c.Tags.ExposedByDefault
	o.Tags.FabioPrefix = c.Tags.FabioPrefix
	o.Tags.TraefikPrefix = c.Tags.TraefikPrefix
	o.Tags.Fabio = slices.Contains(c.Tags.Dialects, "fabio")
	o.Tags.Traefik1 = slices.Contains(c.Tags.Dialects, "traefik1")
	o.Tags.Traefik = slices.Contains(c.Tags.Dialects, "traefik")
	return o
}
