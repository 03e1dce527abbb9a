package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/render/install"
)

// stream as a source is standard input, as a destination standard output.
const stream = "-"

// included before a name is the source of a template of package templates.
const included = "@"

// Template says what to render and where to. [DefaultTemplate] has the
// documented values of what is not given.
type Template struct {
	// Source is the path of the text, or Contents is the text itself. The source
	// "-" is standard input, and "@nginx" a template of package templates.
	Source   string
	Contents string
	// Destination is the file to write, "-" standard output. It may be empty in
	// dry mode only.
	Destination string

	// Command makes a new file take effect; it runs after each change.
	Command install.Command
	// CommandTimeout is how long it may take; 0 means 30 s.
	CommandTimeout time.Duration
	// CommandDetached starts the command, and neither waits for it nor minds its
	// status.
	CommandDetached bool
	// CommandEnv is the whole environment of Command and Check; nil means
	// [Options.CommandEnv].
	CommandEnv []string
	// KillSignal and KillAfter end a command that takes too long; zero means
	// SIGTERM, and SIGKILL 5 s later.
	KillSignal syscall.Signal
	KillAfter  time.Duration
	// Splay delays the command by a random time up to this.
	Splay time.Duration
	// Lock has to be had while the command runs; see [Options.Locker].
	Lock Lock
	// CommandRetries is how many more attempts a failed command has before
	// OnCommandError counts.
	CommandRetries int
	OnCommandError CommandPolicy
	// CommandGroup names the templates that share one command, which waits until
	// none of them has anything left to write. Empty is none.
	CommandGroup string

	// Runtime, if not nil, is asked to take a change to the program that reads
	// the file. Where it can, Command does not run.
	Runtime Runtime

	// Check has to accept a new file before it replaces the old one. The new
	// file's path stands for {} in it and in $SLUICE_CANDIDATE.
	Check        install.Command
	CheckTimeout time.Duration

	// MinBytes and MinInstances hold back a text that is smaller, or that came of
	// fewer instances in all service queries together. MaxShrink holds back one
	// that is smaller than the file in place by more than so many percent; 0 is
	// off.
	MinBytes     int
	MinInstances int
	MaxShrink    int

	// ErrorFatal makes Run return when the template cannot be executed or its
	// file cannot be written.
	ErrorFatal bool

	// InPlace writes into the existing file in place of replacing it.
	InPlace bool
	// Perms is the mode of the file; 0 keeps what it has, 0644 at first.
	Perms fs.FileMode
	// User and Group are the owner, by name or number; empty keeps what is.
	User, Group string
	// Backup keeps the previous file as Destination.bak.
	Backup bool
	// CreateDestDirs makes missing folders.
	CreateDestDirs bool

	// Wait delays all but the first rendering until data is quiet.
	Wait Wait

	// LeftDelimiter and RightDelimiter enclose actions; empty means {{ and }}.
	LeftDelimiter, RightDelimiter string
	// ErrorOnMissingKey makes a key that a map does not have an error instead
	// of "<no value>".
	ErrorOnMissingKey bool

	// FunctionDenylist names functions the template may not call; * stands for
	// any text.
	FunctionDenylist []string
	// SandboxPath, if not empty, is the folder outside which "file" reads nothing.
	SandboxPath string
}

// Runtime changes a running program without its command. It is called by one
// goroutine at a time.
type Runtime interface {
	// Apply takes the program from the file it runs by to the one now in place. An
	// error means that the command has to run after all.
	Apply(ctx context.Context, before, after []byte) error
}

// CommandPolicy is what follows when a command has failed for good.
type CommandPolicy string

const (
	// CommandRetry tries again for ever; with Options.Once it is CommandExit.
	// It is the zero value.
	CommandRetry CommandPolicy = ""
	// CommandExit makes Run return the error.
	CommandExit CommandPolicy = "exit"
	// CommandContinue logs the error and tries again for ever; with Options.Once
	// it is logged only.
	CommandContinue CommandPolicy = "continue"
	// CommandRollback puts the previous file back and runs the command for it.
	CommandRollback CommandPolicy = "rollback"
)

// DefaultTemplate is a template with the documented defaults.
func DefaultTemplate() Template {
	return Template{
		CommandTimeout: install.DefaultTimeout,
		CheckTimeout:   install.DefaultTimeout,
		CreateDestDirs: true,
	}
}

// dynamic stands for the source of a template given as text.
const dynamic = "(dynamic)"

// Name is the source's path, for messages.
func (t Template) Name() string {
	if t.Source == "" {
		return dynamic
	}
	return t.Source
}

// validate finds what is wrong with the settings themselves; the text is
// looked at by [Parse].
func (t Template) validate(dry bool) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case t.Source == "" && t.Contents == "":
		fault("neither source nor contents is given")
	case t.Source != "" && t.Contents != "":
		fault("both source and contents are given")
	}
	if t.Destination == "" && !dry {
		fault("no destination is given")
	}
	if t.CommandTimeout < 0 || t.CheckTimeout < 0 || t.KillAfter < 0 || t.Splay < 0 {
		fault("a timeout is negative")
	}
	if err := errors.Join(t.Wait.validate(), t.Lock.validate()); err != nil {
		faults = append(faults, err)
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("template %s: %w", t.Name(), errors.Join(faults...))
}

func (t Template) file() install.File {
	return install.File{
		Path:         t.Destination,
		Perms:        t.Perms,
		User:         t.User,
		Group:        t.Group,
		CreateDirs:   t.CreateDestDirs,
		Backup:       t.Backup,
		InPlace:      t.InPlace,
		Check:        t.Check,
		CheckTimeout: t.CheckTimeout,
		CheckEnv:     t.CommandEnv,
		Applies:      t.Command.Set(),
	}
}

// call is the command with its settings.
func (t Template) call() install.Call {
	return install.Call{
		Command:    t.Command,
		Timeout:    t.CommandTimeout,
		Detached:   t.CommandDetached,
		Env:        t.CommandEnv,
		KillSignal: t.KillSignal,
		KillAfter:  t.KillAfter,
	}
}

// sharesCommand reports whether one run of the command will do for both.
func (t Template) sharesCommand(other Template) bool {
	return t.CommandGroup == other.CommandGroup && t.Lock == other.Lock && t.Command.Equal(other.Command)
}

// validateAll joins the faults of all templates. Two that write one file would
// replace each other's text for ever.
func validateAll(templates []Template, dry bool) error {
	var faults []error
	writers := make(map[string]string)
	for _, t := range templates {
		if err := t.validate(dry); err != nil {
			faults = append(faults, err)
		}
		if t.Destination == "" || t.Destination == stream {
			continue
		}
		path := filepath.Clean(t.Destination)
		if other, taken := writers[path]; taken {
			faults = append(faults, fmt.Errorf("templates %s and %s have the same destination %s", other, t.Name(), path))
		}
		writers[path] = t.Name()
	}
	return errors.Join(faults...)
}
