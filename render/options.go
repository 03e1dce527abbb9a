package render

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Options say what a Renderer renders and how. DefaultOptions gives the
// documented values.
type Options struct {
	Templates []Template
	// Once makes Run return when each template was rendered and applied, or
	// has failed.
	Once bool
	// Dry prints to Stdout what would be written, and neither writes files nor
	// runs commands. With Diff it prints the difference.
	Dry  bool
	Diff bool
	// AbsentIsError makes the absence of something a template needs an error, as
	// soon as it is known.
	AbsentIsError bool
	// AfterPass is called at the end of each pass, from the goroutine of Run.
	AfterPass func(Progress)
	// MissingAfter is how long an answer may be missing before a warning names
	// it.
	MissingAfter time.Duration
	// Retry bounds the pauses between attempts to write a file or to run a
	// command that failed.
	Retry watch.Backoff

	// Locker lends the locks of commands; it may be nil if no template has one.
	Locker Locker
	// Sharing is not for Once and Dry, which ask for themselves.
	Sharing Sharing

	// Env is the environment templates see.
	Env func(name string) (value string, set bool)
	// CommandEnv is the whole environment of commands that have none of their
	// own; nil is that of this process.
	CommandEnv []string
	// Stdout takes the output of Dry, and like Stderr that of commands.
	Stdout, Stderr io.Writer
	Logger         *slog.Logger
}

// DefaultOptions are the values used when the operator says nothing.
func DefaultOptions() Options {
	return Options{
		MissingAfter: 5 * time.Second,
		Retry:        watch.Backoff{Min: time.Second, Max: time.Minute},
		Env:          os.LookupEnv,
		Stdout:       os.Stdout,
		Stderr:       os.Stderr,
		Logger:       slog.Default(),
	}
}

// Progress is what a pass has come to.
type Progress struct {
	// Complete is set when each template has been rendered at least once.
	Complete bool
	// Written is set when a file was replaced in this pass.
	Written bool
}
