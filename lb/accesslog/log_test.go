package accesslog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sink is a target that can be made slow or broken.
type sink struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
	takes  int // bytes a write takes before it fails; -1 is all
	gate   chan struct{}
}

func (s *sink) Write(p []byte) (int, error) {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.takes >= 0 && len(p) > s.takes {
		n, _ := s.text.Write(p[:s.takes])
		return n, errors.New("no space left")
	}
	return s.text.Write(p)
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func newLog(t testing.TB, target string, w io.Writer) *Log {
	t.Helper()
	l, err := New(Options{Target: target, Format: "$request_uri", Stdout: w, Stderr: w, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// run runs the log until the test or what is returned ends it.
func run(t testing.TB, l *Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestLinesAreFlushedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{takes: -1}
		l := newLog(t, Stdout, out)
		stop := run(t, l)
		l.Record(&Entry{Path: "/1"})
		time.Sleep(flushInterval / 2)
		l.Record(&Entry{Path: "/2"})
		synctest.Wait()
		if out.count() != 0 {
			t.Fatalf("written at once: %q", out)
		}
		time.Sleep(flushInterval / 2)
		synctest.Wait()
		if got := out.String(); got != "/1\n/2\n" || out.count() != 1 {
			t.Fatalf("after the interval %d writes have brought %q", out.count(), got)
		}
		time.Sleep(time.Hour) // idle: nothing is written
		if out.count() != 1 {
			t.Fatalf("%d writes without a line", out.count())
		}
		l.Record(&Entry{Path: "/3"})
		stop() // does not wait for the interval, and loses nothing
		if got := out.String(); got != "/1\n/2\n/3\n" {
			t.Errorf("at the end there is %q", got)
		}
		l.Record(&Entry{Path: "/4"})
		if written, dropped := l.Stats(); written != 3 || dropped != 1 {
			t.Errorf("%d written, %d dropped, want 3 and 1", written, dropped)
		}
	})
}

func TestFullBatchDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{takes: -1}
		l := newLog(t, Stderr, out)
		run(t, l)
		began := time.Now()
		for range batchBytes/100 + 1 {
			l.Record(&Entry{Path: strings.Repeat("x", 100)})
		}
		synctest.Wait()
		if out.count() == 0 || time.Since(began) != 0 {
			t.Errorf("%d writes after %v", out.count(), time.Since(began))
		}
	})
}

// A target that takes nothing costs lines and bounded memory, not time.
func TestSlowTargetLosesLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{takes: -1, gate: make(chan struct{})}
		l := newLog(t, Stdout, out)
		stop := run(t, l)
		long := strings.Repeat("x", maxValue)
		const n = 3 * maxPending / maxValue
		for i := range n {
			l.Record(&Entry{Path: long})
			if i == 10 {
				synctest.Wait() // these are being written, for ever
			}
		}
		synctest.Wait()
		_, dropped := l.Stats()
		if kept := n - dropped; dropped == 0 || kept*maxValue > 2*maxPending || cap(l.pending) > 2*maxPending {
			t.Errorf("%d of %d lines are kept, in %d bytes", kept, n, cap(l.pending))
		}
		close(out.gate)
		stop()
		written, dropped := l.Stats()
		if lines := uint64(strings.Count(out.String(), "\n")); written != lines || written+dropped != n {
			t.Errorf("%d written and %d dropped of %d, and %d lines are there", written, dropped, n, lines)
		}
		if cap(l.spare) > maxKeptBatch {
			t.Errorf("a buffer of %d bytes is kept", cap(l.spare))
		}
	})
}

// Half a line must not take the next one with it.
func TestFailingTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{takes: len("/one\n/tw")}
		l := newLog(t, Stdout, out)
		stop := run(t, l)
		l.Record(&Entry{Path: "/one"})
		l.Record(&Entry{Path: "/two"})
		time.Sleep(time.Second)
		synctest.Wait()
		out.mu.Lock()
		out.takes = -1
		out.mu.Unlock()
		l.Record(&Entry{Path: "/three"})
		stop()
		if got := out.String(); got != "/one\n/tw\n/three\n" {
			t.Errorf("%q", got)
		}
		if written, dropped := l.Stats(); written != 2 || dropped != 1 {
			t.Errorf("%d written, %d dropped, want 2 and 1", written, dropped)
		}
	})
}

func TestFileIsOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	l := newLog(t, path, nil)
	stop := run(t, l)
	wait := func(file, want string) {
		t.Helper()
		for range 5000 {
			if text, err := os.ReadFile(file); err == nil && string(text) == want {
				return
			}
			time.Sleep(2 * time.Millisecond)
		}
		text, err := os.ReadFile(file)
		t.Fatalf("%s holds %q, error %v, want %q", file, text, err, want)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o640 {
		t.Fatalf("mode %v, error %v, want 0640", info.Mode(), err)
	}
	l.Record(&Entry{Path: "/1"})
	wait(path, "/1\n")

	// Asked for: what was recorded before goes to the old file.
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	wait(path, "")
	l.Record(&Entry{Path: "/2"})
	wait(path, "/2\n")
	wait(path+".1", "/1\n")

	// Not asked for: noticed after a while.
	if err := os.Rename(path, path+".2"); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; n < 1000; n++ {
		if _, err := os.Stat(path); err == nil {
			break
		}
		l.Record(&Entry{Path: fmt.Sprintf("/late%d", n)})
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	written, dropped := l.Stats()
	if _, err := os.Stat(path); err != nil || written != uint64(n+2) || dropped != 0 {
		t.Errorf("%d of %d lines written, %d dropped, %v", written, n+2, dropped, err)
	}
}

func TestTargetFaults(t *testing.T) {
	for _, target := range []string{"", filepath.Join(t.TempDir(), "no", "such", "folder")} {
		_, err := New(Options{Target: target, Format: "json"})
		if err == nil || !strings.HasPrefix(err.Error(), "access log: ") {
			t.Errorf("%q: %v", target, err)
		}
	}
}

// What a line is not to show it does not, whatever the format.
func TestQueriesAreDropped(t *testing.T) {
	for _, format := range append(Formats(), everything) {
		for _, e := range []*Entry{served(), {Line: "GET /a?b=2 c HTTP/1.1"}} {
			var w sink
			w.takes = -1
			l, err := New(Options{Target: Stdout, Format: format, DropQuery: true, Stdout: &w, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			l.Record(e)
			if line := string(l.pending); line == "" || strings.Contains(line, "b=2") {
				t.Errorf("%s: %s", format, line)
			}
		}
	}
}

func TestInternalRequestsAreDropped(t *testing.T) {
	for _, drops := range []bool{false, true} {
		l, err := New(Options{Target: Stdout, Format: "json", DropInternal: drops, Stdout: io.Discard, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		l.Record(&Entry{Internal: true})
		l.Record(&Entry{})
		want := uint64(2)
		if drops {
			want = 1
		}
		if l.lines != want {
			t.Errorf("dropped: %t, %d lines, want %d", drops, l.lines, want)
		}
	}
}

// What a program adds to each line by itself stays, unless it is named.
func TestLoggersOwnFields(t *testing.T) {
	for _, modes := range []Modes{{Default: "drop", Keep: []string{"OriginStatus"}}, {Default: "drop", Drop: []string{"time", "level"}, Keep: []string{"OriginStatus"}}} {
		line := string(mustFormat(t, traefikJSON, modes, Modes{}).Append(nil, served()))
		want := `{"OriginStatus":201}`
		if len(modes.Drop) == 0 {
			want = `{"OriginStatus":201,"level":"info","msg":"","time":"2024-03-09T06:05:06Z"}`
		}
		if line != want+"\n" {
			t.Errorf("%s, want %s", line, want)
		}
	}
}
