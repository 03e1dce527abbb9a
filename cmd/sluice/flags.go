package main

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/internal/nearest"
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
	listeners []config.Listener
	settings  []func(*config.Config) error
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

// Load puts the configuration together as the command line says.
func (cl commandLine) Load(getenv func(string) string) (config.Config, error) {
	return config.Load(config.Sources{
		Version: version, Peers: []config.PeerSettings{&cl.fabio, &cl.traefik}, Files: cl.configs, Settings: cl.settings, Listeners: cl.listeners,
	}, getenv)
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
func into(field func(*config.Config) any) setFunc {
	return func(cl *commandLine, value string) error {
		set := func(c *config.Config) error { return config.Assign(field(c), value) }
		cl.settings = append(cl.settings, set)
		scratch := config.DefaultConfig()
		return set(&scratch)
	}
}

// toggle is a setFunc for a switch of the command line itself.
func toggle(field func(*commandLine) *bool) setFunc {
	return func(cl *commandLine, value string) error { return config.Assign(field(cl), value) }
}

// toggleText is the same for a text.
func toggleText(field func(*commandLine) *string) setFunc {
	return func(cl *commandLine, value string) error { return config.Assign(field(cl), value) }
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
