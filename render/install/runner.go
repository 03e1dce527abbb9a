package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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
	// Env holds K=V entries added to the environment of every command.
	Env []string
	// Stdout and Stderr receive what commands print; nil discards it.
	Stdout, Stderr io.Writer
	// KillAfter is the time between SIGTERM and SIGKILL to a command that ran
	// too long; 0 means DefaultKillAfter.
	KillAfter time.Duration

	// leftover are the pipes of programs that a finished command left running.
	leftover []*drain
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

// Run runs c in a process group of its own and waits for it, for at most
// timeout (DefaultTimeout if 0). When that is over or ctx ends, the group gets
// SIGTERM and later SIGKILL. Any failure is a [*CommandError].
//
// A program that c leaves running in the background keeps its output until
// Close.
func (r *Runner) Run(ctx context.Context, c Command, timeout time.Duration, env ...string) error {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	tail := &tail{}
	if err := r.run(ctx, c, timeout, env, tail); err != nil {
		return &CommandError{Command: c, Err: err, Output: tail.String()}
	}
	return nil
}

func (r *Runner) run(ctx context.Context, c Command, timeout time.Duration, env []string, tail *tail) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	argv := c.argv()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(append(os.Environ(), r.Env...), env...)
	cmd.Stdin = os.Stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

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

	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		r.killGroup(cmd.Process.Pid, ended)
		return fmt.Errorf("timed out after %v and was killed", timeout)
	case <-ctx.Done():
		r.killGroup(cmd.Process.Pid, ended)
		return fmt.Errorf("was killed: %w", context.Cause(ctx))
	}
}

// killGroup ends all processes of the group, gently at first.
func (r *Runner) killGroup(group int, ended <-chan error) {
	grace := r.KillAfter
	if grace <= 0 {
		grace = DefaultKillAfter
	}
	_ = syscall.Kill(-group, syscall.SIGTERM)
	deadline := time.NewTimer(grace)
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
