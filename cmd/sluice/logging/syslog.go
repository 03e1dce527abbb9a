package logging

import (
	"context"
	"log/slog"
	"log/syslog"
	"strings"
)

// syslogHandler writes records to syslog, in the form of the text log but for
// the time, which syslog adds itself.
type syslogHandler struct {
	text textHandler
	to   *syslog.Writer
}

// Enabled implements slog.Handler.
func (h *syslogHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.text.Enabled(ctx, level)
}

// Handle gives the levels the severities consul-template's users filter by.
func (h *syslogHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	h.text.format(&b, r)
	line := strings.TrimSuffix(b.String(), "\n")
	switch {
	case r.Level >= slog.LevelError:
		return h.to.Err(line)
	case r.Level >= slog.LevelWarn:
		return h.to.Warning(line)
	case r.Level >= slog.LevelInfo:
		return h.to.Notice(line)
	}
	return h.to.Info(line)
}

// WithAttrs implements slog.Handler.
func (h *syslogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &syslogHandler{*h.text.WithAttrs(attrs).(*textHandler), h.to}
}

// WithGroup implements slog.Handler.
func (h *syslogHandler) WithGroup(name string) slog.Handler {
	return &syslogHandler{*h.text.WithGroup(name).(*textHandler), h.to}
}
