package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc: 1/USER_HZ, which is 100 on
// every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuTime returns the processor time a process has used, its threads together,
// in user and kernel mode.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return 0, err
	}
	return parseCPUTime(string(text))
}

// parseCPUTime reads /proc/PID/stat; see proc_pid_stat(5).
func parseCPUTime(stat string) (time.Duration, error) {
	// The program's name, in parentheses, may itself hold both blanks and
	// parentheses. After it come the fields from the third on.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat has only %d fields after the name", len(fields))
	}
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime, the 14th and 15th
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// machineTime returns the processor time of the whole machine since it was
// booted, all its processors together.
func machineTime() (processors, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return processors{}, err
	}
	return parseMachineTime(string(text))
}

// processors is time of all processors together.
type processors struct{ busy, total time.Duration }

// parseMachineTime reads the first line of /proc/stat; see proc_stat(5).
func parseMachineTime(stat string) (processors, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return processors{}, fmt.Errorf("/proc/stat begins with %q", line)
	}
	var p processors
	// user, nice, system, idle, iowait, irq, softirq, steal; what follows is
	// part of user and nice.
	for i, field := range fields[1:9] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return processors{}, fmt.Errorf("/proc/stat: %w", err)
		}
		p.total += time.Duration(n) * tick
		if i != 3 && i != 4 {
			p.busy += time.Duration(n) * tick
		}
	}
	return p, nil
}

// memory is the resident memory of a process, in bytes.
type memory struct{ now, peak int64 }

func memoryOf(pid int) (memory, error) {
	text, err := os.ReadFile(procFile(pid, "status"))
	if err != nil {
		return memory{}, err
	}
	return parseMemory(string(text))
}

// parseMemory reads VmRSS and VmHWM of /proc/PID/status.
func parseMemory(status string) (memory, error) {
	var m memory
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		var into *int64
		switch key {
		case "VmRSS":
			into = &m.now
		case "VmHWM":
			into = &m.peak
		default:
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("/proc/PID/status: %s: %w", key, err)
		}
		*into = kib << 10
	}
	if m.now == 0 || m.peak == 0 {
		return m, fmt.Errorf("/proc/PID/status has no VmRSS or VmHWM")
	}
	return m, nil
}

func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}
