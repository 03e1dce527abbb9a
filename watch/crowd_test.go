package watch_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// known fails the test unless all the queries are known and fresh.
func (b *bubble) known(queries []watch.Query) {
	b.t.Helper()
	s := b.watcher.Snapshot()
	missing, stale := 0, 0
	for _, q := range queries {
		e, _ := s.Entry(q)
		missing += count(!e.Known)
		stale += count(e.Err != nil)
	}
	if missing+stale > 0 {
		b.t.Fatalf("of %d queries %d are not known and %d not fresh", len(queries), missing, stale)
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// since returns how often each query was asked since the counts were taken.
func (b *bubble) since(before map[watch.Query]int) map[watch.Query]int {
	asked := make(map[watch.Query]int)
	for q, n := range b.source.Counts() {
		if n > before[q] {
			asked[q] = n - before[q]
		}
	}
	return asked
}

func TestOneChangeIsFetchedAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(5000)
		b.watch(queries...)
		changed(b.wants)
		before := b.source.Counts()
		b.source.Set(queries[4321], instances("one"))
		started := time.Now()
		<-b.wants.Changed()
		if took := time.Since(started); took != 0 {
			t.Errorf("published after %s, want at once", took)
		}
		time.Sleep(time.Minute)
		if got := b.since(before); len(got) != 1 || got[queries[4321]] != 1 {
			t.Errorf("asked %v, want the changed service once", got)
		}
		if got := b.entry(queries[4321]).Value.([]watch.Instance); len(got) != 1 {
			t.Errorf("%d instances, want 1", len(got))
		}
	})
}

func TestHiddenChangeSweepsAll(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(500)
		b.watch(queries...)
		before := b.source.Counts()
		b.source.SetHidden(queries[123], instances("one"))
		time.Sleep(time.Second)
		if got := b.entry(queries[123]).Value.([]watch.Instance); len(got) != 1 {
			t.Errorf("%d instances, want 1", len(got))
		}
		if got := b.since(before); len(got) != 500 {
			t.Errorf("%d services asked, want all 500", len(got))
		}
	})
}

func TestSignalsAreCoalescedAndSweepsRest(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(500)
		b.source.SetDelay(10 * time.Millisecond)
		b.watch(queries...)
		time.Sleep(10 * time.Second)
		before := b.source.Total()
		for range 10_000 {
			b.source.Signal()
			time.Sleep(time.Millisecond)
		}
		// A sweep takes 500/32 × 10 ms and rests half a second at least.
		if sweeps := float64(b.source.Total()-before) / 500; sweeps < 8 || sweeps > 20 {
			t.Errorf("%.1f sweeps in 10 s, want about 13", sweeps)
		}
	})
}

func TestSignalDuringAFetchCausesAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(100)
		b.watch(queries...)
		b.source.SetDelay(50 * time.Millisecond)
		before := b.source.Requests(queries[0])
		b.source.Signal("service-0000")
		time.Sleep(10 * time.Millisecond)
		b.source.Signal("service-0000")
		b.source.Signal("service-0000")
		time.Sleep(time.Minute)
		if got := b.source.Requests(queries[0]) - before; got != 2 {
			t.Errorf("%d requests, want 2: one more after the signals in flight", got)
		}
	})
}

func TestNewQueryIsFetchedAtOnceInACrowd(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(1001)
		b.watch(queries[:1000]...)
		b.source.SetDelay(10 * time.Millisecond)
		b.source.Signal() // a sweep of more than 300 ms
		time.Sleep(15 * time.Millisecond)
		b.wants.Set(queries...)
		time.Sleep(30 * time.Millisecond)
		if got := b.source.Requests(queries[1000]); got != 1 {
			t.Errorf("%d requests for the new one in mid-sweep, want 1", got)
		}
	})
}

func TestChangedServicesGoBeforeASweep(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(1000)
		b.watch(queries...)
		b.source.SetDelay(10 * time.Millisecond)
		b.source.Signal()
		time.Sleep(15 * time.Millisecond)
		b.source.Set(queries[999], instances("one"))
		b.source.Set(queries[0], instances("one"))
		time.Sleep(40 * time.Millisecond)
		for _, q := range []watch.Query{queries[0], queries[999]} {
			if got := b.entry(q).Value.([]watch.Instance); len(got) != 1 {
				t.Errorf("%s waits for the sweep", q)
			}
		}
	})
}

func TestUnwantedDuringAFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(100)
		b.watch(queries...)
		b.source.Hang()
		b.source.Signal("service-0000", "service-0001")
		synctest.Wait()
		b.wants.Set(queries[1:]...)
		time.Sleep(time.Second)
		if got := b.source.Open(); got != 4 { // a survey and service-0001
			t.Errorf("%d requests open, want 4", got)
		}
		b.wants.Set(queries...)
		b.source.Up()
		b.source.Set(queries[0], instances("one"))
		time.Sleep(time.Second)
		b.known(queries)
		if got := b.entry(queries[0]).Value.([]watch.Instance); len(got) != 1 {
			t.Error("wanted again, it is not up to date")
		}
	})
}

func TestEachScopeHasItsSurvey(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		far := watch.Scope{Datacenter: "far"}
		queries := services(100)
		for _, q := range services(100) {
			h := q.(watch.Health)
			h.Scope = far
			queries = append(queries, h)
		}
		b.watch(queries...)
		b.known(queries)
		if got := b.source.Surveys(); got != 2 {
			t.Errorf("%d surveys, want 2", got)
		}
		before := b.source.Counts()
		b.source.Set(queries[150], instances("one"))
		time.Sleep(time.Second)
		if got := b.since(before); len(got) != 1 || got[queries[150]] != 1 {
			t.Errorf("asked %v, want only the changed one", got)
		}
	})
}

func TestConnectQueriesAreNotSurveyed(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		mesh := watch.Health{Service: "service-0000", Connect: true}
		b.watch(append(services(500), mesh)...)
		if mode := b.status(mesh).Mode; mode != "blocking" {
			t.Errorf("the mode is %q, want blocking: a survey names the proxies, not their service", mode)
		}
	})
}

func TestStreamsFoundByAnAnswerAreUsedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(500)
		b.source.SetDelay(10 * time.Millisecond)
		b.watch(queries...)
		b.source.SetStreams(100)
		b.source.Signal("service-0000")
		time.Sleep(time.Second)
		if got := b.source.Open(); got != 500 {
			t.Errorf("%d requests open a second after connections turned out to be shared, want 500", got)
		}
	})
}

// A survey reads through the leader and tells of a change once. Were the answer
// then fetched from a server that lags behind, it would be missed.
func TestSurveyedQueriesAreAskedOfTheLeader(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(200)
		b.watch(queries...)
		last := queries[slices.IndexFunc(queries, func(q watch.Query) bool { return b.status(q).Mode == "surveyed" })]
		health := last.(watch.Health)
		old, _ := watch.Get(b.watcher.Snapshot(), health)
		index := b.status(last).Index
		b.source.SetDelay(time.Millisecond) // so that both are in place before it is asked
		b.source.Set(last, []watch.Instance{{Service: watch.ServiceInfo{ID: "new"}}})
		b.source.SetStale(last, old, index, 0)
		time.Sleep(time.Second)
		got, _ := watch.Get(b.watcher.Snapshot(), health)
		if len(got) != 1 || got[0].Service.ID != "new" {
			t.Errorf("the answer is %+v, want the leader's", got)
		}
	})
}
