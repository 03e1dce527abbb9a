package main

import (
	"context"
	"log/slog"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/consul"
	"github.com/sluiceproxy/sluice/watch/fabio"
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
func newSources(c config.Config, getenv func(string) string, log *slog.Logger) (*sources, error) {
	contents := file.NewContents(log)
	s := &sources{all: []watch.Source{contents}, run: []func(context.Context) error{contents.Run}}
	if err := s.addNomad(c, getenv); err != nil {
		return nil, err
	}
	if err := s.addVault(c, getenv, log); err != nil {
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
	if !c.AsksConsul() {
		routes := fabio.New(registrySource(c.Fabio.Registry))
		s.origin = routes.Origin()
		s.all = append(s.all, routes)
		return s, nil
	}
	environment, err := consul.ConfigFromEnv(getenv)
	if err != nil {
		return nil, exit.With(exit.Config, err)
	}
	agent, err := consul.New(c.ConsulConfig(log).Over(environment))
	if err != nil {
		return nil, exit.With(exit.Config, err)
	}
	s.origin = "Consul at " + agent.Address()
	s.all = append(s.all, agent)
	s.run = append(s.run, agent.Run)
	return s, nil
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
func (s *sources) newWatcher(c config.Config, log *slog.Logger) *watch.Watcher {
	o := watch.DefaultOptions()
	o.MaxConnections = c.Consul.Connections()
	o.Wait = c.BlockQueryWait
	o.MaxStale = c.MaxStale
	o.Backoff = c.Consul.Retry.Limits(o.Backoff)
	o.Logger = log
	return watch.New(o, s.all...)
}

// registrySource is where routes come from without Consul.
func registrySource(r config.FabioRegistry) fabio.Options {
	if r.Backend != "custom" {
		return fabio.Options{}
	}
	return fabio.Options{URL: r.URL, Timeout: r.Timeout, Poll: r.Poll, SkipVerify: r.SkipVerify}
}
