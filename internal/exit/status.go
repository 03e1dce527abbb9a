// Package exit has the statuses the program ends with, and errors that have one.
package exit

// The statuses are consul-template's, because unit files and scripts know them.
const (
	Differs = 2  // -dry -diff or routes -diff found a difference
	Stopped = 12 // ended by the kill signal
	Flags   = 13 // the command line or CT_LOCAL_CONFIG makes no sense
	Runner  = 14 // a template, a command or a file failed
	Config  = 15 // the configuration makes no sense
)

// Error is an error that ends the program with a certain status.
type Error struct {
	Code int
	Err  error // nil if there is nothing left to tell
}

// With is an error with a status.
func With(code int, err error) error { return &Error{code, err} }

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }
