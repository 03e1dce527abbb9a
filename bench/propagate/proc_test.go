package main

import (
	"encoding/binary"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseCPUTime(t *testing.T) {
	tests := []struct {
		name, stat string
		want       time.Duration
	}{
		{
			"plain",
			"4711 (sluice) S 1 4711 4711 0 -1 4194560 900 0 3 0 123 45 7 8 20 0 9 0 5000 1 2",
			1680 * time.Millisecond,
		},
		{
			"blanks and parentheses in the name",
			"4711 (a) b (c) R 1 4711 4711 0 -1 4194560 900 0 3 0 2 1 7 8 20 0 9 0 5000 1 2",
			30 * time.Millisecond,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseCPUTime(tt.stat)
			if err != nil || got != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
	for _, bad := range []string{"", "4711 (sluice) S 1 2", "1 (x) S 1 1 1 0 -1 0 0 0 0 0 many 1 0"} {
		if got, err := parseCPUTime(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, got)
		}
	}
}

func TestParseMachineTime(t *testing.T) {
	got, err := parseMachineTime("cpu  100 20 30 4000 500 6 7 8 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
	if want := (processors{busy: 1710 * time.Millisecond, total: 46710 * time.Millisecond}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "cpu0 1 2 3 4 5 6 7 8 9 10\n", "cpu  1 2 3\n", "cpu  1 2 3 4 x 6 7 8 9 10\n"} {
		if got, err := parseMachineTime(bad); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, got)
		}
	}
}

func TestParseMemory(t *testing.T) {
	got, err := parseMemory("Name:\tsluice\nVmPeak:\t 1240000 kB\nVmHWM:\t   30000 kB\nVmRSS:\t   28672 kB\nThreads:\t9\n")
	if want := (memory{now: 28672 << 10, peak: 30000 << 10}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	// A process that has ended but was not waited for has no such lines.
	for _, bad := range []string{"Name:\tsluice\nState:\tZ (zombie)\n", "VmHWM:\t1 kB\nVmRSS:\tlots kB\n"} {
		if got, err := parseMemory(bad); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, got)
		}
	}
}

func TestParseEstablished(t *testing.T) {
	remote := netip.MustParseAddrPort("127.1.2.3:8500")
	tests := []struct {
		file string
		want []string
	}{
		{"testdata/tcp", []string{"1001", "1002"}},
		{"testdata/tcp6", []string{"2001"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
				t.Skip("a little-endian kernel wrote these files")
			}
			f, err := os.Open(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got, err := parseEstablished(f, remote)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
	for _, bad := range []string{"x: 0100007F:0050", "0: 0100007F:0050 ZZ:2134 01 0:0 0:0 0 0 0 7", "0: 0:0 03:2134 01 0:0 0:0 0 0 0 7"} {
		if got, err := parseEstablished(strings.NewReader("headings\n"+bad+"\n"), remote); err == nil {
			t.Errorf("%q: got %v, want an error", bad, got)
		}
	}
}

// The parsers must also understand the kernel at hand, and a count must be of
// this process and that remote address alone.
func TestOwnProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	if _, err := cpuTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	if m, err := machineTime(); err != nil || m.busy > m.total {
		t.Errorf("machine time %+v, %v", m, err)
	}
	if m, err := memoryOf(os.Getpid()); err != nil || m.now > m.peak {
		t.Errorf("memory %+v, %v", m, err)
	}

	served, err := startBackend(t.Context(), netip.MustParseAddr("127.0.0.1"), "blue")
	if err != nil {
		t.Fatal(err)
	}
	defer served.stop()
	if n, err := connections(os.Getpid(), served.addr); n != 0 || err != nil {
		t.Errorf("before: %d connections, %v; want none", n, err)
	}
	p := newPoller(served.addr)
	if got := p.ask(t.Context(), "x"); got != (answer{status: 200, backend: "blue"}) {
		t.Errorf("the backend answered %+v", got)
	}
	if n, err := connections(os.Getpid(), served.addr); n != 1 || err != nil {
		t.Errorf("while polling: %d connections, %v; want 1", n, err)
	}
	if n, err := connections(os.Getppid(), served.addr); n != 0 {
		t.Errorf("the parent process: %d connections, %v; want none", n, err)
	}
	p.stop()
}
