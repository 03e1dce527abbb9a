package main

import (
	"runtime"
	"runtime/debug"
)

// goRuntime is what Fabio's users may ask of Go itself; others have its variables
// GOGC and GOMAXPROCS. 0 leaves both as they are.
type goRuntime struct {
	garbage int // percent by which the heap grows until it is collected; below 0 is never
	threads int // that run Go code at a time; below 0 is what Go thinks best
}

// set is for the whole process.
func (r goRuntime) set() {
	if r.garbage != 0 {
		debug.SetGCPercent(r.garbage)
	}
	if r.threads > 0 {
		runtime.GOMAXPROCS(r.threads)
	}
}
