package watch_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

func indexes(rs []watch.Request) []uint64 {
	list := make([]uint64, len(rs))
	for i, r := range rs {
		list[i] = r.Index
	}
	return list
}

func TestIndexZeroFirstThenAtLeastOne(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Record()
		b.watch(motd)
		b.source.Set(motd, pair("hello"))
		synctest.Wait()
		got := indexes(b.source.Recorded(motd))
		if len(got) != 3 || got[0] != 0 || got[1] < 1 || got[2] <= got[1] {
			t.Errorf("asked with indexes %d, want 0, then at least 1, then more", got)
		}
	})
}

func TestChangeAfterQuietIsSeenAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("one"))
		b.watch(motd)
		time.Sleep(time.Hour)
		changed(b.wants)
		b.source.Set(motd, pair("two"))
		before := time.Now()
		<-b.wants.Changed()
		if took := time.Since(before); took != 0 || b.value() != "two" {
			t.Errorf("after %s the value is %q, want two at once", took, b.value())
		}
	})
}

func TestSameIndexAsksAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.watch(motd)
		before := b.source.Requests(motd)
		time.Sleep(10*b.options.Wait + time.Second)
		if got := b.source.Requests(motd) - before; got != 10 {
			t.Errorf("%d requests in ten waits, want 10", got)
		}
	})
}

func TestEqualDataIsNotAChange(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("same"))
		b.watch(motd)
		changed(b.wants)
		generation := b.watcher.Snapshot().Generation()
		b.source.Set(motd, pair("same"))
		time.Sleep(time.Second)
		if changed(b.wants) || b.watcher.Snapshot().Generation() != generation {
			t.Error("an equal answer was published as a change")
		}
		if b.source.Requests(motd) != 3 {
			t.Errorf("%d requests, want 3: the new index was not taken in", b.source.Requests(motd))
		}
	})
}

// Consul may delete recursively without a new index for what is deleted.
func TestDataIsComparedAfterAWaitWithoutChange(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := watch.Prefix{Path: "redis/"}
		b.source.Set(q, []watch.Pair{{Key: "redis/a"}, {Key: "redis/b"}})
		b.watch(q)
		b.source.SetSilently(q, []watch.Pair{{Key: "redis/a"}})
		time.Sleep(b.options.Wait + time.Second)
		if got, _ := watch.Get(b.watcher.Snapshot(), q); len(got) != 1 {
			t.Errorf("%d pairs, want the 1 that is left", len(got))
		}
	})
}

func TestIndexGoingBackwardsResets(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("old"))
		b.source.SetIndex(motd, 100)
		b.watch(motd)
		b.source.Record()
		b.source.SetSilently(motd, pair("new"))
		b.source.SetIndex(motd, 7)
		time.Sleep(b.options.Wait + time.Second)
		if b.value() != "new" {
			t.Errorf("the value is %q, want new", b.value())
		}
		got := b.source.Recorded(motd)
		if len(got) != 2 || got[0].Index != 0 || !got[0].Consistent || got[1].Index != 7 {
			t.Errorf("then asked %+v, want a consistent request without index and one with 7", got)
		}
	})
}

func TestStaleReplyWithSmallerIndexIsNotBelieved(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("good"))
		b.source.SetIndex(motd, 100)
		b.watch(motd)
		changed(b.wants)
		b.source.SetStale(motd, nil, 1, 0)
		time.Sleep(3 * b.options.Wait)
		if b.value() != "good" || changed(b.wants) {
			t.Errorf("a rejoining server's empty reply was believed: value %q", b.value())
		}
	})
}

func TestEmptyReplyIsConfirmedByTheLeader(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("good"))
		b.watch(motd)
		b.source.Record()
		b.source.SetStale(motd, nil, 100, 0)
		synctest.Wait()
		if b.value() != "good" {
			t.Error("an empty stale reply was believed")
		}
		b.source.Set(motd, nil)
		time.Sleep(time.Minute)
		if b.value() != "" || b.entry(motd).Err != nil {
			t.Error("an empty reply that the leader confirmed was not believed")
		}
	})
}

func TestLastContactBeyondMaxStaleAsksConsistently(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("fresh"))
		b.source.SetStale(motd, pair("stale"), 50, b.options.MaxStale+1)
		b.watch(motd)
		if b.value() != "fresh" {
			t.Errorf("the value is %q, want fresh", b.value())
		}
		b.source.SetStale(motd, pair("near"), 200, b.options.MaxStale)
		time.Sleep(time.Minute)
		if b.value() != "near" {
			t.Errorf("the value is %q, want near: it is within the bound", b.value())
		}
	})
}

func TestDeadlineIsLongerThanWaitAndJitter(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("good"))
		b.watch(motd)
		b.source.Hang()
		limit := b.options.Wait + b.options.Wait/16 + 10*time.Second
		time.Sleep(limit - 2*time.Second) // the request is a second old
		if err := b.entry(motd).Err; err != nil {
			t.Fatalf("failed before its deadline: %v", err)
		}
		time.Sleep(2 * time.Second)
		if e := b.entry(motd); !e.Stale() || b.value() != "good" {
			t.Errorf("after its deadline the entry is %+v, want the good value, stale", e)
		}
	})
}

func TestFirstRequestAfterFailureHasNoIndex(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("good"))
		b.watch(motd)
		b.source.Record()
		b.source.Down(errors.New("connection refused"))
		time.Sleep(time.Minute)
		b.source.Up()
		time.Sleep(5 * time.Second)
		got := indexes(b.source.Recorded(motd))
		if len(got) < 3 || got[len(got)-1] == 0 {
			t.Fatalf("asked with indexes %d, want some failed and one held", got)
		}
		for _, index := range got[:len(got)-1] {
			if index != 0 {
				t.Errorf("asked with indexes %d, want 0 after a failure", got)
			}
		}
	})
}

func TestRestartedEmptySourceIsFollowed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("old"))
		b.source.SetIndex(motd, 5000)
		b.watch(motd)
		b.source.Restart()
		b.source.Set(motd, pair("new"))
		time.Sleep(5 * time.Second)
		if b.value() != "new" {
			t.Errorf("the value is %q five seconds after the restart, want new", b.value())
		}
	})
}

func TestIndexThatStaysLowIsNotABusyLoop(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("same"))
		queries := append(services(63), motd)
		b.source.HoldNothing()
		b.watch(queries...)
		time.Sleep(10 * time.Second)
		before := b.source.Total()
		time.Sleep(time.Minute)
		if rate := float64(b.source.Total()-before) / 60; rate > 20 {
			t.Errorf("%.1f requests a second for 64 queries, want at most 20", rate)
		}
		b.source.Set(motd, pair("new"))
		time.Sleep(5 * time.Second)
		if b.value() != "new" {
			t.Error("a change was not seen within 5 s")
		}
	})
}

func TestBusyQueryIsAskedEvery100ms(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.watch(motd)
		before := b.source.Requests(motd)
		for range 10_000 {
			b.source.Touch(motd)
			time.Sleep(time.Millisecond)
		}
		if got := b.source.Requests(motd) - before; got < 80 || got > 105 {
			t.Errorf("%d requests in 10 s, want about one every 100 ms", got)
		}
	})
}

func TestPolledWhereTheSourceCannotBlock(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := watch.Datacenters{}
		b.source.SetPolled(q, []string{"dc1"}, 30*time.Second)
		b.watch(q)
		if mode := b.status(q).Mode; mode != "polled" {
			t.Errorf("the mode is %q, want polled", mode)
		}
		before := b.source.Requests(q)
		time.Sleep(5*time.Minute + time.Second)
		if got := b.source.Requests(q) - before; got != 10 {
			t.Errorf("%d requests in 5 minutes, want 10", got)
		}
		time.Sleep(8 * time.Second)
		if age := b.status(q).Age; age != 10*time.Second {
			t.Errorf("the age is %s, want 10s", age)
		}
	})
}
