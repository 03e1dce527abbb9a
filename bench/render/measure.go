package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// text lists all instances of all services.
const text = `{{ range services }}{{ range service .Name }}server {{ .ID }} {{ .Address }}:{{ .Port }}
{{ end }}{{ end }}`

// patience is for one subject to render, or to show a change.
const patience = 30 * time.Second

// result holds the figures of a subject.
type result struct {
	subject subject

	// Medians of the runs with -once; memory in bytes, at its peak.
	onceWall, onceCPU time.Duration
	onceMemory        uint64

	// Of the run that follows changes, by kind.
	latency       map[change]time.Duration // median
	changeCPU     map[change]time.Duration
	consulCPU     map[change]time.Duration // the agent's, for each change
	memory        uint64                   // in the end
	connections   int                      // the most seen
	requests      int                      // of another client meanwhile
	refused       int
	otherWork     float64 // share of the machine's processors, in the same time
	same          bool    // the file is the same as the first subject's
	output        []byte
	changesMissed int
	neverRendered bool
	failures      int // runs with -once that ended in an error
}

func (s settings) measure(ctx context.Context, size int) ([]result, error) {
	dir, err := os.MkdirTemp("", "bench-render-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "in"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	a, err := startAgent(ctx, s.consul, s.limit)
	if err != nil {
		return nil, err
	}
	defer a.stop()
	if err := a.registerAll(ctx, size, s.nodes); err != nil {
		return nil, err
	}
	results := make([]result, len(s.subjects))
	for i, subject := range s.subjects {
		results[i].subject = subject
	}
	// In turns, so that a change of the machine's mood hits all alike.
	walls, cpus := make([][]time.Duration, len(results)), make([][]time.Duration, len(results))
	for range s.rounds {
		for i := range results {
			wall, cpu, err := results[i].once(ctx, a, dir)
			if err != nil {
				return nil, err
			}
			walls[i], cpus[i] = append(walls[i], wall), append(cpus[i], cpu)
		}
	}
	for i := range results {
		r := &results[i]
		r.onceWall, r.onceCPU = median(walls[i]), median(cpus[i])
		r.same = bytes.Equal(r.output, results[0].output)
		if err := r.follow(ctx, a, dir, s, size, 9000+1000*i); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func (r *result) command(ctx context.Context, a *agent, dir, out string, args ...string) *exec.Cmd {
	args = append(args, "-consul-addr", a.address, "-log-level", "err", "-template", filepath.Join(dir, "in")+":"+out)
	cmd := exec.CommandContext(ctx, r.subject.path, args...)
	// Its messages are not shown: consul-template has one for each refused query.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// once measures a run with -once.
func (r *result) once(ctx context.Context, a *agent, dir string) (wall, cpu time.Duration, _ error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out := filepath.Join(dir, "once-"+r.subject.name)
	_ = os.Remove(out) // is there from the second round on
	cmd := r.command(ctx, a, dir, out, "-once")
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		if cmd.ProcessState == nil {
			return 0, 0, fmt.Errorf("%s -once: %w", r.subject.name, err)
		}
		r.failures++
	}
	wall = time.Since(begin)
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	r.onceMemory = max(r.onceMemory, uint64(usage.Maxrss)<<10)
	r.output, _ = os.ReadFile(out) // none if it failed
	return wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// follow measures a run through a series of changes of each kind.
func (r *result) follow(ctx context.Context, a *agent, dir string, s settings, size, port int) error {
	out := filepath.Join(dir, "follow-"+r.subject.name)
	cmd := r.command(ctx, a, dir, out)
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait() // its status says that it was told to end
	}()
	watched, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := make(chan func(), 1)
	go func() {
		requests, refused := a.otherClient(watched)
		watch <- func() { r.requests, r.refused = requests, refused }
	}()
	if !r.await(ctx, out, "server "+instanceID(size-1, instances-1)+" ", true, cmd.Process.Pid) {
		// At the agent's default limits that is what happens to some.
		r.neverRendered = true
		cancel()
		(<-watch)()
		return ctx.Err()
	}
	// Whatever it does after the first rendering is not part of a change.
	sleep(ctx, 3*time.Second)

	machine, err := machineTime()
	if err != nil {
		return err
	}
	own, known := selfTime()+a.spent(), time.Duration(0)
	r.latency, r.changeCPU, r.consulCPU = map[change]time.Duration{}, map[change]time.Duration{}, map[change]time.Duration{}
	for _, kind := range s.kinds {
		before, err := spent(cmd.Process.Pid)
		if err != nil {
			return err
		}
		agentBefore := a.spent()
		if err := r.changes(ctx, a, out, kind, s.changes, size, port, cmd.Process.Pid); err != nil {
			return err
		}
		after, err := spent(cmd.Process.Pid)
		if err != nil {
			return err
		}
		r.changeCPU[kind] = (after.cpu - before.cpu) / time.Duration(s.changes)
		r.consulCPU[kind] = (a.spent() - agentBefore) / time.Duration(s.changes)
		r.memory = after.memory
		known += after.cpu - before.cpu
	}
	machineAfter, err := machineTime()
	if err != nil {
		return err
	}
	busy := machineAfter.busy - machine.busy - (selfTime() + a.spent() - own + known).Seconds()
	r.otherWork = max(0, busy) / (machineAfter.total - machine.total)
	cancel()
	(<-watch)()
	return ctx.Err()
}

// changes makes a series of changes of one kind.
func (r *result) changes(ctx context.Context, a *agent, out string, kind change, changes, size, port, pid int) error {
	var latencies []time.Duration
	for i := range changes {
		text, holds, err := kind.make(a, kind.of(i, changes, size), i, port)
		if err != nil {
			return err
		}
		changed := time.Now()
		if r.await(ctx, out, text, holds, pid) {
			latencies = append(latencies, time.Since(changed))
		} else {
			r.changesMissed++
		}
		sleep(ctx, 500*time.Millisecond)
	}
	r.latency[kind] = median(latencies)
	return nil
}

// await polls the file until it holds text, or no longer does, and counts
// connections meanwhile.
func (r *result) await(ctx context.Context, file, text string, holds bool, pid int) bool {
	deadline := time.Now().Add(patience)
	for polls := 0; time.Now().Before(deadline) && ctx.Err() == nil; polls++ {
		if content, err := os.ReadFile(file); err == nil && len(content) > 0 && bytes.Contains(content, []byte(text)) == holds {
			return true
		}
		if polls%25 == 0 {
			r.connections = max(r.connections, sockets(pid))
		}
		time.Sleep(2 * time.Millisecond)
	}
	return false
}

// usage of a process: processor time, and resident memory in bytes.
type usage struct {
	cpu    time.Duration
	memory uint64
}

func spent(pid int) (usage, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return usage{}, err
	}
	stat, err := p.Stat()
	if err != nil {
		return usage{}, err
	}
	return usage{cpu: time.Duration(stat.CPUTime() * float64(time.Second)), memory: uint64(stat.ResidentMemory())}, nil
}

// sockets counts those a process has open: its connections.
func sockets(pid int) int {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0
	}
	targets, err := p.FileDescriptorTargets()
	if err != nil {
		return 0
	}
	return len(slices.DeleteFunc(targets, func(target string) bool { return !strings.HasPrefix(target, "socket:") }))
}

// processors is time of all of them together, in seconds.
type processors struct{ busy, total float64 }

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
	return processors{busy: busy, total: busy + c.Idle + c.Iowait}, nil
}

func selfTime() time.Duration {
	u, err := spent(os.Getpid())
	if err != nil {
		return 0
	}
	return u.cpu
}

func median(durations []time.Duration) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(durations))[len(durations)/2]
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
