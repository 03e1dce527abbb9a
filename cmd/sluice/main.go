// Sluice watches Consul and turns what it learns into config files, made from
// templates, and into live traffic, routed by the tags of services.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/flags"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/internal/nearest"
)

// version is set by the linker.
var version = "dev"

func main() {
	p := program{name: programName(os.Args[0]), stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	os.Exit(p.run(context.Background(), os.Args[1:]))
}

// program is what the process is given by its environment.
type program struct {
	name           string // "sluice", or what it is called in its stead
	stdout, stderr io.Writer
	getenv         func(string) string
}

// subcommands are the tools beside the daemon.
var subcommands = map[string]func(program, context.Context, []string) error{
	"validate": program.validate,
	"routes":   program.routes,
	"explain":  program.explain,
	"migrate":  program.migrate,
	"version":  program.version,
}

// run runs the daemon or a subcommand and returns the exit status. What went
// wrong is on stderr, a line for each fault.
func (p program) run(ctx context.Context, args []string) int {
	run := program.serve
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") && p.name == ourName {
		run = subcommands[args[0]]
		if run == nil {
			fmt.Fprintf(p.stderr, "sluice: there is no subcommand %q%s (see sluice -h)\n",
				args[0], nearest.Hint(args[0], "", subcommandNames))
			return exit.Flags
		}
		args = args[1:]
	}
	err := run(p, ctx, args)
	if err == nil {
		return 0
	}
	status := exit.Runner
	if e, ok := errors.AsType[*exit.Error](err); ok {
		status = e.Code
		err = e.Err
	}
	if err != nil {
		prefix := p.name + ": "
		fmt.Fprintln(p.stderr, prefix+strings.ReplaceAll(err.Error(), "\n", "\n"+prefix))
	}
	return status
}

func subcommandNames(yield func(string) bool) {
	for name := range subcommands {
		if !yield(name) {
			return
		}
	}
}

func (p program) version(_ context.Context, args []string) error {
	if len(args) == 1 && slices.Contains([]string{"-h", "-help", "--help"}, args[0]) {
		fmt.Fprint(p.stdout, "Usage: sluice version\n\nPrints the version.\n")
		return nil
	}
	if len(args) > 0 {
		return exit.With(exit.Flags, fmt.Errorf("unexpected argument %q: version takes none", args[0]))
	}
	if p.name != ourName {
		fmt.Fprintf(p.stdout, "%s v%s (%s %s)\n", p.name, consulTemplateVersion, ourName, version)
		return nil
	}
	fmt.Fprintf(p.stdout, "%s %s\n", ourName, version)
	return nil
}

// load reads arguments and configuration for the daemon and the tools alike.
// done is set when help or the version was asked for and printed.
func (p program) load(args []string) (cl flags.CommandLine, c config.Config, done bool, err error) {
	if cl, err = p.parse(args); err != nil {
		return cl, c, false, err
	}
	if cl.Help {
		return cl, c, true, p.writeUsage()
	}
	// A bad configuration wins over -version, as in consul-template.
	if c, err = cl.Load(p.getenv); err != nil {
		return cl, c, false, err
	}
	if cl.Version {
		return cl, c, true, p.version(context.Background(), nil)
	}
	return cl, c, false, nil
}

// parse reads arguments. A subcommand has flags of its own besides.
func (p program) parse(args []string, own ...flags.Flag) (flags.CommandLine, error) {
	cl, err := flags.Parse(args, own...)
	cl.Build = version
	return cl, err
}
