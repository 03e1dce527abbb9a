package child

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/capture"
	"github.com/sluiceproxy/sluice/render/install"
)

func TestMain(m *testing.M) {
	// Under nohup it would be ignored, by what is started here too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	goleak.VerifyTestMain(m)
}

// run is a child at work.
type run struct {
	*Child
	t      *testing.T
	out    *capture.Buffer
	cancel context.CancelFunc
	result chan result
}

type result struct {
	status int
	err    error
}

func begin(t *testing.T, o Options) *run {
	t.Helper()
	r := &run{t: t, out: &capture.Buffer{}, result: make(chan result, 1)}
	if o.KillSignal == 0 {
		o.KillSignal = syscall.SIGINT
	}
	if o.KillTimeout == 0 {
		o.KillTimeout = time.Minute
	}
	o.Stdout = r.out // what the shell says of its children's ends goes to stderr
	r.Child = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	done := make(chan struct{})
	go func() {
		defer close(done)
		status, err := r.Run(ctx)
		r.result <- result{status, err}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

func (r *run) await(want string) {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if r.out.String() == want {
			return
		}
	}
	r.t.Fatalf("printed %q, want %q", r.out, want)
}

func (r *run) ends(want int) {
	r.t.Helper()
	if got := <-r.result; got.err != nil || got.status != want {
		r.t.Errorf("status %d, error %v, want %d", got.status, got.err, want)
	}
}

// loop is a shell line that says what it is told, and goes on until it is.
func loop(traps string) install.Command {
	return install.Command{traps + "; echo up; while true; do sleep 0.01; done"}
}

func TestStatusIsPassedOn(t *testing.T) {
	for line, want := range map[string]int{"exit 0 ;": 0, "exit 7 ;": 7, "kill -9 $$": 255} {
		begin(t, Options{Command: install.Command{line}}).ends(want)
	}
	begin(t, Options{Command: install.Command{"true"}}).ends(0)
	r := begin(t, Options{Command: install.Command{"no-such-program"}})
	if got := <-r.result; got.err == nil || !strings.Contains(got.err.Error(), "no-such-program") {
		t.Errorf("a program that does not exist: %+v", got)
	}
}

func TestReloadSignal(t *testing.T) {
	r := begin(t, Options{Command: loop("trap 'echo reload' HUP; trap 'echo bye; exit 3' INT"), ReloadSignal: syscall.SIGHUP})
	r.await("up\n")
	r.Reload()
	r.await("up\nreload\n")
	if !r.Signal(syscall.SIGHUP) {
		t.Error("nobody takes the signal")
	}
	r.await("up\nreload\nreload\n")
	r.cancel()
	r.ends(3)
	if got := r.out.String(); !strings.HasSuffix(got, "bye\n") {
		t.Errorf("printed %q", got)
	}
	if r.Signal(syscall.SIGHUP) {
		t.Error("an ended program takes a signal")
	}
}

func TestReloadByRestart(t *testing.T) {
	r := begin(t, Options{Command: loop("trap 'echo bye; exit 3' TERM; echo $V"), KillSignal: syscall.SIGTERM, Env: []string{"V=value", "PATH=/bin:/usr/bin"}})
	r.await("value\nup\n")
	r.Reload()
	r.await("value\nup\nbye\nvalue\nup\n")
	r.cancel()
	r.ends(3)
}

// One that does not end when asked to is killed, with all it started.
func TestStubbornChildIsKilled(t *testing.T) {
	r := begin(t, Options{Command: loop("trap '' INT"), KillTimeout: 50 * time.Millisecond})
	r.await("up\n")
	r.cancel()
	r.ends(255)
}

func TestSignalsArePassedOn(t *testing.T) {
	r := begin(t, Options{Command: loop("trap 'echo one' USR1; trap 'exit 5' TERM; trap 'exit 6' INT")})
	r.await("up\n")
	r.Signal(syscall.SIGUSR1)
	r.await("up\none\n")
	r.Signal(syscall.SIGTERM)
	r.ends(5)

	// The kill signal starts the end, SIGKILL included.
	r = begin(t, Options{Command: loop("trap '' INT"), KillTimeout: 50 * time.Millisecond})
	r.await("up\n")
	r.Signal(syscall.SIGINT)
	r.ends(255)
}

// The shell of a simple line is no one signals would get stuck in.
func TestShellMakesRoom(t *testing.T) {
	for line, want := range map[string]bool{
		"sleep 5": true, `sh -c "$X"`: true, "sleep 5; true": false, "exit 5": false, "A=1 sleep 5": false, "sleep 5 &": false,
	} {
		got := argv(install.Command{line})
		if (got[2] == "exec "+line) != want {
			t.Errorf("%q runs as %q", line, got)
		}
	}
	if got := argv(install.Command{"sleep", "5"}); len(got) != 2 {
		t.Errorf("a list runs as %q", got)
	}
	script := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(script, []byte("trap 'exit 9' USR1; echo up; while test -e $0; do sleep 0.01; done"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := begin(t, Options{Command: install.Command{"sh " + script}})
	r.await("up\n")
	r.Signal(syscall.SIGUSR1)
	r.ends(9)
}

func TestSplay(t *testing.T) {
	for range 1000 {
		if d := RandomPart(time.Second); d < 0 || d >= time.Second {
			t.Fatalf("a part of 1s: %v", d)
		}
	}
	if RandomPart(0) != 0 {
		t.Error("a part of nothing")
	}
	// Many changes during the splay are one reload.
	r := begin(t, Options{Command: loop("trap 'echo reload' HUP"), ReloadSignal: syscall.SIGHUP, Splay: time.Nanosecond})
	r.await("up\n")
	r.Reload()
	r.await("up\nreload\n")
	c := New(Options{Splay: time.Hour})
	first := c.splay(nil)
	if c.splay(first) != first {
		t.Error("a second change starts a second timer")
	}
}
