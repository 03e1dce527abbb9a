package main

import (
	"encoding"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// commandLine is what was asked for by arguments. It stays the same when the
// configuration is loaded again.
type commandLine struct {
	Help, Version bool
	// Dry prints what would be written, with Diff as differences.
	Dry, Diff bool
	// Args is what follows the flags.
	Args []string
	// Warnings are things to log that are no reason to stop.
	Warnings []string

	fabio     fabioSettings
	traefik   traefikSettings
	configs   []string
	listeners []Listener
	settings  []func(*Config) error
}

// parseCommandLine reads arguments in the syntax of Go's flag package: -x, --x,
// -x=value, -x value; "--" ends the flags. Errors have status 13, for a few flags
// 15.
// A subcommand has flags of its own besides.
func parseCommandLine(args []string, own ...flagSpec) (cl commandLine, err error) {
	for len(args) > 0 {
		name, ok := strings.CutPrefix(args[0], "-")
		if !ok || name == "" {
			break
		}
		rest := args[1:]
		if args[0] == "--" {
			args = rest
			break
		}
		name, value, given := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		f, ok := cl.fabio.flag(name)
		if !ok {
			f, ok = cl.traefik.flag(name)
		}
		if !ok {
			if f, err = findFlag(name, own); err != nil {
				return cl, exit.With(exit.Flags, err)
			}
		}
		switch {
		case given:
		case f.value == "": // a boolean takes no separate value
			value = "true"
		case f.bare != "" && (len(rest) == 0 || strings.HasPrefix(rest[0], "-")):
			value = f.bare
		case len(rest) == 0:
			return cl, exit.With(exit.Flags, fmt.Errorf("flag -%s needs a value: %s", name, f.value))
		default:
			value, rest = rest[0], rest[1:]
		}
		if err := f.set(&cl, value); err != nil {
			return cl, exit.With(f.faultStatus(), fmt.Errorf("flag -%s: %w", name, err))
		}
		args = rest
	}
	cl.Args = args
	return cl, nil
}

// noMoreArgs is the error for arguments where there may be none.
func (cl commandLine) noMoreArgs() error {
	if len(cl.Args) == 0 {
		return nil
	}
	return exit.With(exit.Flags, fmt.Errorf("unexpected argument %q: flags start with - and a subcommand comes first (see sluice -h)", cl.Args[0]))
}

// Load puts the configuration together, strongest last: defaults, environment
// variables, what Fabio or Traefik was told, files in order, CT_LOCAL_CONFIG, flags. The error joins all faults;
// beside it the Config holds what could be read. Its status is 15, or 13 if only
// CT_LOCAL_CONFIG is at fault, or 14 if only templates are.
func (cl commandLine) Load(getenv func(string) string) (Config, error) {
	const local = "CT_LOCAL_CONFIG"
	c := DefaultConfig()
	inPeer := errors.Join(cl.fabio.load(&c, getenv), cl.traefik.load(&c, getenv))
	c.files = cl.configs
	inFiles := errors.Join(inPeer, c.loadFiles(cl.configs))
	inLocal := c.loadText(local, []byte(getenv(local)))
	for _, set := range cl.settings {
		if err := set(&c); err != nil {
			return c, exit.With(exit.Flags, err) // was accepted before: cannot be
		}
	}
	if len(cl.listeners) > 0 {
		c.LB.Listeners = slices.Clone(cl.listeners)
	}
	// The environment only fills what is still open, hence comes last here.
	inEnv := c.fillLogLevel(getenv)
	inRegistry := c.Fabio.readRegistry()
	c.settle()
	inSettings, inTemplates := c.validateSettings(), c.validateTemplates()

	err := errors.Join(inFiles, inLocal, inEnv, inRegistry, inSettings, inTemplates)
	switch {
	case err == nil:
		return c, nil
	case errors.Join(inFiles, inEnv, inRegistry, inSettings) != nil:
		return c, exit.With(exit.Config, err)
	case inLocal != nil:
		return c, exit.With(exit.Flags, err)
	}
	return c, exit.With(exit.Runner, err)
}

// flagSpec is one flag of the table in flags_table.go.
type flagSpec struct {
	name    string
	value   string // placeholder for the value; empty for a boolean
	bare    string // the value if none is given, empty if one has to be
	help    string
	set     setFunc
	aliases []string // other names, not in the help
	// late marks a flag whose value consul-template looks at with the
	// configuration: a fault in it has that status.
	late bool
}

func (f flagSpec) faultStatus() int {
	if f.late {
		return exit.Config
	}
	return exit.Flags
}

type setFunc func(cl *commandLine, value string) error

// into is a setFunc for a setting: value is read into what field points at,
// once now, to find mistakes, and again at each Load.
func into(field func(*Config) any) setFunc {
	return func(cl *commandLine, value string) error {
		set := func(c *Config) error { return assign(field(c), value) }
		cl.settings = append(cl.settings, set)
		scratch := DefaultConfig()
		return set(&scratch)
	}
}

// toggle is a setFunc for a switch of the command line itself.
func toggle(field func(*commandLine) *bool) setFunc {
	return func(cl *commandLine, value string) error { return assign(field(cl), value) }
}

// toggleText is the same for a text.
func toggleText(field func(*commandLine) *string) setFunc {
	return func(cl *commandLine, value string) error { return assign(field(cl), value) }
}

// assign reads a flag's value into a setting.
func assign(target any, value string) (err error) {
	switch t := target.(type) {
	case slotted:
		return assign(t.slot(), value)
	case encoding.TextUnmarshaler:
		return t.UnmarshalText([]byte(value))
	case *string:
		*t = value
	case *dial.Secret:
		*t = dial.Secret(value)
	case *bool:
		if *t, err = strconv.ParseBool(value); err != nil {
			return fmt.Errorf("%q is not true or false", value)
		}
	case *[]string:
		*t = append(*t, value)
	case *int:
		if *t, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
	case *time.Duration:
		if *t, err = time.ParseDuration(value); err != nil {
			return fmt.Errorf("%q is not a duration such as 250ms or 1m30s", value)
		}
	default:
		return fmt.Errorf("no flag can set a %T", target)
	}
	return nil
}

func findFlag(name string, own []flagSpec) (flagSpec, error) {
	if i := slices.IndexFunc(own, func(f flagSpec) bool { return f.name == name }); i >= 0 {
		return own[i], nil
	}
	for f := range allFlags() {
		if f.name == name || slices.Contains(f.aliases, name) {
			return f, nil
		}
	}
	names := slices.Collect(flagNames())
	for _, f := range own {
		names = append(names, f.name)
	}
	return flagSpec{}, fmt.Errorf("unknown flag -%s%s", name, nearest.Hint(name, "-", slices.Values(names)))
}

func allFlags() iter.Seq[flagSpec] {
	return func(yield func(flagSpec) bool) {
		for _, group := range flagGroups() {
			for _, f := range group.flags {
				if !yield(f) {
					return
				}
			}
		}
	}
}

func flagNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for f := range allFlags() {
			if !yield(f.name) {
				return
			}
		}
	}
}
