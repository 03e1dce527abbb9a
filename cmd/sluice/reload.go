package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/sluiceproxy/sluice/config"
)

// reread reads files and templates again. What is wrong with them leaves the
// old work as it is.
func (d *daemon) reread(old *work) (*work, error) {
	if d.config.LogFormat == "text" {
		fmt.Fprintln(d.stderr, "Reloading configuration...")
	}
	c, err := d.cl.Load(d.getenv)
	if err = errors.Join(append(c.Unread, err)...); err != nil {
		return nil, err
	}
	f := old.feed
	if d.lb == nil && !config.SameFeed(old.config, c) {
		if f, err = d.newFeed(c); err != nil {
			return nil, err
		}
	}
	w, err := d.newWork(c, f)
	if err != nil {
		return nil, err
	}
	if err := w.broken(); err != nil {
		return nil, err
	}
	// Last: what was refused above must not count here.
	if err := d.reroute(c); err != nil {
		return nil, err
	}
	return w, nil
}

// reroute has the load balancer route as another configuration says, unless
// anything is wrong with that.
func (d *daemon) reroute(c config.Config) error {
	if d.lb == nil {
		return nil
	}
	o, err := c.ServerOptions()
	if err != nil {
		return err
	}
	return d.lb.Reload(o.Table)
}

// routesAlone answers reload signals where there are no templates. It returns nil
// when ctx ends.
func (d *daemon) routesAlone(ctx context.Context) error {
	current, digest := d.config, filesOf(d.config).digest()
	for {
		if !d.awaitReload(ctx, filesOf(current), digest) {
			return nil
		}
		digest = filesOf(current).digest() // before it is read: what changes then is noticed
		c, err := d.cl.Load(d.getenv)
		if err = errors.Join(append(c.Unread, err)...); err == nil {
			err = d.reroute(c)
		}
		if err != nil {
			d.log.Error("the new configuration is not used; the old one goes on", "err", err)
			continue
		}
		d.level.Set(c.LogLevel.Value.Level())
		d.tellNews(current, c)
		d.tellFixed(c)
		d.log.Info("configuration read again")
		current = c
	}
}

// awaitReload waits for a signal or a change of files. It reports false when ctx ends.
func (d *daemon) awaitReload(ctx context.Context, files fileSet, digest [sha256.Size]byte) bool {
	following, stop := context.WithCancel(ctx)
	defer stop()
	select {
	case <-ctx.Done():
		return false
	case <-d.signals.reload:
	case <-files.follow(following, digest, d.log):
	}
	return true
}

// tellNews warns of what the configuration before did not give reason to.
func (d *daemon) tellNews(before, now config.Config) {
	for _, warning := range now.Warnings {
		if !slices.Contains(before.Warnings, warning) {
			d.log.Warn("configuration", "hint", warning)
		}
	}
}

// swapped puts in force what a new configuration says beside its templates.
func (d *daemon) swapped(old, now *work) {
	if now.feed != old.feed {
		old.feed.stop()
		d.startFeed(now.feed)
	}
	d.level.Set(now.config.LogLevel.Value.Level())
	d.signals.configure(now.config, now.child)
	if err := d.movePIDFile(now.config.PIDFile); err != nil {
		d.log.Error("moving the pid file", "err", err)
	}
	d.tellFixed(now.config)
}

// tellFixed warns of what another configuration changes in vain.
func (d *daemon) tellFixed(c config.Config) {
	for _, setting := range d.config.FixedSettings(c) {
		d.log.Warn("a changed setting counts from the next start", "setting", setting)
	}
}
