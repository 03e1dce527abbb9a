package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// program is a process this one started.
type program struct {
	pid     int
	started time.Time

	cancel context.CancelFunc
	done   chan struct{}
}

// startProgram runs path until stop is called or ctx ends; should it end
// before, fail is called with the reason and the end of its log. The log is
// kept in dir.
func startProgram(ctx context.Context, fail context.CancelCauseFunc, dir, path string, args ...string) (*program, error) {
	log, err := os.Create(filepath.Join(dir, filepath.Base(path)+".log"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	// Its own process group: Ctrl-C reaches it through us, once.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second

	p := &program{started: time.Now(), cancel: cancel, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		cancel()
		log.Close()
		return nil, err
	}
	p.pid = cmd.Process.Pid
	go func() {
		defer close(p.done)
		defer log.Close()
		_ = cmd.Wait() // how it ended is in ProcessState
		if ctx.Err() == nil {
			fail(fmt.Errorf("%s ended by itself (%s); the end of its log:\n%s", path, cmd.ProcessState, tail(log.Name(), 2000)))
		}
	}()
	return p, nil
}

// stop ends the process, kindly first, and returns when it is gone.
func (p *program) stop() {
	p.cancel()
	<-p.done
}

// tail returns at most the last n bytes of a file.
func tail(file string, n int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-n):])
}
