package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config/flags"
	"github.com/sluiceproxy/sluice/config/migrate"
	"github.com/sluiceproxy/sluice/internal/exit"
)

// migrate writes the configuration that stands for the files of another load
// balancer.
func (p program) migrate(_ context.Context, args []string) error {
	var kind, out string
	own := []flags.Flag{
		{Name: "kind", Value: "KIND", Help: "What the file is of: fabio, traefik1 or traefik (v2 and v3). Found out if not given.",
			Set: func(_ *flags.CommandLine, value string) error { kind = value; return nil }},
		{Name: "o", Value: "FILE", Help: "Where to write the configuration (default: standard output).",
			Set: func(_ *flags.CommandLine, value string) error { out = value; return nil }},
	}
	cl, err := p.parse(args, own...)
	if err != nil {
		return err
	}
	if cl.Help {
		return p.writeToolUsage(migrateUsage, own)
	}
	if len(cl.Args) == 0 {
		return exit.With(exit.Flags, fmt.Errorf("the file to migrate is missing: sluice migrate [flags] FILE… (see sluice migrate -h)"))
	}
	if !slices.Contains([]string{"", "fabio", "traefik1", "traefik"}, kind) {
		return exit.With(exit.Flags, fmt.Errorf("-kind: %q is none of fabio, traefik1, traefik", kind))
	}
	made, err := migrate.Files(kind, cl.Args, p.getenv)
	if err != nil {
		return exit.With(exit.Config, err)
	}
	for _, note := range made.Notes {
		fmt.Fprintln(p.stderr, note)
	}
	if made.Faults != nil {
		for line := range strings.SplitSeq(made.Faults.Error(), "\n") {
			fmt.Fprintln(p.stderr, "to be mended in the result:", line)
		}
	}
	if out == "" {
		_, err = p.stdout.Write([]byte(made.Text))
		return err
	}
	if err := os.WriteFile(out, []byte(made.Text), 0o600); err != nil { // there may be a token in it
		return fmt.Errorf("-o: %w", err)
	}
	return nil
}
