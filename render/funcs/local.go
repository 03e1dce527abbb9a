package funcs

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// file is the content of a local file, followed like any other query.
func (b *Binding) file(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	if b.inputs.Sandbox != "" {
		if err := withinSandbox(b.inputs.Sandbox, path); err != nil {
			return "", fmt.Errorf("file %s: %w", path, err)
		}
	}
	content, _ := recall(b, watch.File{Path: path})
	return content, nil
}

// env is the value of an environment variable, empty when it is not set.
func (b *Binding) env(name string) string {
	value, _ := b.lookup(name)
	return value
}

// envOrDefault falls back only when the variable is not set at all.
func (b *Binding) envOrDefault(name, fallback string) string {
	if value, set := b.lookup(name); set {
		return value
	}
	return fallback
}

func (b *Binding) mustEnv(name string) (string, error) {
	value, _ := b.lookup(name)
	if value == "" {
		return "", fmt.Errorf("mustEnv: the environment variable %s is not set or empty", name)
	}
	return value, nil
}

func (b *Binding) lookup(name string) (string, bool) {
	if b.inputs.Env == nil {
		return "", false
	}
	return b.inputs.Env(name)
}

// timestamp is the time in UTC, in a Go layout (RFC 3339 if none is given) or
// "unix" for seconds.
func (b *Binding) timestamp(layout ...string) (string, error) {
	now := b.inputs.Now.UTC()
	switch {
	case len(layout) > 1:
		return "", fmt.Errorf("timestamp: %d arguments given, want at most 1", len(layout))
	case len(layout) == 0:
		return now.Format(time.RFC3339), nil
	case layout[0] == "unix":
		return strconv.FormatInt(now.Unix(), 10), nil
	}
	return now.Format(layout[0]), nil
}
