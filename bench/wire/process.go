package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// process is a program this one started.
type process struct {
	pid    int
	cancel context.CancelFunc
	done   chan struct{}
}

// startProcess runs path until stop is called or ctx ends; should it end before,
// fail is called with the reason. What it prints is appended to the file out.
func startProcess(ctx context.Context, fail context.CancelCauseFunc, out, path string, args ...string) (*process, error) {
	log, err := os.OpenFile(out, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	errors, err := os.Create(filepath.Join(filepath.Dir(out), "stderr"))
	if err != nil {
		log.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = log, errors
	// Its own process group: Ctrl-C reaches it through us, once.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	p := &process{cancel: cancel, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		cancel()
		log.Close()
		errors.Close()
		return nil, err
	}
	p.pid = cmd.Process.Pid
	go func() {
		defer close(p.done)
		defer log.Close()
		defer errors.Close()
		_ = cmd.Wait() // how it ended is in ProcessState
		if ctx.Err() == nil {
			fail(fmt.Errorf("%s ended by itself (%s); the end of what it said:\n%s", path, cmd.ProcessState, tail(errors.Name(), 2000)))
		}
	}()
	return p, nil
}

// stop ends the process, kindly first, and returns when it is gone.
func (p *process) stop() {
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

// family are the process and its children: nginx has its workers.
func (p *process) family() ([]procfs.Proc, error) {
	pids := []int{p.pid}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.pid))
	if err != nil {
		return nil, err
	}
	for field := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	family := make([]procfs.Proc, len(pids))
	for i, pid := range pids {
		if family[i], err = procfs.NewProc(pid); err != nil {
			return nil, err
		}
	}
	return family, nil
}

// cpu is the processor time the family has used, user and system.
func (p *process) cpu() (time.Duration, error) {
	family, err := p.family()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, member := range family {
		stat, err := member.Stat()
		if err != nil {
			return 0, err
		}
		sum += seconds(stat.CPUTime())
	}
	return sum, nil
}

// memory is what the family has resident, in bytes; what several processes
// share is counted once (PSS).
func (p *process) memory() (uint64, error) {
	family, err := p.family()
	if err != nil {
		return 0, err
	}
	var sum uint64
	for _, member := range family {
		maps, err := member.ProcSMapsRollup()
		if err != nil {
			return 0, err
		}
		sum += maps.Pss
	}
	return sum, nil
}

// processors is time of all processors together.
type processors struct{ busy, total time.Duration }

// machineTime is that time since the machine was booted.
func machineTime() (processors, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return processors{}, err
	}
	stat, err := fs.Stat()
	if err != nil {
		return processors{}, err
	}
	c := stat.CPUTotal
	busy := c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ + c.Steal
	return processors{busy: seconds(busy), total: seconds(busy + c.Idle + c.Iowait)}, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
