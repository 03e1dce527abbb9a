package render

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

func TestQuiet(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	wait := Wait{Min: 2 * time.Second, Max: 5 * time.Second}
	var q quiet
	if q.running() || q.due(at(0)) {
		t.Fatal("runs from the start")
	}
	// Every change puts it off, but not past the maximum after the first.
	for _, step := range []struct{ change, until float64 }{{0, 2}, {1.5, 3.5}, {3, 5}, {4.5, 5}} {
		q.touch(at(step.change), wait)
		if !q.until.Equal(at(step.until)) {
			t.Errorf("after the change at %vs it runs until %v, want %vs", step.change, q.until.Sub(start), step.until)
		}
	}
	if q.due(at(4.99)) || !q.due(at(5)) {
		t.Error("not due exactly at its end")
	}
	q.stop()
	q.touch(at(10), wait)
	if !q.until.Equal(at(12)) {
		t.Errorf("the second run ends at %v", q.until.Sub(start))
	}
	if got := (Wait{Min: time.Second}).max(); got != 4*time.Second {
		t.Errorf("the default maximum is %v", got)
	}
}

// seconds a change takes from the source to the file, less than which nothing
// here is meant to measure.
const propagation = 500 * time.Millisecond

func TestWaitDelaysAllButTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := text(`{{key "a"}}`, "waiting")
		waiting.Wait = Wait{Min: 10 * time.Second, Max: 25 * time.Second}
		b := start(t, Options{Templates: []Template{
			waiting, text(`{{key "a"}}`, "at-once"), text(`{{key "never"}}`, "never"),
		}})
		b.setKey("a", "0")
		began := time.Now()
		b.awaitFile("waiting", "0")
		if since := time.Since(began); since > propagation {
			t.Errorf("the first rendering was delayed by %v", since)
		}

		// A change every 6 s: never quiet for 10 s, so the maximum counts.
		began = time.Now()
		for i := range 4 {
			b.setKey("a", fmt.Sprint(i+1))
			b.awaitFile("at-once", fmt.Sprint(i+1))
			b.awaitState(0, Settling)
			if b.read("waiting") != "0" {
				t.Fatalf("rendered %v after the first change", time.Since(began))
			}
			time.Sleep(time.Until(began.Add(time.Duration(i+1) * 6 * time.Second)))
		}
		b.awaitFile("waiting", "4")
		if since := time.Since(began); since < 25*time.Second || since > 25*time.Second+propagation {
			t.Errorf("rendered %v after the first change, want 25s", since)
		}

		began = time.Now()
		b.setKey("a", "5")
		b.awaitFile("waiting", "5")
		if since := time.Since(began); since < 10*time.Second || since > 10*time.Second+propagation {
			t.Errorf("rendered %v after a single change, want 10s", since)
		}
		b.stop()
	})
}

func TestMissingIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, Options{Templates: []Template{text(`{{key "a"}}{{key "b"}}{{service "web"}}`, "out")}})
		b.source.SetErr(watch.Health{Service: "web", PassingOnly: true}, errors.New("no leader"))
		time.Sleep(4900 * time.Millisecond)
		if n := b.log.Count("waits for data"); n != 0 {
			t.Errorf("%d warnings before the time:\n%s", n, b.log)
		}
		b.setKey("a", "1")
		time.Sleep(time.Hour)
		var warnings []string
		for line := range strings.Lines(b.log.String()) {
			if _, rest, found := strings.Cut(line, "level=WARN "); found {
				warnings = append(warnings, rest)
			}
		}
		want := []string{
			`msg="a template waits for data" template=(dynamic) query="key b" reason="it does not exist"`,
			`msg="a template waits for data" template=(dynamic) query="service web|passing" reason="no leader"`,
		}
		if got := strings.TrimSpace(strings.Join(warnings, "")); got != strings.Join(want, "\n") {
			t.Errorf("warnings:\n%s", got)
		}
		b.stop()
	})
}

func TestRetryBacksOff(t *testing.T) {
	now := time.Now()
	backoff := watch.Backoff{Min: time.Second, Max: 5 * time.Second}
	var r retry
	if !r.ready(now) {
		t.Error("not ready at first")
	}
	for i, want := range []time.Duration{1, 2, 4, 5, 5} {
		r.failed(now, backoff)
		if got := r.next.Sub(now); got != want*time.Second {
			t.Errorf("pause %d is %v, want %vs", i, got, int(want))
		}
	}
	if r.ready(now) || !r.ready(r.next) {
		t.Error("not ready exactly at the end of the pause")
	}
}
