package config

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config/hcl"
)

// Template is one file to render.
type Template struct {
	// Origin is where the template was asked for: file:line:column or flag.
	Origin string

	// One of Source, a path or the @name of one that comes with sluice, and
	// Contents, the text, is set.
	Source      string `hcl:"source"`
	Contents    string `hcl:"contents"`
	Destination string `hcl:"destination"`

	// Exec is what is run after the file changed; it may have
	// no command. Command and CommandTimeout are its older spelling, which Load
	// moves there.
	Exec           Exec                    `hcl:"exec"`
	Command        Command                 `hcl:"command"`
	CommandTimeout Optional[time.Duration] `hcl:"command_timeout"`
	// Reload spares the command where the running program can be told of changes.
	Reload []Reload `hcl:"reload"`
	// Lock is needed to run the command.
	Lock Lock `hcl:"lock"`
	// Check is run on the new file before it takes the old one's place.
	Check Check `hcl:"check"`

	Perms          Perms `hcl:"perms"`
	Backup         bool  `hcl:"backup"`
	CreateDestDirs bool  `hcl:"create_dest_dirs"`

	// User and Group are names or numbers; empty keeps what is. UID and GID are
	// their older spelling, which Load moves there.
	User  NameOrID      `hcl:"user"`
	Group NameOrID      `hcl:"group"`
	UID   Optional[int] `hcl:"uid"`
	GID   Optional[int] `hcl:"gid"`

	ErrorOnMissingKey bool           `hcl:"error_on_missing_key"`
	ErrorFatal        Optional[bool] `hcl:"error_fatal"`
	LeftDelimiter     string         `hcl:"left_delimiter"`
	RightDelimiter    string         `hcl:"right_delimiter"`
	Wait              Optional[Wait] `hcl:"wait"`

	// OnCommandError is what follows when the command has failed, CommandRetries
	// attempts later; see commandPolicies. Never empty after Load.
	OnCommandError string `hcl:"on_command_error"`
	CommandRetries int    `hcl:"command_retries"`

	// MinBytes, MinInstances and MaxShrink keep a new text from its file.
	MinBytes     int     `hcl:"min_bytes"`
	MinInstances int     `hcl:"min_instances"`
	MaxShrink    Percent `hcl:"max_shrink"`
	// Write is "rename" or "inplace".
	Write string `hcl:"write"`

	// FunctionDenylist are patterns of names of functions that may not be called.
	FunctionDenylist []string `hcl:"function_denylist,alias=function_blacklist"`
	// SandboxPath is the folder outside which "file" reads nothing.
	SandboxPath string `hcl:"sandbox_path"`

	// commandGroup is the name of the Group it is in.
	commandGroup string
}

// commandPolicies are the values of OnCommandError: end the program, go on and
// try again, or put the previous file back.
var commandPolicies = []string{"exit", "continue", "rollback"}

// Delimiters are what encloses an action in a template.
type Delimiters struct {
	Left  string `hcl:"left"`
	Right string `hcl:"right"`
}

// Check is a command that judges a file; it stands as {} in its arguments.
type Check struct {
	Command Command       `hcl:"command"`
	Timeout time.Duration `hcl:"timeout"`
}

// defaultCommandTimeout is for checks and reloads alike.
const defaultCommandTimeout = 30 * time.Second

// Command is a program and its arguments or, as a single element with blanks
// in it, a line for the shell.
type Command []string

// UnmarshalText takes a whole command: unlike other lists it is not cut at
// commas, which shell lines are full of.
func (c *Command) UnmarshalText(text []byte) error {
	*c = nil
	if len(text) > 0 {
		*c = Command{string(text)}
	}
	return nil
}

// Expects implements [hcl.Expecting].
func (*Command) Expects() string { return "a string or a list of strings" }

// SetDefaults implements [hcl.Defaulted].
func (t *Template) SetDefaults(at hcl.Position) {
	*t = Template{Origin: at.String(), CreateDestDirs: true, Write: "rename", Check: Check{Timeout: defaultCommandTimeout}}
}

// ParseTemplate reads the value of -template, SRC[:DST[:CMD]]. The command is
// all that follows the second colon, to the byte.
func ParseTemplate(value string) (Template, error) {
	var t Template
	t.SetDefaults(hcl.Position{File: "-template " + value})
	if strings.TrimSpace(value) == "" {
		return t, errors.New("the value is empty; give SRC, SRC:DST or SRC:DST:CMD")
	}
	parts := append(strings.SplitN(value, ":", 3), "", "")
	t.Source, t.Destination = parts[0], parts[1]
	if t.Source == "" {
		return t, errors.New("there is no source before the first colon; give SRC, SRC:DST or SRC:DST:CMD")
	}
	return t, t.Exec.Command.UnmarshalText([]byte(parts[2]))
}

// inherit moves older spellings to their place and fills in what the template
// leaves to the top level.
func (t *Template) inherit(c *Config) {
	if len(t.Exec.Command) == 0 {
		t.Exec.Command = t.Command
	}
	timeout := t.Exec.Timeout.Or(t.CommandTimeout.Or(defaultCommandTimeout))
	t.Exec.Timeout = Some(timeout)
	t.Command, t.CommandTimeout = nil, Optional[time.Duration]{}

	t.User.orID(t.UID)
	t.Group.orID(t.GID)
	t.UID, t.GID = Optional[int]{}, Optional[int]{}

	if c.ErrorFatalForced || !t.ErrorFatal.Set {
		t.ErrorFatal = Some(c.TemplateErrorFatal.Or(c.Alone()))
	}
	t.OnCommandError = cmp.Or(t.OnCommandError, c.OnCommandError)
	if t.OnCommandError == "" {
		t.OnCommandError = "continue"
		if c.Alone() {
			t.OnCommandError = "exit"
		}
	}
	if t.LeftDelimiter == "" {
		t.LeftDelimiter = c.DefaultDelimiters.Left
	}
	if t.RightDelimiter == "" {
		t.RightDelimiter = c.DefaultDelimiters.Right
	}
	t.Wait = Some(t.Wait.Or(c.Wait).settled())
}

// NameOrID is the name or, in digits, the number of a user or group.
type NameOrID string

// UnmarshalNumber implements [hcl.Numbered].
func (n *NameOrID) UnmarshalNumber(id int64) error {
	*n = NameOrID(strconv.FormatInt(id, 10))
	return nil
}

// Expects implements [hcl.Expecting].
func (*NameOrID) Expects() string { return "a name or a number" }

func (n *NameOrID) orID(id Optional[int]) {
	if *n == "" && id.Set {
		*n = NameOrID(strconv.Itoa(id.Value))
	}
}
