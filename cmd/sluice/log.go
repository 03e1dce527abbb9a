package main

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"log/slog"
	"log/syslog"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// LogLevel is the least level that is logged.
type LogLevel slog.Level

// The levels, under consul-template's names.
const (
	LevelTrace = LogLevel(slog.LevelDebug - 4)
	LevelDebug = LogLevel(slog.LevelDebug)
	LevelInfo  = LogLevel(slog.LevelInfo)
	LevelWarn  = LogLevel(slog.LevelWarn)
	LevelError = LogLevel(slog.LevelError)
)

var logLevels = []struct {
	level LogLevel
	name  string
}{
	{LevelTrace, "TRACE"},
	{LevelDebug, "DEBUG"},
	{LevelInfo, "INFO"},
	{LevelWarn, "WARN"},
	{LevelError, "ERR"},
}

// UnmarshalText takes the name of a level in any case.
func (l *LogLevel) UnmarshalText(text []byte) error {
	name := strings.ToUpper(string(text))
	switch name {
	case "ERROR":
		name = "ERR"
	case "WARNING":
		name = "WARN"
	}
	var names []string
	for _, known := range logLevels {
		if known.name == name {
			*l = known.level
			return nil
		}
		names = append(names, strings.ToLower(known.name))
	}
	return fmt.Errorf("%q is not a log level: there are %s%s", text, strings.Join(names, ", "), nearest.Hint(string(text), "", slices.Values(names)))
}

// String is the highest name that the level reaches.
func (l LogLevel) String() string {
	name := logLevels[0].name
	for _, known := range logLevels {
		if l >= known.level {
			name = known.name
		}
	}
	return name
}

// Level makes LogLevel a slog.Leveler.
func (l LogLevel) Level() slog.Level { return slog.Level(l) }

func (*LogLevel) expects() string { return `a log level such as "info"` }

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
		a.Value = slog.StringValue(LogLevel(level).String())
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
func (p program) openLogs(c Config) (*logs, error) {
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
		system, err := syslog.New(syslog.Priority(c.Syslog.Facility.Or(defaultFacility)), cmp.Or(c.Syslog.Name, p.name))
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
