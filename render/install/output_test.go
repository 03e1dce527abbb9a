package install

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestOutput(t *testing.T) {
	out, err := Output(t.Context(), "sh", []string{"-c", "echo out; echo err >&2"})
	if err != nil || out != "out\n" {
		t.Errorf("%q, %v", out, err)
	}
	_, err = Output(t.Context(), "sh", []string{"-c", "echo out; echo err >&2; exit 3 # secret"})
	var failed *CommandError
	if !errors.As(err, &failed) || failed.Output != "out\nerr" || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
	if _, err := Output(t.Context(), "./no such program", nil); err == nil {
		t.Error("a program that does not exist runs")
	}
}

func TestOutput_Stops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("told to stop")
	cancel(why)
	if _, err := Output(ctx, "sleep", []string{"60"}); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}
