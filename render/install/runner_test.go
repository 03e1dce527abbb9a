package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestCommandForms(t *testing.T) {
	tests := []struct {
		command Command
		want    string
	}{
		{Command{"echo $((1+1)) 'a  b'"}, "2 a  b\n"},
		{Command{"echo", "$((1+1))", "a  b"}, "$((1+1)) a  b\n"},
		{Command{"hostname"}, hostname(t) + "\n"},
		{Command{" hostname "}, hostname(t) + "\n"},
		{Command{"echo $FROM_OPTIONS $FROM_CALL"}, "1 2\n"},
		{Command{"echo out; echo err >&2"}, "out\n"},
	}
	for _, test := range tests {
		var out bytes.Buffer
		run := &Runner{Stdout: &out, Env: append(os.Environ(), "FROM_OPTIONS=1")}
		if err := run.Run(t.Context(), Call{Command: test.command}, "FROM_CALL=2"); err != nil {
			t.Errorf("%q: %v", test.command, err)
		}
		if out.String() != test.want {
			t.Errorf("%q printed %q, want %q", test.command, out.String(), test.want)
		}
		run.Close()
	}
	if (Command{}).Set() || (Command{" "}).Set() || !(Command{"x"}).Set() {
		t.Error("an empty command counts as set, or a real one does not")
	}
	if (Command{"echo x"}).Equal(Command{"echo", "x"}) {
		t.Error("a shell line equals a list")
	}
}

func hostname(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCommandFailure(t *testing.T) {
	run := &Runner{}
	defer run.Close()
	err := run.Run(t.Context(), Call{Command: Command{"echo one; echo two >&2; exit 3"}})
	var failed *CommandError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "exit status 3") {
		t.Fatalf("error %v", err)
	}
	if !strings.Contains(failed.Output, "one") || !strings.Contains(failed.Output, "two") {
		t.Errorf("output %q", failed.Output)
	}
	if err := run.Run(t.Context(), Call{Command: Command{"no-such-program"}}); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("unknown program: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run.Run(ctx, Call{Command: Command{"true"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestOutputTail(t *testing.T) {
	run := &Runner{}
	defer run.Close()
	err := run.Run(t.Context(), Call{Command: Command{"seq 1 100000; exit 1"}})
	var failed *CommandError
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if n := len(failed.Output); n > maxTail || n < maxTail/2 || !strings.HasSuffix(failed.Output, "\n100000") {
		t.Errorf("%d bytes, ends %q", n, failed.Output[max(0, n-20):])
	}
}

// A hanging command is ended with all its children, also when they ignore
// SIGTERM.
func TestHangingCommandIsKilled(t *testing.T) {
	for name, line := range map[string]string{
		"polite":            "sleep 1000 & echo $! > %s; wait",
		"child ignores":     "(trap '' TERM; echo $BASHPID > /dev/null; sleep 1000) & echo $! > %s; wait",
		"all ignore":        "trap '' TERM; sleep 1000 & echo $! > %s; while true; do sleep 1; done",
		"leader ends first": "trap 'exit 0' TERM; (trap '' TERM; sleep 1000) & echo $! > %s; wait",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pidFile := filepath.Join(t.TempDir(), "pid")
			run := &Runner{}
			defer run.Close()
			err := run.Run(t.Context(), Call{
				Command: Command{fmt.Sprintf(line, pidFile)}, Timeout: 2 * time.Second, KillAfter: 300 * time.Millisecond,
			})
			if err == nil || !strings.Contains(err.Error(), "timed out after 2s") {
				t.Fatalf("error %v", err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(mustRead(t, pidFile)))
			if err != nil {
				t.Fatal(err)
			}
			awaitEnd(t, pid)
		})
	}
}

func TestCancelledCommandIsKilled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &signalWriter{written: make(chan struct{})}
	run := &Runner{Stdout: out}
	defer run.Close()
	go func() {
		<-out.written
		cancel()
	}()
	if err := run.Run(ctx, Call{Command: Command{"echo started; sleep 1000"}, Timeout: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A program that a command leaves behind neither delays the command nor dies of
// a closed pipe.
func TestBackgroundProgram(t *testing.T) {
	dir := t.TempDir()
	release, ended := filepath.Join(dir, "release"), filepath.Join(dir, "ended")
	if err := syscall.Mkfifo(release, 0o600); err != nil {
		t.Fatal(err)
	}
	out := &signalWriter{written: make(chan struct{})}
	run := &Runner{Stdout: out}
	defer run.Close()
	line := fmt.Sprintf("(read x < %s; echo late; touch %s) &", release, ended)
	if err := run.Run(t.Context(), Call{Command: Command{line}, Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, release, "go\n", 0o600)
	<-out.written
	await(t, func() bool { _, err := os.Stat(ended); return err == nil })
}

type signalWriter struct {
	once    sync.Once
	written chan struct{}
}

func (w *signalWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.written) })
	return len(p), nil
}

// awaitEnd waits until the process is gone, or at least a zombie of somebody
// who does not collect it.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	await(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func await(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatal("waited in vain")
}

// The environment is the call's own, or else the runner's; the kill signal is
// the one asked for.
func TestCallSettings(t *testing.T) {
	var out bytes.Buffer
	run := &Runner{Stdout: &out, Env: []string{"A=runner", "PATH=" + os.Getenv("PATH")}}
	defer run.Close()
	for _, call := range []Call{
		{Command: Command{"echo $A $HOME"}},
		{Command: Command{"echo $A $HOME"}, Env: []string{"A=call"}},
	} {
		if err := run.Run(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
	err := run.Run(t.Context(), Call{
		Command: Command{"trap 'echo bye; exit' USR1; while true; do sleep 0.01; done"},
		Timeout: 2 * time.Second, KillSignal: syscall.SIGUSR1, KillAfter: time.Minute,
	})
	if err == nil {
		t.Error("no error from a command that was killed")
	}
	if got, want := out.String(), "runner\ncall\nbye\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// A detached command is neither waited for nor minded.
func TestDetachedCommand(t *testing.T) {
	dir := t.TempDir()
	release, ended := filepath.Join(dir, "release"), filepath.Join(dir, "ended")
	if err := syscall.Mkfifo(release, 0o600); err != nil {
		t.Fatal(err)
	}
	run := &Runner{}
	line := fmt.Sprintf("read x < %s; touch %s; exit 3", release, ended)
	if err := run.Run(t.Context(), Call{Command: Command{line}, Detached: true}); err != nil {
		t.Fatal(err)
	}
	run.Close()
	mustWrite(t, release, "go\n", 0o600)
	await(t, func() bool { _, err := os.Stat(ended); return err == nil })
	if err := run.Run(t.Context(), Call{Command: Command{"no-such-program"}, Detached: true}); err == nil {
		t.Error("a program that does not exist was started")
	}
}
