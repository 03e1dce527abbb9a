package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/cmd/sluice/metrics"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/accesslog"
)

// balancing is the load balancer of a configuration.
type balancing struct {
	metrics.Balancer
	log *slog.Logger
}

// newBalancing opens the access log and binds the listeners.
func (d *daemon) newBalancing(c config.Config, from *feed) (*balancing, error) {
	o, err := c.ServerOptions()
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
	if c.LB.AccessLog.IsOn() {
		if o.AccessLog, err = accesslog.New(c.LB.AccessLog.Options(d.stdout, d.stderr, d.log)); err != nil {
			return nil, exit.With(exit.Config, err)
		}
	}
	tracer, err := c.Tracer(d.log)
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
	return &balancing{metrics.Balancer{Server: server, AccessLog: o.AccessLog, Tracer: tracer}, d.log}, nil
}

// Run serves until ctx ends and the server has drained. Then the access log is
// written to its end, unless its target takes nothing, and the last spans are
// exported.
func (b *balancing) Run(ctx context.Context) error {
	telling, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var tracing sync.WaitGroup
	if b.Tracer != nil {
		tracing.Go(func() { _ = b.Tracer.Run(telling) }) // is nil
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		if b.AccessLog != nil {
			_ = b.AccessLog.Run(telling) // is nil
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
