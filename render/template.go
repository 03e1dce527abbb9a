package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/sluiceproxy/sluice/render/install"
)

// Template says what to render and where to. [DefaultTemplate] has the
// documented values of what is not given.
type Template struct {
	// Source is the path of the text, or Contents is the text itself.
	Source   string
	Contents string
	// Destination is the file to write. It may be empty in dry mode only.
	Destination string

	// Command makes a new file take effect; it runs after each change.
	Command install.Command
	// CommandTimeout is how long it may take; 0 means 30 s.
	CommandTimeout time.Duration
	// Check has to accept a new file before it replaces the old one. The new
	// file's path stands for {} in it and in $SLUICE_CANDIDATE.
	Check        install.Command
	CheckTimeout time.Duration

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
	if t.CommandTimeout < 0 || t.CheckTimeout < 0 {
		fault("a timeout is negative")
	}
	if err := t.Wait.validate(); err != nil {
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
		Check:        t.Check,
		CheckTimeout: t.CheckTimeout,
		Applies:      t.Command.Set(),
	}
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
		if t.Destination == "" {
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
