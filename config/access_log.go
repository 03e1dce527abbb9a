package config

import (
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/accesslog"
)

// AccessLog has a line for each request the load balancer answers. It is on when
// it has a target.
type AccessLog struct {
	// Target is "stdout", "stderr" or the path of a file; empty or "off" is none.
	Target string `hcl:"target"`
	// Format is the name of one or a pattern; see [accesslog.ParseFormat].
	Format string `hcl:"format"`
	// Fields and Headers say what is shown of what the format knows.
	Fields  AccessLogModes  `hcl:"fields"`
	Headers AccessLogModes  `hcl:"headers"`
	Filter  AccessLogFilter `hcl:"filter"`
	// DropQuery shows no queries, and DropInternal no requests to services of
	// Traefik's own, such as ping@internal.
	DropQuery    bool `hcl:"drop_query"`
	DropInternal bool `hcl:"drop_internal"`
}

// AccessLogModes keep, drop or redact values by name.
type AccessLogModes struct {
	Default string   `hcl:"default"` // "keep", "drop" or "redact"
	Keep    []string `hcl:"keep"`
	Drop    []string `hcl:"drop"`
	Redact  []string `hcl:"redact"`
}

// AccessLogFilter says which requests get a line, if not all: those any of its
// conditions holds for.
type AccessLogFilter struct {
	Status      []string      `hcl:"status"` // "404", "500-503" or "5xx"
	Retried     bool          `hcl:"retried"`
	MinDuration time.Duration `hcl:"min_duration"`
}

const accessLogOff = "off"

// IsOn reports whether there is a target.
func (a AccessLog) IsOn() bool { return a.Target != "" && a.Target != accessLogOff }

// Options are those for package accesslog.
func (a AccessLog) Options(stdout, stderr io.Writer, log *slog.Logger) accesslog.Options {
	return accesslog.Options{
		Target: a.Target, Format: a.Format,
		Fields: accesslog.Modes(a.Fields), Headers: accesslog.Modes(a.Headers), Filter: accesslog.Filter(a.Filter),
		DropQuery: a.DropQuery, DropInternal: a.DropInternal,
		Stdout: stdout, Stderr: stderr, Logger: log,
	}
}

func (a AccessLog) validate(f *faultList) {
	err := a.Options(nil, nil, nil).Validate()
	if err == nil {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		f.addf("lb.access_log: %s", line)
	}
}
