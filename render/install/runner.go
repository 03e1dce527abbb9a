package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// DefaultTimeout is how long a command may run unless told otherwise.
	DefaultTimeout = 30 * time.Second
	// DefaultKillAfter is how long a command may take to end once asked to.
	DefaultKillAfter = 5 * time.Second
)

// Runner runs commands one after the other. Its zero value is ready for use.
type Runner struct {
	// Env is the environment of commands that bring none of their own, in whole;
	// nil is that of this process.
	Env []string
	// Stdout and Stderr receive what commands print; nil discards it.
	Stdout, Stderr io.Writer

	// leftover are the pipes of programs that a finished command left running.
	leftover []*drain
}

// Call is a command and how it is run.
type Call struct {
	Command Command
	// Timeout is how long the command may run; 0 means DefaultTimeout.
	Timeout time.Duration
	// Detached starts the command, and neither waits for it nor minds its status.
	Detached bool
	// Env is the whole environment of the command; nil means the Runner's.
	Env []string
	// KillSignal asks a command that ran too long to end; 0 means SIGTERM. SIGKILL
	// follows when KillAfter is over; 0 means DefaultKillAfter.
	KillSignal syscall.Signal
	KillAfter  time.Duration
}

// CommandError is a command that could not be run, failed or took too long.
type CommandError struct {
	Command Command
	Err     error
	// Output is the end of what the command printed.
	Output string
}

func (e *CommandError) Error() string {
	text := fmt.Sprintf("running %q: %v", e.Command, e.Err)
	if e.Output != "" {
		text += ": " + e.Output
	}
	return text
}

func (e *CommandError) Unwrap() error { return e.Err }

// Run runs a command in a process group of its own and waits for it, for at most
// its timeout. When that is over or ctx ends, the group gets the kill signal and
// later SIGKILL. Any failure is a [*CommandError]. env is added to the
// command's environment.
//
// A program that the command leaves running in the background keeps its output
// until Close.
func (r *Runner) Run(ctx context.Context, c Call, env ...string) error {
	if c.Detached {
		return r.launch(ctx, c, env)
	}
	tail := &tail{}
	if err := r.run(ctx, c, env, tail); err != nil {
		return &CommandError{Command: c.Command, Err: err, Output: tail.String()}
	}
	return nil
}

// launch starts a command that nobody waits for. It gets our own streams, for
// it may outlive us.
func (r *Runner) launch(ctx context.Context, c Call, env []string) error {
	err := context.Cause(ctx)
	if err == nil {
		cmd := r.command(c, env)
		cmd.Stdout, cmd.Stderr = r.Stdout, r.Stderr
		if err = cmd.Start(); err == nil {
			go func() { _ = cmd.Wait() }() // only so that no zombie is left
			return nil
		}
	}
	return &CommandError{Command: c.Command, Err: err}
}

func (r *Runner) command(c Call, env []string) *exec.Cmd {
	argv := c.Command.Argv()
	cmd := exec.Command(argv[0], argv[1:]...)
	base := c.Env
	if base == nil {
		base = r.Env
	}
	if base == nil {
		base = os.Environ()
	}
	cmd.Env = append(slices.Clip(base), env...)
	cmd.Stdin = os.Stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (r *Runner) run(ctx context.Context, c Call, env []string, tail *tail) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	cmd := r.command(c, env)
	stdout, err := newDrain(r.Stdout, tail)
	if err != nil {
		return err
	}
	stderr, err := newDrain(r.Stderr, tail)
	if err != nil {
		stdout.close()
		return err
	}
	cmd.Stdout, cmd.Stderr = stdout.write, stderr.write
	err = cmd.Start()
	stdout.start()
	stderr.start()
	defer r.settle(stdout, stderr)
	if err != nil {
		return err
	}

	ended := make(chan error, 1)
	var wait sync.WaitGroup
	wait.Go(func() { ended <- cmd.Wait() })
	defer wait.Wait()

	timeout := cmp.Or(max(c.Timeout, 0), DefaultTimeout)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		killGroup(cmd.Process.Pid, c, ended)
		return fmt.Errorf("timed out after %v and was killed", timeout)
	case <-ctx.Done():
		killGroup(cmd.Process.Pid, c, ended)
		return fmt.Errorf("was killed: %w", context.Cause(ctx))
	}
}

// killGroup ends all processes of the group, gently at first.
func killGroup(group int, c Call, ended <-chan error) {
	_ = syscall.Kill(-group, cmp.Or(c.KillSignal, syscall.SIGTERM))
	deadline := time.NewTimer(cmp.Or(max(c.KillAfter, 0), DefaultKillAfter))
	defer deadline.Stop()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case _ = <-ended:
			ended = nil // others of the group may still be busy
		case <-poll.C:
			if ended == nil && errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
				return
			}
		case <-deadline.C:
			_ = syscall.Kill(-group, syscall.SIGKILL)
			return
		}
	}
}

// settle waits for the last of a command's output. What a program it left
// behind still holds open goes on being read: closing it would kill that
// program at its next word.
func (r *Runner) settle(drains ...*drain) {
	timer := time.NewTimer(200 * time.Millisecond)
	defer timer.Stop()
	for _, d := range drains {
		select {
		case <-d.done:
		case <-timer.C:
			timer.Reset(0)
			r.leftover = append(r.leftover, d)
		}
	}
	running := r.leftover[:0]
	for _, d := range r.leftover {
		if !d.isDone() {
			running = append(running, d)
		}
	}
	r.leftover = running
}

// Close stops reading what programs left behind by commands print.
func (r *Runner) Close() {
	for _, d := range r.leftover {
		d.close()
	}
	r.leftover = nil
}
