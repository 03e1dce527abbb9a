package logging

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestTextLog(t *testing.T) {
	tests := []struct {
		log  func(*slog.Logger)
		want string
	}{
		{func(l *slog.Logger) { l.Warn("hello") }, "[WARN] hello"},
		{func(l *slog.Logger) { l.With("part", "runner").Info("rendered", "dest", "/a b", "took", time.Second) },
			`[INFO] (runner) rendered dest="/a b" took=1s`},
		{func(l *slog.Logger) {
			l.Warn("query failing", "query", "key a", "err", errors.New("no answer"), "attempt", 2, "retry_in", time.Second)
		},
			`[WARN] (view) key a: no answer (retry attempt 2 after "1s")`},
		{func(l *slog.Logger) { l.Error("failed", "part", "lb", "err", errors.New("no\nroute")) },
			`[ERR] (lb) failed err="no\nroute"`},
		{func(l *slog.Logger) { l.Info("a\nb\x1b[31m", "x\ny", "z") }, `[INFO] "a\nb\x1b[31m" "x\ny"=z`},
		{func(l *slog.Logger) {
			l.WithGroup("g").With("a", 1).Info("m", slog.Group("h", "b", true), slog.Group("", "c", ""))
		},
			`[INFO] m g.a=1 g.h.b=true g.c=""`},
		{func(l *slog.Logger) { l.Log(t.Context(), config.LevelTrace.Level(), "deep") }, "[TRACE] deep"},
		{func(l *slog.Logger) {
			l.Info("m", "token", dial.Secret("planted"), "config", config.Consul{Token: "planted"}.Token)
		},
			"[INFO] m token=*** config=***"},
	}
	stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4}) `)
	for _, tt := range tests {
		var b strings.Builder
		tt.log(New(&b, "text", config.LevelTrace))
		line := b.String()
		if !stamp.MatchString(line) {
			t.Errorf("no time: %s", line)
		}
		if got := stamp.ReplaceAllString(line, ""); got != tt.want+"\n" {
			t.Errorf("%s want %s", got, tt.want)
		}
	}
}

// One With must not show in its siblings.
func TestTextLogBranches(t *testing.T) {
	var b strings.Builder
	root := New(&b, "text", config.LevelInfo).With("a", 1)
	left, right := root.With("b", 2), root.With("c", 3)
	left.Info("left")
	right.Info("right")
	root.Debug("unseen")
	if got := b.String(); !strings.Contains(got, "left a=1 b=2\n") || !strings.Contains(got, "right a=1 c=3\n") || strings.Contains(got, "unseen") {
		t.Error(got)
	}
}

func TestJSONLog(t *testing.T) {
	var b strings.Builder
	New(&b, "json", config.LevelInfo).Error("failed", "token", dial.Secret("planted"))
	var line map[string]any
	if err := json.Unmarshal([]byte(b.String()), &line); err != nil {
		t.Fatal(err)
	}
	if line["level"] != "ERR" || line["msg"] != "failed" || line["token"] != "***" {
		t.Errorf("%v", line)
	}
}

func TestLogLevelNames(t *testing.T) {
	for name, want := range map[string]config.LogLevel{
		"trace": config.LevelTrace, "Debug": config.LevelDebug, "INFO": config.LevelInfo, "warn": config.LevelWarn, "warning": config.LevelWarn, "err": config.LevelError, "error": config.LevelError,
	} {
		var l config.LogLevel
		if err := l.UnmarshalText([]byte(name)); err != nil || l != want {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}

func TestSecretNeverPrints(t *testing.T) {
	s := struct{ Token dial.Secret }{"planted"}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	all := string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%x", "%X"} {
		all += fmt.Sprintf(verb, s)
	}
	if strings.Contains(all, "planted") || strings.Contains(all, "706c616e746564") || !strings.Contains(all, "***") {
		t.Error(all)
	}
	if s.Token.Reveal() != "planted" || dial.Secret("").String() != "" {
		t.Error("the text is lost")
	}
}

// Packages that know no other logger than that of package log do not write beside
// the log, whatever its format.
func TestStandardLogger(t *testing.T) {
	defer func() {
		log.SetOutput(os.Stderr)
		log.SetFlags(log.LstdFlags)
	}()
	for level, want := range map[config.LogLevel]string{config.LevelInfo: "", config.LevelDebug: `"level":"DEBUG","msg":"protocol error: \"x\""`} {
		var out strings.Builder
		logs, err := Open(config.Config{LogFormat: "json", LogLevel: config.Some(level)}, "sluice", &out)
		if err != nil {
			t.Fatal(err)
		}
		logs.TakeStandard()
		log.Printf("protocol error: %q", "x")
		logs.Close()
		if got := out.String(); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("at %v: %q", level, got)
		}
	}
}
