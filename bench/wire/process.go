package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"

	"github.com/sluiceproxy/sluice/bench/program"
)

// process is a program with what it uses.
type process struct{ *program.Program }

// startProcess runs path until it is stopped or ctx ends; see [program.Start].
// What it prints is appended to the file out, and what it complains of to stderr
// beside that.
func startProcess(ctx context.Context, fail context.CancelCauseFunc, out, path string, args ...string) (*process, error) {
	p, err := program.Start(ctx, fail, program.Output{Stdout: out, Stderr: filepath.Join(filepath.Dir(out), "stderr")}, path, args...)
	if err != nil {
		return nil, err
	}
	return &process{p}, nil
}

// family are the process and its children: nginx has its workers.
func (p *process) family() ([]procfs.Proc, error) {
	pids := []int{p.PID}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", p.PID))
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
