package config

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Signal is a signal by its name, SIGHUP, in any case. Zero, written "" or
// SIGNULL, is none.
type Signal syscall.Signal

// UnmarshalText takes the name of a signal.
func (s *Signal) UnmarshalText(text []byte) error {
	name := strings.ToUpper(string(text))
	if name == "" || name == "SIGNULL" {
		*s = 0
		return nil
	}
	if name == "SIGIOT" {
		name = "SIGABRT" // its other name, which unix does not know
	}
	number := unix.SignalNum(name)
	if number == 0 {
		hint := ""
		if unix.SignalNum("SIG"+name) != 0 {
			hint = "; did you mean SIG" + name + "?"
		}
		return fmt.Errorf("%q is not the name of a signal%s", text, hint)
	}
	*s = Signal(number)
	return nil
}

func (s Signal) String() string {
	if s == 0 {
		return "none"
	}
	return unix.SignalName(syscall.Signal(s))
}

// Expects implements [hcl.Expecting].
func (*Signal) Expects() string { return `the name of a signal such as "SIGHUP"` }
