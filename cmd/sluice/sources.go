package main

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/consul"
	"github.com/sluiceproxy/sluice/watch/file"
	"github.com/sluiceproxy/sluice/watch/vault"
	"golang.org/x/sync/errgroup"
)

// sources are what the watcher asks.
type sources struct {
	all []watch.Source
	run []func(context.Context) error
	// catalog is the embedded one, or nil with a Consul.
	catalog *file.Catalog
	// vault is nil without one.
	vault *vault.Source
	// origin says where services come from, for people.
	origin string
}

// newSources opens the sources of a configuration.
func newSources(c Config, getenv func(string) string, log *slog.Logger) (*sources, error) {
	contents := file.NewContents(log)
	s := &sources{all: []watch.Source{contents}, run: []func(context.Context) error{contents.Run}}
	if err := s.addNomad(c.Nomad, getenv); err != nil {
		return nil, err
	}
	if err := s.addVault(c.Vault, getenv, log); err != nil {
		return nil, err
	}
	if c.Catalog.Path != "" {
		o := file.DefaultOptions()
		o.Address, o.Logger = c.Catalog.Address, log
		catalog, err := file.NewCatalog(c.Catalog.Path, o)
		if err != nil {
			return nil, exit.With(exit.Config, err)
		}
		s.catalog, s.origin = catalog, "the folder "+c.Catalog.Path
		s.all = append(s.all, catalog)
		s.run = append(s.run, catalog.Run)
		return s, nil
	}
	if !c.asksConsul() {
		routes := newFabioSource(c.Fabio.Registry)
		s.origin = routes.origin()
		s.all = append(s.all, routes)
		return s, nil
	}
	environment, err := consul.ConfigFromEnv(getenv)
	if err != nil {
		return nil, exit.With(exit.Config, err)
	}
	agent, err := consul.New(c.consulConfig(log).Over(environment))
	if err != nil {
		return nil, exit.With(exit.Config, err)
	}
	s.origin = "Consul at " + agent.Address()
	s.all = append(s.all, agent)
	s.run = append(s.run, agent.Run)
	return s, nil
}

// asksConsul reports whether services come from Consul.
func (c Config) asksConsul() bool {
	return c.Catalog.Path == "" && !c.Catalog.None && !c.Fabio.Registry.replacesConsul()
}

// Run keeps the sources up to date until ctx ends.
func (s *sources) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range s.run {
		group.Go(func() error { return run(ctx) })
	}
	return group.Wait()
}

// newWatcher is a watcher over the sources with the configured limits.
func (s *sources) newWatcher(c Config, log *slog.Logger) *watch.Watcher {
	o := watch.DefaultOptions()
	o.MaxConnections = c.Consul.connections()
	o.Wait = c.BlockQueryWait
	o.MaxStale = c.MaxStale
	o.Backoff = c.Consul.Retry.limits(o.Backoff)
	o.Logger = log
	return watch.New(o, s.all...)
}

// consulConfig is what flags and files say of Consul; the environment may say
// the rest.
func (c Config) consulConfig(log *slog.Logger) consul.Config {
	k := c.Consul
	out := consul.Config{
		Address:    k.Address,
		Token:      k.Token,
		TokenFile:  k.TokenFile,
		Datacenter: k.Datacenter,
		Namespace:  k.Namespace,
		Partition:  k.Partition,
		SSL: consul.SSL{
			Enabled:     switchOf(k.SSL.Enabled),
			Verify:      switchOf(k.SSL.Verify),
			CACert:      k.SSL.CACert,
			CACertBytes: k.SSL.CACertBytes,
			CAPath:      k.SSL.CAPath,
			Cert:        k.SSL.Cert,
			Key:         k.SSL.Key,
			ServerName:  k.SSL.ServerName,
		},
		Transport: consul.Transport{
			DialTimeout:         k.Transport.DialTimeout,
			DialKeepAlive:       k.Transport.DialKeepAlive,
			TLSHandshakeTimeout: k.Transport.TLSHandshakeTimeout,
			IdleTimeout:         k.Transport.IdleConnTimeout,
			MaxIdle:             cmp.Or(k.Transport.MaxIdleConnsPerHost, k.Transport.MaxIdleConns),
			DisableKeepAlives:   k.Transport.DisableKeepAlives,
		},
		Mode:           consul.Mode(k.Mode),
		UserAgent:      userAgent(),
		MaxConnections: k.connections(),
		Logger:         log,
	}
	if k.Auth.Enabled.Or(k.Auth.Username != "") {
		out.Auth = consul.Auth{Username: k.Auth.Username, Password: k.Auth.Password}
	}
	if c.MaxStale == 0 && out.Mode == consul.Stale {
		out.Mode = consul.Default // as consul-template: 0 always asks the leader
	}
	return out
}

// connections is the budget, or less where the transport has a lower limit.
func (k Consul) connections() int {
	if k.Transport.MaxConnsPerHost > 0 {
		return min(k.MaxConnections, k.Transport.MaxConnsPerHost)
	}
	return k.MaxConnections
}

// limits are the bounds of the pauses between retries. An unlimited pause is
// an hour: nobody means to wait longer than that for an agent.
func (r Retry) limits(b watch.Backoff) watch.Backoff {
	if r.Backoff > 0 {
		b.Min = r.Backoff
	}
	b.Max = r.MaxBackoff
	if b.Max == 0 {
		b.Max = time.Hour
	}
	b.Max = max(b.Max, b.Min)
	return b
}

func switchOf(o Optional[bool]) consul.Switch {
	if !o.Set {
		return consul.Unset
	}
	return consul.Set(o.Value)
}
