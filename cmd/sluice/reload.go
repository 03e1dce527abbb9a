package main

import (
	"fmt"
	"reflect"
	"slices"
)

// reread reads files and templates again. What is wrong with them leaves the
// old work as it is.
func (d *daemon) reread(old *work) (*work, error) {
	if d.config.LogFormat == "text" {
		fmt.Fprintln(d.stderr, "Reloading configuration...")
	}
	c, err := d.cl.Load(d.getenv)
	if err != nil {
		return nil, err
	}
	f := old.feed
	if d.lb == nil && !sameFeed(old.config, c) {
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
	return w, nil
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
	for _, setting := range d.config.fixedSettings(now.config) {
		d.log.Warn("a changed setting counts from the next start", "setting", setting)
	}
}

// fixedSettings names the settings of another configuration that differ and
// that a running sluice does not take over.
func (c Config) fixedSettings(other Config) []string {
	var changed []string
	differs := func(name string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			changed = append(changed, name)
		}
	}
	differs("lb", c.LB, other.LB)
	differs("admin", c.Admin, other.Admin)
	differs("log_format", c.LogFormat, other.LogFormat)
	differs("log_file", c.LogFile, other.LogFile)
	differs("syslog", c.Syslog, other.Syslog)
	if len(c.LB.Listeners) > 0 {
		differs("tags", c.Tags, other.Tags)
		differs("route", c.Routes, other.Routes)
		differs("middleware", c.Middlewares, other.Middlewares)
		differs("defaults", c.Defaults, other.Defaults)
		differs("claim", c.Claims, other.Claims)
		if !sameFeed(c, other) {
			changed = append(changed, "consul or catalog")
		}
	}
	return slices.Clip(changed)
}
