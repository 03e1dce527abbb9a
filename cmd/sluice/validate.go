package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/watch/file"
)

// validate checks all that can be checked without a network: settings,
// listeners, templates and, with -catalog, service definitions and their tags.
// It tells all faults at once.
func (p program) validate(ctx context.Context, args []string) error {
	cl, err := parseCommandLine(args)
	if err != nil {
		return err
	}
	if cl.Help {
		return p.writeUsage()
	}
	if err := cl.noMoreArgs(); err != nil {
		return err
	}
	c, err := cl.Load(p.getenv)
	faults := []error{err}
	if _, err := c.serverOptions(); err != nil {
		faults = append(faults, err)
	}
	for _, t := range c.Templates {
		if _, err := render.Parse(t.renderTemplate(nil)); err != nil {
			faults = append(faults, err)
		}
	}
	problems := 0
	if c.Catalog.Path != "" {
		if _, err := file.NewCatalog(c.Catalog.Path, file.DefaultOptions()); err != nil {
			faults = append(faults, err)
		} else if table, s, err := p.readTable(ctx, c); err == nil {
			found := append(tagProblems(table.Problems()), fileProblems(s.catalog)...)
			for _, f := range found {
				faults = append(faults, errors.New(f.String()))
			}
			problems = len(found)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return &exitError{exitConfig, err}
	}
	for _, path := range cl.configs {
		fmt.Fprintf(p.stdout, "%s: good\n", path)
	}
	fmt.Fprintf(p.stdout, "%d templates, %d listeners, %d problems\n", len(c.Templates), len(c.LB.Listeners), problems)
	return nil
}
