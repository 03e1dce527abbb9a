package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/lb/middleware"
	"github.com/sluiceproxy/sluice/render"
)

// validate checks all that can be checked without a network: settings,
// listeners, templates and, with -catalog, service definitions and their tags.
// It tells all faults at once.
func (p program) validate(ctx context.Context, args []string) error {
	cl, err := p.parse(args)
	if err != nil {
		return err
	}
	if cl.Help {
		return p.writeToolUsage(validateUsage, nil)
	}
	if err := cl.NoMoreArgs(); err != nil {
		return err
	}
	c, err := cl.Load(p.getenv)
	faults := slices.Concat(c.Unread, []error{err, c.ValidateLocks()})
	if o, err := c.ServerOptions(); err != nil {
		faults = append(faults, err)
	} else {
		faults = append(faults, o.CheckCertificates())
	}
	for _, t := range c.Templates {
		_, err := render.Parse(t.RenderTemplate(nil))
		faults = append(faults, err)
	}
	if c.Catalog.Path != "" {
		faults = append(faults, p.validateCatalog(ctx, c)...)
	} else {
		faults = append(faults, checkMiddlewares(c)...)
	}
	if err := errors.Join(faults...); err != nil {
		return exit.With(exit.Config, err)
	}
	for _, path := range cl.Configs {
		fmt.Fprintf(p.stdout, "%s: good\n", path)
	}
	if len(c.Templates)+len(c.LB.Listeners) == 0 && c.Catalog.Path == "" {
		fmt.Fprintln(p.stdout, "there is no template, no listener and no catalog to check (see sluice validate -h)")
		return nil
	}
	fmt.Fprintf(p.stdout, "good: %d %s, %d %s\n",
		len(c.Templates), plural(len(c.Templates), "template", "templates"),
		len(c.LB.Listeners), plural(len(c.LB.Listeners), "listener", "listeners"))
	return nil
}

// checkMiddlewares lists those of the configuration that no route could have. Whether
// services they name exist is for the catalog to say.
func checkMiddlewares(c config.Config) []error {
	var faults []error
	for _, m := range c.Middlewares {
		if m.Spec == nil {
			continue // as is told
		}
		if err := middleware.Check(m.Spec); err != nil {
			faults = append(faults, fmt.Errorf("%s: middleware %q: %w", m.Origin, m.Name, err))
		}
	}
	return faults
}

// validateCatalog lists the faults of the embedded catalog's files and tags.
func (p program) validateCatalog(ctx context.Context, c config.Config) []error {
	info, err := os.Stat(c.Catalog.Path)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "catalog", Path: c.Catalog.Path, Err: errors.New("not a folder")}
	}
	if err != nil {
		return []error{err}
	}
	c.LB.Listeners = nil // checked before
	table, s, err := p.readTable(ctx, c)
	if err != nil {
		return []error{err}
	}
	var faults []error
	for _, f := range append(tagProblems(table.Problems()), fileProblems(s.catalog)...) {
		faults = append(faults, errors.New(f.String()))
	}
	return faults
}
