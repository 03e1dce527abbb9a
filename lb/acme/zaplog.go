package acme

import (
	"context"
	"log/slog"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogger has what the library tells become debug lines of ours: what matters
// is told by [Client].
func newLogger(log *slog.Logger) *zap.Logger {
	return zap.New(&logCore{log: log})
}

// logCore is a [zapcore.Core] that writes to a slog.Logger.
type logCore struct {
	log    *slog.Logger
	fields []zapcore.Field
}

var _ zapcore.Core = (*logCore)(nil)

// Enabled implements [zapcore.LevelEnabler].
func (c *logCore) Enabled(zapcore.Level) bool {
	return c.log.Enabled(context.Background(), slog.LevelDebug)
}

// With implements [zapcore.Core].
func (c *logCore) With(fields []zapcore.Field) zapcore.Core {
	return &logCore{c.log, slices.Concat(c.fields, fields)}
}

// Check implements [zapcore.Core].
func (c *logCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write implements [zapcore.Core].
func (c *logCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	encoder := zapcore.NewMapObjectEncoder()
	for _, f := range slices.Concat(c.fields, fields) {
		f.AddTo(encoder)
	}
	c.log.Debug("certificates: a step", "step", e.LoggerName+": "+e.Message, "details", encoder.Fields)
	return nil
}

// Sync implements [zapcore.Core].
func (*logCore) Sync() error { return nil }
