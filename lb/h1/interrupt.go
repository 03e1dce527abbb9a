package h1

import "io"

// Interrupter is a reader whose Read can be woken when nobody needs its result any
// more, as [Body] is. Readers of bodies in front of another one pass both calls on,
// by [Interrupt] and [Resume].
type Interrupter interface {
	io.Reader
	// Interrupt has the Read that waits, or the next one, return an error. The
	// caller may be another goroutine.
	Interrupt()
	// Resume undoes Interrupt when no Read waits any more, as far as the rest can
	// be read still.
	Resume()
}

// Interrupt interrupts a reader that can be.
func Interrupt(r io.Reader) {
	if r, ok := r.(Interrupter); ok {
		r.Interrupt()
	}
}

// Resume resumes a reader that can be interrupted.
func Resume(r io.Reader) {
	if r, ok := r.(Interrupter); ok {
		r.Resume()
	}
}
