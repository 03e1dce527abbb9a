package watch_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// logged returns the lines logged by the test, without their times.
func logged(t *testing.T, test func(b *bubble)) []string {
	t.Helper()
	var out bytes.Buffer
	inBubble(t, func(_ *testing.T, b *bubble) {
		b.options.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				switch a.Key {
				case slog.TimeKey, "attempt", "retry_in":
					return slog.Attr{}
				}
				return a
			},
		}))
		test(b)
	})
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestFailingQueryIsLoggedOnceAndItsRecovery(t *testing.T) {
	lines := logged(t, func(b *bubble) {
		b.watch(append(services(5), motd)...)
		b.source.SetErr(motd, errors.New("500"))
		time.Sleep(time.Hour - 100*time.Millisecond)
		b.source.Set(motd, nil)
		time.Sleep(2 * time.Minute)
	})
	if len(lines) != 2 {
		t.Fatalf("logged %q, want two lines", lines)
	}
	wantLines(t, lines[:1], `level=WARN msg="query failing" query="key app/motd" err=500`)
	if !strings.HasPrefix(lines[1], `level=INFO msg="query answered again" query="key app/motd" after=1h0m`) {
		t.Errorf("logged %s", lines[1])
	}
}

func TestOutageIsOneLineForAll(t *testing.T) {
	lines := logged(t, func(b *bubble) {
		b.watch(services(50)...)
		b.source.Down(errRefused)
		time.Sleep(time.Hour)
		b.source.Up()
		time.Sleep(time.Hour)
	})
	if len(lines) != 2 {
		t.Fatalf("logged %q, want two lines", lines)
	}
	wantLines(t, lines[:1], `level=WARN msg="source unreachable" source=watchtest queries=50 err="dial tcp 127.0.0.1:8500: connection refused"`)
	if !strings.HasPrefix(lines[1], `level=INFO msg="source reachable again" source=watchtest after=1h0m`) {
		t.Errorf("logged %s", lines[1])
	}
}

func TestOutageOfACrowdIsTwoLinesEachWay(t *testing.T) {
	lines := logged(t, func(b *bubble) {
		b.watch(services(500)...)
		b.source.SetDelay(20 * time.Millisecond) // recovery takes longer than a report
		b.source.Down(errRefused)
		time.Sleep(time.Hour)
		b.source.Up()
		time.Sleep(time.Hour)
	})
	if len(lines) != 4 {
		t.Fatalf("logged %q, want two lines for the outage and two for its end", lines)
	}
	wantLines(t, lines[:2],
		`level=WARN msg="survey failing, its services are polled" scope=default services=500 err="dial tcp 127.0.0.1:8500: connection refused"`,
		`level=WARN msg="source unreachable" source=watchtest queries=500 err="dial tcp 127.0.0.1:8500: connection refused"`)
}

func TestManyFailingQueriesShareALine(t *testing.T) {
	lines := logged(t, func(b *bubble) {
		queries := services(50)
		b.watch(queries...)
		for _, q := range queries[:20] {
			b.source.Deny(q)
		}
		time.Sleep(time.Hour)
	})
	if len(lines) != 1 || !strings.Contains(lines[0], `msg="queries failing" queries=20`) {
		t.Errorf("logged %q, want one line for twenty queries", lines)
	}
}

func TestWhatStillFailsAfterAnOutageIsLogged(t *testing.T) {
	lines := logged(t, func(b *bubble) {
		b.watch(append(services(10), motd)...)
		b.source.Down(errRefused)
		time.Sleep(time.Minute)
		b.source.SetErr(motd, errors.New("500"))
		b.source.Up()
		time.Sleep(time.Minute)
	})
	if len(lines) != 3 {
		t.Fatalf("logged %q, want three lines", lines)
	}
	wantLines(t, lines[2:], `level=WARN msg="query failing" query="key app/motd" err=500`)
}

func TestUnanswerableIsLogged(t *testing.T) {
	lines := logged(t, func(b *bubble) {
		b.source.Refuse(func(q watch.Query) bool { return q == motd })
		b.watch(motd)
		time.Sleep(time.Minute)
	})
	wantLines(t, lines, `level=WARN msg="query failing" query="key app/motd" err="no source is configured for this kind of query"`)
}
