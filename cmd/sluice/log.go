package main

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"log/slog"
	"log/syslog"

	"github.com/sluiceproxy/sluice/config"
)

// newLogger returns a logger that writes to w, in Config.LogFormat.
func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
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

// logs is where the log goes.
type logs struct {
	*slog.Logger
	level *slog.LevelVar
	files []io.Closer
}

// openLogs opens what a configuration says beside stderr. Its Close must be
// called.
func (p program) openLogs(c config.Config) (*logs, error) {
	l := &logs{level: new(slog.LevelVar)}
	l.level.Set(c.LogLevel.Value.Level())
	handlers := []slog.Handler{newLogger(p.stderr, c.LogFormat, l.level).Handler()}
	if c.LogFile.Path != "" {
		file, err := openRotatedFile(c.LogFile, p.name)
		if err != nil {
			return nil, fmt.Errorf("opening the log file: %w", err)
		}
		l.files = append(l.files, file)
		handlers = append(handlers, newLogger(file, c.LogFormat, l.level).Handler())
	}
	if c.Syslog.Enabled.Value {
		system, err := syslog.New(syslog.Priority(c.Syslog.Facility.Or(config.DefaultFacility)), cmp.Or(c.Syslog.Name, p.name))
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("opening syslog: %w", err)
		}
		l.files = append(l.files, system)
		handlers = append(handlers, &syslogHandler{textHandler{level: l.level, bare: true}, system})
	}
	l.Logger = slog.New(slog.NewMultiHandler(handlers...))
	return l, nil
}

// takeStandard makes debug lines of what goes to the logger of package log: there
// net/http complains about servers that violate HTTP/2, as often as they do.
func (l *logs) takeStandard() {
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(l.Handler(), slog.LevelDebug).Writer())
}

// Close ends the copies of the log.
func (l *logs) Close() {
	for _, f := range l.files {
		_ = f.Close()
	}
}
