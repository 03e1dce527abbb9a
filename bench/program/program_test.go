package program

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, script string) (p *Program, failed context.Context, out string) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "log")
	failed, fail := context.WithCancelCause(t.Context())
	t.Cleanup(func() { fail(nil) })
	p, err := Start(t.Context(), fail, Output{out, out}, "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	return p, failed, out
}

func TestStop(t *testing.T) {
	p, failed, out := start(t, "trap 'echo stopped; exit 3' TERM; echo ready; while :; do sleep 0.01; done")
	for !strings.Contains(Tail(out), "ready") && failed.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	p.Stop()
	if failed.Err() != nil {
		t.Error(context.Cause(failed))
	}
	if got := Tail(out); got != "ready\nstopped\n" {
		t.Errorf("it said %q", got)
	}
}

func TestEndsByItself(t *testing.T) {
	_, failed, _ := start(t, "echo why >&2; exit 3")
	<-failed.Done()
	if err := context.Cause(failed); !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "why") {
		t.Errorf("%v, want the status and the reason", err)
	}
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if got := Tail(path); !strings.Contains(got, "no such file") {
		t.Errorf("%q, want why", got)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("a", 3000)+"z"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Tail(path); len(got) != 2000 || !strings.HasSuffix(got, "az") {
		t.Errorf("%d bytes, want the last 2,000", len(got))
	}
}
