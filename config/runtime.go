package config

import (
	"runtime"
	"runtime/debug"
)

// Runtime is what Fabio's users may ask of Go itself; others have its variables
// GOGC and GOMAXPROCS. 0 leaves both as they are.
type Runtime struct {
	Garbage int // percent by which the heap grows until it is collected; below 0 is never
	Threads int // that run Go code at a time; below 0 is what Go thinks best
}

// Set is for the whole process.
func (r Runtime) Set() {
	if r.Garbage != 0 {
		debug.SetGCPercent(r.Garbage)
	}
	if r.Threads > 0 {
		runtime.GOMAXPROCS(r.Threads)
	}
}
