package logging

import (
	"fmt"
	"log/slog"
	"slices"
)

// wordings are the records that consul-template's users grep the text log for,
// by message: the part, and the message in its words, with the attributes that
// go into it.
var wordings = map[string]struct {
	part, format string
	keys         []string
}{
	"rendered":        {"runner", "rendered %q => %q", []string{"source", "destination"}},
	"query failing":   {"view", "%s: %s (retry attempt %s after %q)", []string{"query", "err", "attempt", "retry_in"}},
	"running command": {"runner", "executing command %q from %q => %q", []string{"command", "template", "destination"}},
}

// reworded is the record in consul-template's words, if it has any for it.
func reworded(r slog.Record) slog.Record {
	w, ok := wordings[r.Message]
	if !ok {
		return r
	}
	values := map[string]any{}
	var rest []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value.String()
		rest = append(rest, a)
		return true
	})
	var args []any
	for _, key := range w.keys {
		value, ok := values[key]
		if !ok {
			return r
		}
		args = append(args, value)
	}
	out := slog.NewRecord(r.Time, r.Level, fmt.Sprintf(w.format, args...), r.PC)
	out.AddAttrs(slog.String(PartKey, w.part))
	for _, a := range rest {
		if !slices.Contains(w.keys, a.Key) {
			out.AddAttrs(a)
		}
	}
	return out
}
