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
	// runs commands.
	Dry bool
	// MissingAfter is how long an answer may be missing before a warning names
	// it.
	MissingAfter time.Duration
	// Retry bounds the pauses between attempts to write a file or to run a
	// command that failed.
	Retry watch.Backoff

	// Env is the environment templates see.
	Env func(name string) (value string, set bool)
	// CommandEnv holds K=V entries added to the environment of commands.
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
