// Package logging writes the log: as text in consul-template's words or as JSON, to
// standard error, to files that are changed for new ones in time, and to syslog.
package logging

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"log/slog"
	"log/syslog"

	"github.com/sluiceproxy/sluice/config"
)

// New returns a logger that writes to w, in Config.LogFormat.
func New(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: nameLevel}))
	}
	return slog.New(&textHandler{out: &lockedWriter{w: w}, level: level})
}

// nameLevel makes the JSON log use the same names for levels as the text log.
func nameLevel(groups []string, a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok && len(groups) == 0 && a.Key == slog.LevelKey {
		a.Value = slog.StringValue(config.LogLevel(level).String())
	}
	return a
}

// Logs is where the log goes.
type Logs struct {
	*slog.Logger
	Level *slog.LevelVar
	files []io.Closer
}

// Open opens what a configuration says beside stderr, for a program of that name. Its Close must be
// called.
func Open(c config.Config, name string, stderr io.Writer) (*Logs, error) {
	l := &Logs{Level: new(slog.LevelVar)}
	l.Level.Set(c.LogLevel.Value.Level())
	handlers := []slog.Handler{New(stderr, c.LogFormat, l.Level).Handler()}
	if c.LogFile.Path != "" {
		file, err := openRotatedFile(c.LogFile, name)
		if err != nil {
			return nil, fmt.Errorf("opening the log file: %w", err)
		}
		l.files = append(l.files, file)
		handlers = append(handlers, New(file, c.LogFormat, l.Level).Handler())
	}
	if c.Syslog.Enabled.Value {
		system, err := syslog.New(syslog.Priority(c.Syslog.Facility.Or(config.DefaultFacility)), cmp.Or(c.Syslog.Name, name))
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("opening syslog: %w", err)
		}
		l.files = append(l.files, system)
		handlers = append(handlers, &syslogHandler{textHandler{level: l.Level, bare: true}, system})
	}
	l.Logger = slog.New(slog.NewMultiHandler(handlers...))
	return l, nil
}

// TakeStandard makes debug lines of what goes to the logger of package log: there
// net/http complains about servers that violate HTTP/2, as often as they do.
func (l *Logs) TakeStandard() {
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(l.Handler(), slog.LevelDebug).Writer())
}

// Close ends the copies of the log.
func (l *Logs) Close() {
	for _, f := range l.files {
		_ = f.Close()
	}
}
