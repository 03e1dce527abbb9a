package main

// Exit statuses are consul-template's, because unit files and scripts know them.
const (
	exitDiffers = 2  // -dry -diff or routes -diff found a difference
	exitStopped = 12 // ended by the kill signal
	exitFlags   = 13 // the command line or CT_LOCAL_CONFIG makes no sense
	exitRunner  = 14 // a template, a command or a file failed
	exitConfig  = 15 // the configuration makes no sense
)

// exitError is an error that ends the program with a certain status.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }
