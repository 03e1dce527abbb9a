package config

import (
	"fmt"
	"log/slog"
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

// Expects implements [hcl.Expecting].
func (*LogLevel) Expects() string { return `a log level such as "info"` }
