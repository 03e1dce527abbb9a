package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/watch/consul"
)

// registering has sluice registered with Consul under its own name and those
// that tags ask for.
type registering struct {
	*consul.Registrar
	names func() []string
	grace time.Duration
}

// newRegistering is nil if there is no load balancer or no Consul.
func (d *daemon) newRegistering(c config.Config) (*registering, error) {
	if d.lb == nil || !c.AsksConsul() {
		return nil, nil
	}
	environment, err := consul.ConfigFromEnv(d.getenv)
	if err != nil {
		return nil, err
	}
	base, err := c.Registration()
	if err != nil {
		if !c.Fabio.Register.Enabled {
			return nil, nil // nothing but the alias of a tag could need it
		}
		return nil, fmt.Errorf("fabio.register: %w", err)
	}
	registrar, err := consul.NewRegistrar(c.ConsulConfig(d.log).Over(environment), base)
	if err != nil {
		return nil, err
	}
	r := &registering{Registrar: registrar, grace: c.Fabio.Register.Grace}
	r.names = func() []string {
		var names []string
		if c.Fabio.Register.Enabled {
			names = append(names, base.Name)
		}
		for _, alias := range d.lb.Table().Aliases() {
			if !slices.Contains(names, alias) {
				names = append(names, alias)
			}
		}
		return names
	}
	return r, nil
}

// Run registers until ctx ends, deregisters, and then leaves those who still
// come the grace they need, unless nobody serves them any more.
func (r *registering) Run(ctx context.Context, unserved <-chan struct{}) error {
	following, end := context.WithCancel(ctx)
	defer end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.follow(following)
	}()
	err := r.Registrar.Run(ctx)
	end()
	<-done
	select {
	case <-time.After(r.grace):
	case <-unserved:
	}
	return err
}

// follow tells the registrar of names that come and go.
func (r *registering) follow(ctx context.Context) {
	const often = 500 * time.Millisecond
	ticker := time.NewTicker(often)
	defer ticker.Stop()
	for {
		r.Set(r.names())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
