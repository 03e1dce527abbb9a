package install

import (
	"os/exec"
	"slices"
	"strings"
)

// CandidateVariable names the environment variable that tells a check command
// the path of the file to check.
const CandidateVariable = "SLUICE_CANDIDATE"

// candidatePlaceholder stands for the same path in the command itself.
const candidatePlaceholder = "{}"

// Command is a program with its arguments. A single element that contains
// blanks is a line for the shell; everything else is executed directly, without
// any expansion. An empty Command is none.
type Command []string

// Set reports whether there is anything to run.
func (c Command) Set() bool { return len(c) > 0 && strings.TrimSpace(c[0]) != "" }

// Equal reports whether two commands are written alike. "echo x" and
// ["echo", "x"] are not: one is the shell's to split.
func (c Command) Equal(other Command) bool { return slices.Equal(c, other) }

// String is the command as one line, for people.
func (c Command) String() string { return strings.Join(c, " ") }

// IsShell reports whether the command is a line for the shell.
func (c Command) IsShell() bool {
	return len(c) == 1 && strings.ContainsAny(strings.TrimSpace(c[0]), " \t\n")
}

// Argv is the program to execute and its arguments. The command must be Set.
func (c Command) Argv() []string {
	switch {
	case c.IsShell():
		return []string{shell(), "-c", c[0]}
	case len(c) == 1:
		return []string{strings.TrimSpace(c[0])}
	}
	return c
}

// shell is sh of the PATH, or where it has always been.
func shell() string {
	if path, err := exec.LookPath("sh"); err == nil {
		return path
	}
	return "/bin/sh"
}

// forCandidate puts path in the place of each {}. For the shell it is quoted
// unless it is plain, so that quotes somebody put around {} do no harm.
func (c Command) forCandidate(path string) Command {
	if c.IsShell() && !isPlain(path) {
		path = "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	out := make(Command, len(c))
	for i, arg := range c {
		out[i] = strings.ReplaceAll(arg, candidatePlaceholder, path)
	}
	return out
}

func isPlain(path string) bool {
	return strings.IndexFunc(path, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("/._-+,:@%", r)
	}) < 0
}
