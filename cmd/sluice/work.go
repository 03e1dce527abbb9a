package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/render/child"
	"github.com/sluiceproxy/sluice/render/install"
	"github.com/sluiceproxy/sluice/watch/consul"
	"golang.org/x/sync/errgroup"
)

// work is what one configuration makes of its templates: a renderer, and the
// program that lives on what it renders.
type work struct {
	config   config.Config
	feed     *feed
	stderr   io.Writer
	renderer *render.Renderer
	child    *child.Child      // nil without one
	locker   *consul.Locker    // nil without locks
	claims   *consul.Claims    // nil without deduplication
	digest   [sha256.Size]byte // of the files it was made from, if they are watched

	// complete is closed when everything has been rendered once.
	complete   chan struct{}
	isComplete sync.Once
}

// newWork makes the work of a configuration over a feed. Nothing happens before
// Run, but that templates are read and parsed.
func (d *daemon) newWork(c config.Config, f *feed) (*work, error) {
	environment, err := consul.ConfigFromEnv(d.getenv)
	if err != nil {
		return nil, exit.With(exit.Config, err)
	}
	agent := c.ConsulConfig(d.log).Over(environment)
	own := slices.Concat(config.ConsulEnvironment(agent), c.VaultEnvironment(d.getenv, d.log))
	locker, err := c.NewLocker(agent)
	if err != nil {
		return nil, exit.With(exit.Config, err)
	}

	w := &work{config: c, feed: f, stderr: d.stderr, complete: make(chan struct{})}
	w.digest = filesOf(c).digest()
	o := render.DefaultOptions()
	o.Once, o.Dry, o.Diff = c.Once, d.cl.Dry, d.cl.Diff
	o.AbsentIsError = c.ErrOnFailedLookup
	o.AfterPass = w.afterPass
	o.Env = own.Lookup
	o.CommandEnv = config.ExecEnv{}.Environment(own)
	o.Stdout, o.Stderr, o.Logger = d.stdout, d.stderr, d.log
	for _, t := range c.Templates {
		o.Templates = append(o.Templates, t.RenderTemplate(own))
	}
	if locker != nil {
		o.Locker, w.locker = locker, locker
	}
	if w.claims, err = c.NewClaims(agent, o.Dry); err != nil {
		return nil, exit.With(exit.Config, err)
	}
	if w.claims != nil {
		o.Sharing = render.Sharing{Board: w.claims, Prefix: c.Deduplicate.Keys()}
	}
	if w.renderer, err = render.New(o, f.watcher); err != nil {
		return nil, exit.With(exit.Runner, err)
	}
	if len(c.Exec.Command) > 0 && !d.cl.Dry {
		w.child = child.New(child.Options{
			Command:      install.Command(c.Exec.Command),
			Env:          c.Exec.Env.Environment(own),
			KillSignal:   syscall.Signal(c.Exec.KillSignal.Value),
			KillTimeout:  c.Exec.KillTimeout.Value,
			ReloadSignal: syscall.Signal(c.Exec.ReloadSignal),
			Splay:        c.Exec.Splay,
			Stdin:        os.Stdin,
			Stdout:       d.stdout,
			Stderr:       d.stderr,
		})
	}
	return w, nil
}

// broken joins what is wrong with templates that do not parse.
func (w *work) broken() error {
	var errs []error
	for _, t := range w.renderer.Status() {
		if t.State == render.Broken {
			errs = append(errs, t.Err)
		}
	}
	return errors.Join(errs...)
}

// afterPass tells the program of new files. One that is yet to be started will
// find them.
func (w *work) afterPass(p render.Progress) {
	if !p.Complete {
		return
	}
	if p.Written && w.child != nil {
		w.child.Reload()
	}
	w.isComplete.Do(func() { close(w.complete) })
}

// Run works until ctx ends, and then returns nil. Before, it returns errDone if
// there is nothing left to do, or the failure that ends it all.
func (w *work) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.render(ctx) })
	if len(w.config.LB.Listeners) == 0 {
		group.Go(func() error { return w.giveUp(ctx) })
	}
	if w.config.Once {
		group.Go(func() error { return w.progress(ctx, w.stderr) })
	}
	if w.child != nil {
		group.Go(func() error { return w.supervise(ctx) })
	}
	if w.claims != nil {
		group.Go(func() error { return w.claims.Run(ctx) })
	}
	return group.Wait()
}

func (w *work) render(ctx context.Context) error {
	err := w.renderer.Run(ctx)
	if w.locker != nil {
		w.locker.Close()
	}
	if err != nil {
		return err
	}
	if w.config.Once {
		w.isComplete.Do(func() { close(w.complete) })
		if w.child == nil {
			return errDone
		}
	}
	return nil
}

// supervise runs the program as soon as everything is rendered. Its end is the
// end of everything, and its status that of sluice.
func (w *work) supervise(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-w.complete:
	}
	status, err := w.child.Run(ctx)
	if err != nil {
		return exit.With(exit.Runner, err)
	}
	select {
	case <-ctx.Done(): // we have ended it
		return nil
	default:
	}
	if status == 0 {
		return errDone
	}
	return exit.With(status, fmt.Errorf("%q ended with status %d", install.Command(w.config.Exec.Command), status))
}

// splay is the pause before the program is stopped for a new configuration.
func (w *work) splay(ctx context.Context) {
	if w.child == nil {
		return
	}
	timer := time.NewTimer(child.RandomPart(w.config.Exec.Splay))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
