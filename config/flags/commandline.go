// Package flags is the command line: every flag there is, what it sets, and the help.
package flags

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/fabio"
	"github.com/sluiceproxy/sluice/config/migrate"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/internal/nearest"
)

// CommandLine is what was asked for by arguments. It stays the same when the
// configuration is loaded again.
type CommandLine struct {
	Help, Version bool
	// Dry prints what would be written, with Diff as differences.
	Dry, Diff bool
	// Args is what follows the flags.
	Args []string
	// Build is the version of the program.
	Build string
	// Warnings are things to log that are no reason to stop.
	Warnings []string

	fabio     fabio.Settings
	traefik   migrate.Traefik
	Configs   []string
	listeners []config.Listener
	Settings  []func(*config.Config) error
}

// Parse reads arguments in the syntax of Go's flag package: -x, --x,
// -x=value, -x value; "--" ends the flags. Errors have status 13, for a few flags
// 15.
// A subcommand has flags of its own besides.
func Parse(args []string, own ...Flag) (cl CommandLine, err error) {
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
		f, ok := cl.peerFlag(name)
		if !ok {
			if f, err = findFlag(name, own); err != nil {
				return cl, exit.With(exit.Flags, err)
			}
		}
		switch {
		case given:
		case f.Value == "": // a boolean takes no separate value
			value = "true"
		case f.bare != "" && (len(rest) == 0 || strings.HasPrefix(rest[0], "-")):
			value = f.bare
		case len(rest) == 0:
			return cl, exit.With(exit.Flags, fmt.Errorf("flag -%s needs a value: %s", name, f.Value))
		default:
			value, rest = rest[0], rest[1:]
		}
		if err := f.Set(&cl, value); err != nil {
			return cl, exit.With(f.faultStatus(), fmt.Errorf("flag -%s: %w", name, err))
		}
		args = rest
	}
	cl.Args = args
	return cl, nil
}

// peerFlag is a flag of a peer that is stood in for.
func (cl *CommandLine) peerFlag(name string) (flag Flag, ok bool) {
	for _, peer := range cl.peers() {
		if f, ok := peer.Flag(name); ok {
			set := func(_ *CommandLine, value string) error { return f.Set(value) }
			return Flag{Name: name, Value: f.Value, bare: f.Bare, late: true, Set: set}, true
		}
	}
	return flag, false
}

func (cl *CommandLine) peers() []config.PeerSettings {
	return []config.PeerSettings{&cl.fabio, &cl.traefik}
}

// NoMoreArgs is the error for arguments where there may be none.
func (cl CommandLine) NoMoreArgs() error {
	if len(cl.Args) == 0 {
		return nil
	}
	return exit.With(exit.Flags, fmt.Errorf("unexpected argument %q: flags start with - and a subcommand comes first (see sluice -h)", cl.Args[0]))
}

// Load puts the configuration together as the command line says.
func (cl CommandLine) Load(getenv func(string) string) (config.Config, error) {
	return config.Load(config.Sources{
		Version: cl.Build, Peers: cl.peers(), Files: cl.Configs, Settings: cl.Settings, Listeners: cl.listeners,
	}, getenv)
}

// Flag is one flag of the table in flags_table.go.
type Flag struct {
	Name    string
	Value   string // placeholder for the value; empty for a boolean
	bare    string // the value if none is given, empty if one has to be
	Help    string
	Set     setFunc
	aliases []string // other names, not in the help
	// late marks a flag whose value consul-template looks at with the
	// configuration: a fault in it has that status.
	late bool
}

func (f Flag) faultStatus() int {
	if f.late {
		return exit.Config
	}
	return exit.Flags
}

type setFunc func(cl *CommandLine, value string) error

// into is a setFunc for a setting: value is read into what field points at,
// once now, to find mistakes, and again at each Load.
func into(field func(*config.Config) any) setFunc {
	return func(cl *CommandLine, value string) error {
		set := func(c *config.Config) error { return config.Assign(field(c), value) }
		cl.Settings = append(cl.Settings, set)
		scratch := config.DefaultConfig()
		return set(&scratch)
	}
}

// toggle is a setFunc for a switch of the command line itself.
func toggle(field func(*CommandLine) *bool) setFunc {
	return func(cl *CommandLine, value string) error { return config.Assign(field(cl), value) }
}

// toggleText is the same for a text.
func toggleText(field func(*CommandLine) *string) setFunc {
	return func(cl *CommandLine, value string) error { return config.Assign(field(cl), value) }
}

func findFlag(name string, own []Flag) (Flag, error) {
	if i := slices.IndexFunc(own, func(f Flag) bool { return f.Name == name }); i >= 0 {
		return own[i], nil
	}
	for f := range allFlags() {
		if f.Name == name || slices.Contains(f.aliases, name) {
			return f, nil
		}
	}
	names := slices.Collect(flagNames())
	for _, f := range own {
		names = append(names, f.Name)
	}
	return Flag{}, fmt.Errorf("unknown flag -%s%s", name, nearest.Hint(name, "-", slices.Values(names)))
}

func allFlags() iter.Seq[Flag] {
	return func(yield func(Flag) bool) {
		for _, group := range groups() {
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
			if !yield(f.Name) {
				return
			}
		}
	}
}
