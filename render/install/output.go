package install

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Output runs a program directly, never a shell, for at most DefaultTimeout, and
// returns what it printed to standard output. The error does not tell the
// arguments, which may hold secrets.
func Output(ctx context.Context, program string, args []string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, DefaultTimeout, fmt.Errorf("timed out after %v", DefaultTimeout))
	defer cancel()
	var stdout bytes.Buffer
	var printed, complained tail
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, &printed), &complained
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for those that hold our pipes open after its end
	err := cmd.Run()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		// Two pipes: nobody knows which was written to first.
		output := strings.TrimSpace(printed.String() + "\n" + complained.String())
		return "", &CommandError{Command: Command{program}, Err: err, Output: output}
	}
	return stdout.String(), nil
}
