package watch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

var errRefused = errors.New("dial tcp 127.0.0.1:8500: connection refused")

func TestFailureKeepsTheLastGoodAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("good"))
		b.watch(motd)
		changed(b.wants)
		b.source.Down(errRefused)
		<-b.wants.Changed()
		if e := b.entry(motd); !e.Stale() || !errors.Is(e.Err, errRefused) || b.value() != "good" {
			t.Errorf("the entry is %+v, want the good value, stale", e)
		}
		generation := b.watcher.Snapshot().Generation()
		time.Sleep(time.Hour)
		if changed(b.wants) || b.watcher.Snapshot().Generation() != generation {
			t.Error("the same error was published again")
		}
		age, q := b.watcher.Status().StaleFor()
		if age != time.Hour || q.Query != motd || q.Tries < 10 || q.Err == nil || time.Since(q.Since) != time.Hour {
			t.Errorf("stale for %s, %+v; want an hour, with error, since and tries", age, q)
		}
		version := b.entry(motd).Version
		b.source.Up()
		<-b.wants.Changed()
		if e := b.entry(motd); e.Err != nil || e.Version != version {
			t.Errorf("after the recovery the entry is %+v, want it fresh in version %d", e, version)
		}
		if age, _ := b.watcher.Status().StaleFor(); age != 0 {
			t.Errorf("stale for %s after the recovery", age)
		}
	})
}

// A request that is held says that the answer is true, however long ago it was
// given: it is stale from the moment at which the connection broke.
func TestStaleSinceTheFailureOfWhatConfirmedIt(t *testing.T) {
	age := func(b *bubble) time.Duration {
		age, _ := b.watcher.Status().StaleFor()
		return age
	}
	t.Run("blocking", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bubble) {
			b.watch(motd)
			time.Sleep(50 * time.Second)
			b.source.Down(errRefused)
			time.Sleep(3 * time.Second)
			if got := age(b); got != 3*time.Second {
				t.Errorf("stale for %s, want 3s", got)
			}
			if got := time.Since(b.entry(motd).Confirmed); got != 3*time.Second {
				t.Errorf("confirmed %s ago, want 3s", got)
			}
		})
	})
	t.Run("surveyed", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bubble) {
			b.options.MaxConnections = 8
			b.watch(services(100)...)
			time.Sleep(50 * time.Second)
			b.source.Signal("service-0001")
			b.source.Down(errRefused)
			time.Sleep(3 * time.Second)
			if got := age(b); got != 3*time.Second {
				t.Errorf("stale for %s, want 3s", got)
			}
		})
	})
	t.Run("polled", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bubble) {
			q := watch.Datacenters{}
			b.source.SetPolled(q, []string{"dc1"}, 30*time.Second)
			b.watch(q)
			time.Sleep(20 * time.Second)
			b.source.Down(errRefused)
			time.Sleep(12 * time.Second)
			if got := age(b); got != 33*time.Second {
				t.Errorf("stale for %s, want 33s: nothing confirmed it since it was asked", got)
			}
		})
	})
	t.Run("no answer at all", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *bubble) {
			b.watch(motd)
			b.source.Hang()
			time.Sleep(2 * b.options.Wait)
			if got := age(b); got != 2*b.options.Wait+time.Second {
				t.Errorf("stale for %s, want 2m1s: who is silent confirms nothing", got)
			}
		})
	})
}

func TestBackoffGrowsAndEndsAtOnceWithRun(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Down(errRefused)
		var queries []watch.Query
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
			queries = append(queries, watch.Key{Path: name})
		}
		b.watch(queries...)
		time.Sleep(time.Hour)
		before := b.source.Total()
		time.Sleep(time.Hour)
		// Nine rest 30 s on average, the probe 2 s.
		if got := b.source.Total() - before; got < 1800 || got > 4500 {
			t.Errorf("%d requests in an hour, want about 2900", got)
		}
	}) // Run returns although all rest: the bubble would be stuck otherwise
}

// A server that has just rejoined may answer with less than there is.
func TestLowerIndexAfterAFailureIsConfirmed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("good"))
		b.source.SetIndex(motd, 100)
		b.watch(motd)
		changed(b.wants)
		b.source.Down(errRefused)
		time.Sleep(time.Minute)
		b.source.SetStale(motd, pair("half"), 3, 0)
		b.source.Up()
		time.Sleep(time.Minute)
		if e := b.entry(motd); b.value() != "good" || e.Err != nil {
			t.Errorf("the entry is %+v, want the good value, fresh", e)
		}
	})
}

func TestReturnOfTheSourceIsNoticedWithinSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		other := watch.Key{Path: "other"}
		b.source.Down(errRefused)
		b.watch(motd, other)
		time.Sleep(10 * time.Hour)
		b.source.Up()
		time.Sleep(5 * time.Second)
		if !b.entry(motd).Known || !b.entry(other).Known {
			t.Error("not all are known five seconds after the source's return")
		}
	})
}

func TestOneFailingQueryBacksOffAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		bad := watch.Key{Path: "bad"}
		b.source.SetErr(bad, errors.New("500"))
		b.watch(motd, watch.Key{Path: "good"}, watch.Key{Path: "fine"}, bad)
		time.Sleep(time.Hour)
		before := b.source.Requests(bad)
		for range 3600 {
			b.source.Touch(motd)
			time.Sleep(time.Second)
		}
		if got := b.source.Requests(bad) - before; got < 60 || got > 240 {
			t.Errorf("%d requests in an hour, want about 120", got)
		}
	})
}

func TestDeniedIsKeptAndRetriedSlowly(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("good"))
		b.watch(motd)
		before := b.source.Requests(motd)
		b.source.Deny(motd)
		time.Sleep(time.Hour)
		if e := b.entry(motd); !errors.Is(e.Err, watch.ErrDenied) || b.value() != "good" {
			t.Errorf("the entry is %+v, want the good value and ErrDenied", e)
		}
		if got := b.source.Requests(motd) - before; got < 60 || got > 120 {
			t.Errorf("%d requests in an hour, want one every 30 to 60 s", got)
		}
	})
}

func TestNotFoundIsTypedNotRetriedLikeAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		query := watch.PreparedQuery{Name: "nearest"}
		b.source.SetErr(query, fmt.Errorf("404: %w", watch.ErrNotFound))
		b.watch(query, motd)
		b.source.Set(motd, pair("fine"))
		time.Sleep(time.Hour)
		if e := b.entry(query); e.Known || !errors.Is(e.Err, watch.ErrNotFound) {
			t.Errorf("the entry is %+v, want ErrNotFound", e)
		}
		if got := b.source.Requests(query); got < 60 || got > 121 {
			t.Errorf("%d requests in an hour, want one every 30 to 60 s", got)
		}
		if e := b.entry(motd); e.Err != nil || b.value() != "fine" {
			t.Errorf("another query's entry is %+v: the source was taken to be out", e)
		}
	})
}

// Questions that are none are no outage, however many there are.
func TestInvalidQuestionsAreNoOutage(t *testing.T) {
	lines := logged(t, func(b *bubble) {
		bad := []watch.Query{watch.Health{Service: "a\x00"}, watch.Health{Service: ".."}, watch.Health{Service: "b\n"}}
		for _, q := range bad {
			b.source.SetErr(q, fmt.Errorf("400 Bad Request: %w", watch.ErrInvalid))
		}
		b.source.Set(motd, pair("fine"))
		b.watch(append(bad, motd)...)
		time.Sleep(time.Hour)
		for _, q := range bad {
			if got := b.source.Requests(q); got < 60 || got > 121 || !errors.Is(b.entry(q).Err, watch.ErrInvalid) {
				t.Errorf("%q: %d requests in an hour, want one every 30 to 60 s; entry %+v", q, got, b.entry(q))
			}
		}
	})
	if text := strings.Join(lines, "\n"); strings.Contains(text, "unreachable") || strings.Count(text, "query failing") != 3 {
		t.Errorf("logged\n%s", text)
	}
}

func TestBackoffEndsWithTheContext(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.SetErr(motd, errRefused)
		b.source.Deny(watch.Key{Path: "secret"})
		w := watch.New(b.options, b.source)
		w.Register("test").Set(motd, watch.Key{Path: "secret"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		started := time.Now()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(started); took != time.Hour {
			t.Errorf("Run returned %s after its context ended", took-time.Hour)
		}
		asked := b.source.Total()
		time.Sleep(time.Hour)
		if b.source.Total() != asked {
			t.Error("asked on after Run returned")
		}
	})
}

type busy struct{ error }

func (busy) RetryAfter() time.Duration { return 20 * time.Second }

func TestRetryAfterIsHonoured(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.SetErr(motd, busy{errors.New("429 Too Many Requests")})
		b.watch(motd)
		time.Sleep(time.Hour)
		if got := b.source.Requests(motd); got > 180 {
			t.Errorf("%d requests in an hour, want none sooner than 20 s", got)
		}
	})
}

func TestFilteredToEmptyIsNotAllGone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		web := watch.Health{Service: "web"}
		b.source.Set(web, instances("one", "two"))
		b.watch(web)
		b.source.SetFiltered(web, nil)
		synctest.Wait()
		e := b.entry(web)
		if got, _ := watch.Get(b.watcher.Snapshot(), web); len(got) != 2 || !errors.Is(e.Err, watch.ErrFiltered) {
			t.Errorf("the entry is %+v, want both instances and ErrFiltered", e)
		}
		if !b.status(web).Filtered {
			t.Error("the status does not say filtered")
		}
		b.source.SetFiltered(web, instances("one"))
		time.Sleep(2 * time.Minute)
		if got, _ := watch.Get(b.watcher.Snapshot(), web); len(got) != 1 || b.entry(web).Err != nil {
			t.Errorf("the entry is %+v, want the one instance left", b.entry(web))
		}
	})
}

// Nothing tells "there is nothing" from "not allowed to see", so a first answer
// that rules emptied is none.
func TestFilteredToEmptyIsUnknownAtFirstContact(t *testing.T) {
	for _, test := range []struct {
		query watch.Query
		value any
	}{
		{watch.Services{}, nil},
		{watch.Health{Service: "web"}, nil},
		{watch.Prefix{Path: "app/"}, nil},
		{watch.Node{Name: "n"}, &watch.NodeServices{Node: watch.NodeInfo{Name: "n"}}},
	} {
		t.Run(test.query.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				var log bytes.Buffer
				b.options.Logger = slog.New(slog.NewTextHandler(&log, nil))
				b.source.SetFiltered(test.query, test.value)
				b.source.SetNeeds("service:read on everything")
				b.watch(test.query)
				e := b.entry(test.query)
				if e.Known || !errors.Is(e.Err, watch.ErrFiltered) || !errors.Is(e.Err, watch.ErrDenied) {
					t.Fatalf("the entry is %+v, want it unknown with ErrFiltered", e)
				}
				if !strings.Contains(e.Err.Error(), "service:read on everything") {
					t.Errorf("the error %q does not name the right", e.Err)
				}
				if s := b.status(test.query); !s.Filtered || s.Known {
					t.Errorf("the status is %+v", s)
				}
				if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "service:read on everything") {
					t.Errorf("the log lacks a warning with the right: %s", log.String())
				}
				if !changed(b.wants) {
					t.Error("the consumer was not told")
				}
			})
		})
	}
}

func TestPartlyFilteredIsData(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		web := watch.Health{Service: "web"}
		b.source.SetFiltered(web, instances("one"))
		b.watch(web)
		if e := b.entry(web); !e.Known || e.Err != nil || !b.status(web).Filtered {
			t.Errorf("the entry is %+v, want it known; filtered %t", e, b.status(web).Filtered)
		}
	})
}

func TestUnanswerable(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Refuse(func(q watch.Query) bool { return q == motd })
		b.watch(motd)
		if e := b.entry(motd); !errors.Is(e.Err, watch.ErrUnanswerable) || e.Known {
			t.Errorf("the entry is %+v, want ErrUnanswerable", e)
		}
		if !changed(b.wants) {
			t.Error("the consumer was not told")
		}
	})
}
