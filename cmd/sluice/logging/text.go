package logging

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/sluiceproxy/sluice/config"
)

// PartKey is the attribute that names the part of the program that speaks.
const PartKey = "part"

// textHandler writes one line for each record, in the shape consul-template's
// users grep for:
//
//	2006-01-02T15:04:05.000Z0700 [LEVEL] (part) message key=value …
//
// Line ends and control bytes in messages and values are always quoted, so no
// text from outside can look like a line of its own.
type textHandler struct {
	out   *lockedWriter
	level slog.Leveler
	part  string // of the nearest With
	attrs string // formatted, of all Withs
	group string // prefix of keys
	bare  bool   // without the time
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	h.format(&b, r)
	_, err := io.WriteString(h.out, b.String())
	return err
}

func (h *textHandler) format(b *strings.Builder, r slog.Record) {
	line := *h // a copy that this record's attributes are added to
	r = reworded(r)
	r.Attrs(func(a slog.Attr) bool {
		line.add(h.group, a)
		return true
	})
	if !r.Time.IsZero() && !h.bare {
		b.WriteString(r.Time.Format("2006-01-02T15:04:05.000Z0700") + " ")
	}
	b.WriteString("[" + config.LogLevel(r.Level).String() + "] ")
	if line.part != "" {
		b.WriteString("(" + line.part + ") ")
	}
	b.WriteString(oneLine(r.Message))
	b.WriteString(line.attrs)
	b.WriteString("\n")
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	for _, a := range attrs {
		with.add(h.group, a)
	}
	return &with
}

func (h *textHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.group += name + "."
	return &with
}

func (h *textHandler) add(prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	if a.Key == "" && value.Kind() != slog.KindGroup {
		return
	}
	switch {
	case value.Kind() == slog.KindGroup:
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range value.Group() {
			h.add(prefix, inner)
		}
	case prefix+a.Key == PartKey:
		h.part = oneLine(value.String())
	default:
		h.attrs += " " + oneLine(prefix+a.Key) + "=" + quoted(format(value))
	}
}

func format(v slog.Value) string {
	if v.Kind() == slog.KindTime {
		return v.Time().Format(time.RFC3339Nano)
	}
	return v.String()
}

// quoted quotes what would not be read as one word.
func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " \"=") || oneLine(s) != s {
		return strconv.Quote(s)
	}
	return s
}

// oneLine quotes s if anything in it does not print.
func oneLine(s string) string {
	if slices.ContainsFunc([]rune(s), func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(s)
	}
	return s
}
