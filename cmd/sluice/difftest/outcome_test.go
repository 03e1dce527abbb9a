package difftest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds a program that should have ended. It is no demand on speed.
const patience = 30 * time.Second

// program is one of the two that are compared.
type program struct {
	name string
	path string
}

// endless is the exit status of a program that was killed in the end.
const endless = -1

// outcome is what a program did.
type outcome struct {
	exit   int
	stdout string
	stderr string // not compared
	files  string
}

// String is the compared part.
func (o outcome) String() string {
	text := fmt.Sprintf("exit %d\n", o.exit)
	if o.stdout != "" {
		text += o.stdout
	}
	return text + o.files
}

// run runs the program in dir with an environment of nothing but env.
func (p program) run(t *testing.T, dir string, env []string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir = dir
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return outcome{exit: endless, stderr: stderr.String()}
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %q: %v", p.name, args, err)
	}
	return outcome{exit: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// listFiles shows all files below dir with their modes and contents, without
// the hidden ones in which sluice notes what was not applied.
func listFiles(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".sluice-unapplied") {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			fmt.Fprintf(&b, "-- %s -> %s\n", name, target)
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, "-- %s %v\n%s", name, info.Mode(), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// difference is what sluice does otherwise than consul-template on purpose.
type difference struct {
	reason string
	want   string // sluice's outcome
}

func parseDifference(t *testing.T, name string, data []byte) difference {
	t.Helper()
	reason, want, _ := strings.Cut(string(data), "\n")
	if strings.TrimSpace(reason) == "" || strings.HasPrefix(reason, "exit ") {
		t.Fatalf("%s: the first line has to be the reason of the difference", name)
	}
	return difference{reason: reason, want: want}
}

// compare fails the test unless both outcomes are equal or differ as meant.
func compare(t *testing.T, theirs, ours outcome, meant *difference) {
	t.Helper()
	switch {
	case meant == nil && theirs.String() != ours.String():
		t.Errorf("consul-template:\n%s\nsluice:\n%s\nconsul-template's log:\n%s\nsluice's log:\n%s", theirs, ours, theirs.stderr, ours.stderr)
	case meant != nil && theirs.String() == ours.String():
		t.Errorf("there is no difference any more (%s); both gave:\n%s", meant.reason, ours)
	case meant != nil && ours.String() != meant.want:
		t.Errorf("sluice:\n%s\nwant:\n%s\n(%s)\nsluice's log:\n%s", ours, meant.want, meant.reason, ours.stderr)
	}
}
