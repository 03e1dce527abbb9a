package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/render/funcs"
)

// parseOnly parses the templates and executes them without any data. It finds
// what can be found so, and writes nothing.
func (d *daemon) parseOnly() error {
	var errs []error
	for _, t := range d.config.Templates {
		parsed, err := render.Parse(t.RenderTemplate(nil))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		e, err := parsed.Execute(funcs.Inputs{Env: os.LookupEnv})
		if err != nil && len(e.Missing) == 0 {
			errs = append(errs, fmt.Errorf("executing without data: %w", err))
		}
	}
	return errors.Join(errs...)
}
