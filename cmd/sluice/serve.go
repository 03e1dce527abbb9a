package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/sluiceproxy/sluice/cmd/sluice/logging"
	"github.com/sluiceproxy/sluice/cmd/sluice/metrics"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/flags"
	"github.com/sluiceproxy/sluice/internal/exit"
	"golang.org/x/sync/errgroup"
)

// daemon is sluice at work: what answers questions, and what shows the answers
// to the world.
type daemon struct {
	program
	cl      flags.CommandLine
	config  config.Config // of the start; a reload makes new work
	log     *slog.Logger
	level   *slog.LevelVar
	signals *signals
	pidFile string // that exists

	feed     *feed        // of the start
	renderer *rendering   // nil without templates
	lb       *balancing   // nil without listeners
	registry *registering // nil if there is nothing to register

	// startFeed starts the feed of a new configuration.
	startFeed func(*feed)
}

// serve runs the daemon until a signal ends it or, with -once, until all is
// rendered.
func (p program) serve(ctx context.Context, args []string) error {
	cl, c, done, err := p.load(args)
	if err != nil || done {
		return err
	}
	if err := cl.NoMoreArgs(); err != nil {
		return err
	}
	logs, err := logging.Open(c, p.name, p.stderr)
	if err != nil {
		return exit.With(exit.Config, err)
	}
	defer logs.Close()
	logs.TakeStandard()
	c.Runtime.Set()
	d := &daemon{program: p, cl: cl, config: c, log: logs.Logger, level: logs.Level, signals: newSignals()}
	for _, warning := range cl.Warnings {
		d.log.Warn("command line", "hint", warning)
	}
	d.tellNews(config.Config{}, c)
	for _, err := range c.Unread {
		d.log.Error("what cannot be read is left out", "err", err)
	}
	if err := d.contradictions(); err != nil {
		return exit.With(exit.Flags, err)
	}
	switch {
	case c.ParseOnly:
		return d.parseOnly()
	case c.Once && len(c.Templates) == 0 && len(c.Exec.Command) == 0:
		return nil
	}
	return d.told(d.serve(ctx))
}

// contradictions joins what cannot be asked for together.
func (d *daemon) contradictions() error {
	var faults []error
	if d.config.Once && len(d.config.LB.Listeners) > 0 {
		faults = append(faults, errors.New("-once renders and ends, so it cannot be combined with -lb"))
	}
	if d.cl.Diff && !d.cl.Dry {
		faults = append(faults, errors.New("-diff says how -dry prints, so it needs -dry"))
	}
	return errors.Join(faults...)
}

// told logs what ended the daemon, which is then told.
func (d *daemon) told(err error) error {
	if err == nil {
		return nil
	}
	status := exit.Runner
	if e, ok := errors.AsType[*exit.Error](err); ok {
		status, err = e.Code, e.Err
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			d.log.Error(line, logging.PartKey, "cli")
		}
	}
	return &exit.Error{Code: status}
}

func (d *daemon) serve(ctx context.Context) error {
	d.signals.configure(d.config, nil)
	ctx, stop := d.signals.context(ctx)
	defer stop()
	if d.config.Once && d.config.OnceTimeout > 0 {
		late := fmt.Errorf("not everything is rendered after %v", d.config.OnceTimeout)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.config.OnceTimeout, late)
		defer cancel()
	}
	if err := d.open(); err != nil {
		return err
	}
	defer d.close()
	err := d.run(ctx)
	if d.signals.killed.Load() && d.lb == nil {
		// Consul-template's, which unit files list as success.
		return &exit.Error{Code: d.config.ExitCodeOnStop.Or(exit.Stopped)}
	}
	if err == nil && d.cl.Diff && d.config.Once && d.renderer.current.Load().renderer.Differs() {
		return &exit.Error{Code: exit.Differs}
	}
	return err
}

// open makes every part and binds what has to be bound, so that what cannot
// work ends the program before anything has started.
func (d *daemon) open() (err error) {
	if d.feed, err = d.newFeed(d.config); err != nil {
		return err
	}
	if len(d.config.LB.Listeners) > 0 {
		if d.lb, err = d.newBalancing(d.config, d.feed); err != nil {
			return err
		}
		d.signals.accessLog.Store(d.lb.AccessLog)
		if d.registry, err = d.newRegistering(d.config); err != nil {
			return exit.With(exit.Config, err)
		}
	}
	if len(d.config.Templates) == 0 && d.lb != nil {
		return nil
	}
	first, err := d.newWork(d.config, d.feed)
	if err != nil {
		return err
	}
	d.renderer = &rendering{log: d.log, next: d.reread, swapped: d.swapped}
	d.renderer.current.Store(first)
	d.signals.configure(d.config, first.child)
	return nil
}

func (d *daemon) close() {
	if d.lb != nil {
		d.lb.Close()
	}
}

// run starts everything and returns when all has ended. The outputs end first,
// while what they read from still runs: a draining server wants its catalog.
func (d *daemon) run(ctx context.Context) error {
	if err := d.movePIDFile(d.config.PIDFile); err != nil {
		return err
	}
	defer d.removePIDFile()

	inputs, endInputs := context.WithCancel(context.WithoutCancel(ctx))
	defer endInputs()
	outputs, ctx := errgroup.WithContext(ctx)
	below, failed := errgroup.WithContext(inputs)

	d.startFeed = func(f *feed) { f.start(inputs, below) }
	d.startFeed(d.feed)
	servers, err := d.openAdmin()
	if err != nil {
		return exit.With(exit.Config, err)
	}
	for _, server := range servers {
		below.Go(func() error { return server.Run(inputs) })
	}
	for _, pusher := range metrics.Pushers(d.counted(), d.stdout, d.log) {
		below.Go(func() error { return pusher.Run(inputs) }) // the last of what is drained, too
	}
	// An input that fails takes the outputs with it.
	outputs.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-failed.Done():
			return errInput
		}
	})
	outputs.Go(func() error { return d.notifyReady(ctx) })
	if d.lb != nil {
		outputs.Go(func() error { return d.balance(ctx) })
	}
	if d.renderer == nil {
		outputs.Go(func() error { return d.routesAlone(ctx) })
	} else {
		outputs.Go(func() error { return d.renderer.Run(ctx, d.signals.reload) })
	}
	err = outputs.Wait()
	endInputs()
	inputErr := below.Wait()
	if errors.Is(err, errInput) || errors.Is(err, errDone) {
		return inputErr
	}
	return errors.Join(err, inputErr)
}

var (
	errDone  = errors.New("there is nothing left to do")
	errInput = errors.New("a source or the admin listener has failed")
)

// balance runs the load balancer. It is registered only while it accepts
// requests, and deregistered before it stops.
func (d *daemon) balance(ctx context.Context) error {
	if d.registry == nil {
		return d.lb.Run(ctx)
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, failed := errgroup.WithContext(ctx)
	unserved := make(chan struct{})
	group.Go(func() error {
		defer close(unserved)
		return d.lb.Run(serving)
	})
	group.Go(func() error {
		defer stop()
		return d.registry.Run(failed, unserved)
	})
	return group.Wait()
}

// currentFeed is the one the newest configuration asks.
func (d *daemon) currentFeed() *feed {
	if d.renderer != nil {
		return d.renderer.current.Load().feed
	}
	return d.feed
}
