package render

import (
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// State is where a template stands.
type State string

const (
	// Broken means: the template does not parse or fails to execute.
	Broken State = "broken"
	// Waiting means: data it needs has not come, or is gone.
	Waiting State = "waiting"
	// Settling means: there is a new text, and its wait timer runs.
	Settling State = "settling"
	// Held means: a guard keeps the new text from its file.
	Held State = "held"
	// Rejected means: the check command refused the new text.
	Rejected State = "rejected"
	// WriteFailed means: the file could not be written.
	WriteFailed State = "write failed"
	// Rendered means: the file is as it should be, its command has not run yet. In
	// dry mode this is the end.
	Rendered State = "rendered"
	// ReloadFailed means: the file is as it should be, its command has failed.
	ReloadFailed State = "reload failed"
	// RolledBack means: the command failed for the new file, and the previous one
	// is in effect again.
	RolledBack State = "rolled back"
	// Applied means: the file is as it should be and in effect.
	Applied State = "applied"
)

// TemplateStatus is a moment's view of one template. In every state but
// Applied and Rendered the last good file is still in place.
type TemplateStatus struct {
	Source      string
	Destination string
	Command     string
	State       State
	// Missing are the queries without whose answers there is no complete text.
	Missing []watch.Query
	// Generation is that of the newest snapshot the file is known to show; 0
	// before the first.
	Generation uint64
	// Err is why the state is not better, nil if it is just a matter of time.
	Err error
	// Written is when the file was last replaced, Confirmed when it and its
	// command were last found right; zero if not in this process's life.
	Written   time.Time
	Confirmed time.Time
	// Retry is when a failed step is tried again; zero if only a change of the
	// data will.
	Retry time.Time
	// Sharing is "leader" while it asks for other hosts too, "follower" while one
	// of them asks for it, "candidate" while that is open, and empty while it asks
	// for itself.
	Sharing string
	// Counts of this Renderer's life.
	Renders         uint64 // times the file was replaced
	Commands        uint64 // times the command ran
	CommandFailures uint64 // times it failed
}

// Ready reports whether the file is right and in effect.
func (s TemplateStatus) Ready() bool { return s.State == Applied }
