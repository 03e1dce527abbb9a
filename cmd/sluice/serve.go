package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"

	"github.com/sluiceproxy/sluice/watch"
	"golang.org/x/sync/errgroup"
)

// daemon is sluice at work: sources, the watcher over them, and what shows the
// watcher's answers to the world.
type daemon struct {
	program
	cl     commandLine
	config Config
	log    *slog.Logger

	sources  *sources
	watcher  *watch.Watcher
	renderer *rendering // nil without templates
	lb       *balancing // nil without listeners
}

// serve runs the daemon until a signal ends it or, with -once, until all is
// rendered.
func (p program) serve(ctx context.Context, args []string) error {
	cl, config, done, err := p.load(args)
	if err != nil || done {
		return err
	}
	if err := cl.noMoreArgs(); err != nil {
		return err
	}
	d := &daemon{program: p, cl: cl, config: config, log: newLogger(p.stderr, config.LogFormat, config.LogLevel.Value)}
	for _, warning := range cl.Warnings {
		d.log.Warn("command line", "hint", warning)
	}
	if config.Once && len(config.LB.Listeners) > 0 {
		return &exitError{exitFlags, errors.New("-once renders and ends, so it cannot be combined with -lb")}
	}
	if config.Once && len(config.Templates) == 0 {
		return nil
	}
	signals := newSignals(config)
	defer signals.stop()
	ctx, stop := signals.context(ctx)
	defer stop()

	if err := d.open(); err != nil {
		return err
	}
	defer d.close()
	if err := d.run(ctx, signals.reload); err != nil {
		return err
	}
	return d.ending(signals)
}

// open makes every part and binds what has to be bound, so that what cannot
// work ends the program before anything has started.
func (d *daemon) open() (err error) {
	if d.sources, err = newSources(d.config, d.getenv, d.log); err != nil {
		return err
	}
	d.watcher = d.sources.newWatcher(d.config, d.log)
	if len(d.config.LB.Listeners) > 0 {
		if d.lb, err = newBalancing(d.config, d.watcher, d.log); err != nil {
			return err
		}
	}
	if len(d.config.Templates) > 0 || d.lb == nil {
		d.renderer, err = d.newRendering(d.config)
	}
	return err
}

func (d *daemon) close() {
	if d.lb != nil {
		d.lb.Close()
	}
}

// run starts everything and returns when all has ended. The outputs end first,
// while what they read from still runs: a draining server wants its catalog.
func (d *daemon) run(ctx context.Context, reload <-chan os.Signal) error {
	if err := d.writePIDFile(); err != nil {
		return err
	}
	defer d.removePIDFile()

	inputs, endInputs := context.WithCancel(context.WithoutCancel(ctx))
	defer endInputs()
	outputs, ctx := errgroup.WithContext(ctx)
	below, failed := errgroup.WithContext(inputs)
	below.Go(func() error { return d.sources.Run(inputs) })
	below.Go(func() error { return d.watcher.Run(inputs) })
	if d.config.Admin.Listen != adminOff {
		server, err := d.newAdmin()
		if err != nil {
			return &exitError{exitConfig, err}
		}
		below.Go(func() error { return server.Run(inputs) })
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
	if d.lb != nil {
		outputs.Go(func() error { return d.lb.Run(ctx) })
	}
	if d.renderer != nil {
		outputs.Go(func() error {
			err := d.renderer.Run(ctx, reload)
			if d.config.Once && err == nil {
				return errDone
			}
			return err
		})
	}
	err := outputs.Wait()
	endInputs()
	inputErr := below.Wait()
	switch {
	case errors.Is(err, errInput):
		return inputErr
	case errors.Is(err, errDone):
		return inputErr
	}
	return errors.Join(err, inputErr)
}

var (
	errDone  = errors.New("everything is rendered")
	errInput = errors.New("a source or the admin listener has failed")
)

// ending is the exit status of a stop that was asked for: with templates only,
// consul-template's, which unit files list as success; else 0.
func (d *daemon) ending(s *signals) error {
	if s.killed.Load() && d.lb == nil && !d.config.Once {
		return &exitError{code: exitStopped}
	}
	return nil
}

func (d *daemon) writePIDFile() error {
	if d.config.PIDFile == "" {
		return nil
	}
	return os.WriteFile(d.config.PIDFile, []byte(strconv.Itoa(os.Getpid())), 0o666)
}

func (d *daemon) removePIDFile() {
	if d.config.PIDFile != "" {
		_ = os.Remove(d.config.PIDFile)
	}
}
