package main

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/render/install"
	"github.com/sluiceproxy/sluice/watch"
)

// rendering runs the renderer of the newest good configuration.
type rendering struct {
	current atomic.Pointer[render.Renderer]
	// next reads the configuration again and makes its renderer.
	next func() (*render.Renderer, error)
	log  *slog.Logger
}

func (d *daemon) newRendering(c Config) (*rendering, error) {
	first, err := d.newRenderer(c)
	if err != nil {
		return nil, err
	}
	r := &rendering{log: d.log, next: d.rereadTemplates}
	r.current.Store(first)
	return r, nil
}

// rereadTemplates reads files and templates again. What is not about templates
// counts from the next start.
func (d *daemon) rereadTemplates() (*render.Renderer, error) {
	c, err := d.cl.Load(d.getenv)
	if err != nil {
		return nil, err
	}
	return d.newRenderer(c)
}

func (d *daemon) newRenderer(c Config) (*render.Renderer, error) {
	o := render.DefaultOptions()
	o.Once, o.Dry = c.Once, d.cl.Dry
	o.Stdout, o.Stderr, o.Logger = d.stdout, d.stderr, d.log
	for _, t := range c.Templates {
		o.Templates = append(o.Templates, t.renderTemplate())
	}
	r, err := render.New(o, d.watcher)
	if err != nil {
		return nil, &exitError{exitRunner, err}
	}
	return r, nil
}

// Run renders until ctx ends or, with -once, all is rendered. On a reload the
// new renderer takes the old one's place, unless its configuration is wrong.
func (r *rendering) Run(ctx context.Context, reload <-chan os.Signal) error {
	for {
		running, stop := context.WithCancel(ctx)
		next := make(chan *render.Renderer, 1)
		go func() {
			defer close(next)
			if renderer := r.await(running, reload); renderer != nil {
				next <- renderer
				stop()
			}
		}()
		err := r.current.Load().Run(running)
		stop()
		renderer := <-next
		if renderer == nil || ctx.Err() != nil {
			return err
		}
		r.current.Store(renderer)
		r.log.Info("configuration read again")
	}
}

// await returns the renderer of the next good configuration, or nil when ctx
// ends.
func (r *rendering) await(ctx context.Context, reload <-chan os.Signal) *render.Renderer {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reload:
		}
		renderer, err := r.next()
		if err == nil {
			return renderer
		}
		r.log.Error("the new configuration is not used; the old one goes on", "err", err)
	}
}

// Status tells how the templates stand.
func (r *rendering) Status() []render.TemplateStatus { return r.current.Load().Status() }

// renderTemplate is the template as package render takes it.
func (t Template) renderTemplate() render.Template {
	return render.Template{
		Source:            t.Source,
		Contents:          t.Contents,
		Destination:       t.Destination,
		Command:           install.Command(t.Exec.Command),
		CommandTimeout:    t.Exec.Timeout.Value,
		Check:             install.Command(t.Check.Command),
		CheckTimeout:      t.Check.Timeout,
		Perms:             fs.FileMode(t.Perms),
		User:              string(t.User),
		Group:             string(t.Group),
		Backup:            t.Backup,
		CreateDestDirs:    t.CreateDestDirs,
		Wait:              render.Wait{Min: t.Wait.Value.Min, Max: t.Wait.Value.Max},
		LeftDelimiter:     t.LeftDelimiter,
		RightDelimiter:    t.RightDelimiter,
		ErrorOnMissingKey: t.ErrorOnMissingKey,
	}
}

// missingOf describes queries for people.
func missingOf(queries []watch.Query) []string {
	texts := make([]string, 0, len(queries))
	for _, q := range queries {
		texts = append(texts, q.String())
	}
	return texts
}
