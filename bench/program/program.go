// Package program runs the programs that benchmarks measure.
package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Program is a process that was started.
type Program struct {
	PID     int
	Started time.Time

	cancel context.CancelFunc
	done   chan struct{}
}

// Output is where a program's output goes: the paths of files, to which it is
// appended. Both may be the same.
type Output struct{ Stdout, Stderr string }

// Log is one file in dir for all that the program at path says, named after it.
func Log(dir, path string) Output {
	file := filepath.Join(dir, filepath.Base(path)+".log")
	return Output{file, file}
}

// Start runs the program at path until Stop is called or ctx ends. Should it end
// before, fail is called with the reason and the end of what it told on stderr.
func Start(ctx context.Context, fail context.CancelCauseFunc, out Output, path string, args ...string) (*Program, error) {
	stdout, err := open(out.Stdout)
	if err != nil {
		return nil, err
	}
	defer stdout.Close() // the process has its own
	stderr, err := open(out.Stderr)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	// Its own process group: Ctrl-C reaches it through us, once.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	p := &Program{PID: cmd.Process.Pid, Started: time.Now(), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // how it ended is in ProcessState
		if ctx.Err() == nil {
			fail(fmt.Errorf("%s ended by itself (%s); the end of what it said:\n%s", path, cmd.ProcessState, Tail(out.Stderr)))
		}
	}()
	return p, nil
}

func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// Stop ends the process, kindly first, and returns when it is gone.
func (p *Program) Stop() {
	p.cancel()
	<-p.done
}

// Tail returns at most the last 2,000 bytes of a file, or why it cannot be read.
func Tail(path string) string {
	const most = 2000
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
