package watch_test

import (
	"errors"
	"fmt"
	"maps"
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

func TestThousandsOfQueriesStayWithinTheBudget(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := append(services(5000), watch.Services{}, motd)
		b.source.SetDelay(4 * time.Millisecond)
		b.watch(queries...)
		b.known(queries) // one second is enough: nothing is paced
		time.Sleep(5 * time.Minute)
		if got := b.source.MaxOpen(); got > 64 || got < 32 {
			t.Errorf("%d requests open at once, want up to 64", got)
		}
		if s := b.watcher.Status(); s.Connections > 64 || s.Max != 64 {
			t.Errorf("the status says %d of %d connections", s.Connections, s.Max)
		}
		if mode := b.status(queries[7]).Mode; mode != "surveyed" {
			t.Errorf("the mode of a service is %q, want surveyed", mode)
		}
		if mode := b.status(motd).Mode; mode != "blocking" {
			t.Errorf("the mode of a key is %q, want blocking", mode)
		}
		if b.source.Surveys() != 1 {
			t.Errorf("%d surveys, want 1", b.source.Surveys())
		}
		if age := b.status(queries[7]).Age; age != 0 {
			t.Errorf("the age of a surveyed answer is %s, want 0", age)
		}
	})
}

func TestUpToTheBudgetEachHasALoop(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(64)
		b.watch(queries...)
		if b.source.Surveys() != 0 || b.source.Open() != 64 {
			t.Fatalf("%d surveys and %d requests, want 64 blocking requests", b.source.Surveys(), b.source.Open())
		}
		more := append(queries, services(65)[64])
		b.wants.Set(more...)
		time.Sleep(time.Second)
		if b.source.Surveys() != 1 || b.source.MaxOpen() > 64 {
			t.Errorf("%d surveys and %d requests at most, want 1 and 64", b.source.Surveys(), b.source.MaxOpen())
		}
		b.known(more)
		b.wants.Set(queries[:63]...)
		time.Sleep(time.Second)
		if b.source.Surveys() != 1 {
			t.Error("the crowd was given up without room to spare")
		}
		b.wants.Set(queries[:50]...)
		time.Sleep(time.Second)
		if b.source.Surveys() != 0 || b.source.Open() != 50 {
			t.Errorf("%d surveys and %d requests, want 50 blocking requests", b.source.Surveys(), b.source.Open())
		}
		b.known(queries[:50])
	})
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

func TestOftenChangingServicesArePromoted(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(200)
		b.watch(queries...)
		for i := range 20 {
			for _, q := range queries[:40] {
				b.source.Set(q, instances(string(rune('a'+i))))
			}
			time.Sleep(time.Second)
		}
		time.Sleep(20 * time.Second)
		loops := func() (n int) {
			for _, s := range b.watcher.Status().Queries {
				n += count(s.Mode == "blocking")
			}
			return n
		}
		if n := loops(); n != 29 {
			t.Errorf("%d services promoted, want the 29 there is room for", n)
		}
		if got := b.source.MaxOpen(); got > 64 {
			t.Errorf("%d requests open at once, want up to 64", got)
		}
		before := b.source.Counts()
		time.Sleep(20 * time.Second)
		for q, n := range b.since(before) {
			if n > 1 {
				t.Errorf("%s was asked %d times in a quiet time: connections change hands", q, n)
			}
		}
		b.source.Set(queries[0], instances("last"))
		b.source.Set(queries[199], instances("last"))
		time.Sleep(time.Second)
		for _, q := range []watch.Query{queries[0], queries[199]} {
			if got := b.entry(q).Value.([]watch.Instance); got[0].Service.ID != "last" {
				t.Errorf("%s is not up to date", q)
			}
		}
		time.Sleep(time.Hour)
		if n := loops(); n != 0 {
			t.Errorf("%d services still promoted after a quiet hour", n)
		}
		b.known(queries)
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

func TestSurveyFailureRefetchesAllAfterRestart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(500)
		b.watch(queries...)
		b.source.SetSurveyErr(errors.New("500"))
		synctest.Wait()
		b.source.SetHidden(queries[77], instances("one"))
		time.Sleep(time.Minute + time.Second)
		if mode := b.status(queries[77]).Mode; mode != "polled" {
			t.Errorf("the mode is %q, want polled while the survey fails", mode)
		}
		b.known(queries) // each was polled within the wait
		if got := b.entry(queries[77]).Value.([]watch.Instance); len(got) != 1 {
			t.Error("polling did not see the change")
		}
		before := b.source.Counts()
		b.source.SetSurveyErr(nil)
		time.Sleep(2 * b.options.Backoff.Max)
		if mode := b.status(queries[77]).Mode; mode != "surveyed" {
			t.Errorf("the mode is %q, want surveyed again", mode)
		}
		if got := b.since(before); len(got) != 500 {
			t.Errorf("%d services asked after the restart, want 500", len(got))
		}
	})
}

func TestDeniedSurveyIsReplacedByPolling(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(500)
		b.source.SetSurveyErr(watch.ErrDenied)
		b.watch(queries...)
		b.known(queries) // at once, not at the pace of polling
		time.Sleep(time.Minute)
		before := b.source.Total()
		time.Sleep(10 * time.Minute)
		if rate := float64(b.source.Total()-before) / 600; rate > 20 || rate < 15 {
			t.Errorf("%.1f requests a second, want at most 20", rate)
		}
		late := append(queries, watch.Query(watch.Health{Service: "late"}))
		b.wants.Set(late...)
		time.Sleep(time.Second)
		b.known(late)
		b.source.Set(late[500], instances("one"))
		time.Sleep(b.options.Wait)
		if got := b.entry(late[500]).Value.([]watch.Instance); len(got) != 1 {
			t.Error("polling did not see the change of the one that came later")
		}
	})
}

func TestCrowdInAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := append(services(5000), motd)
		b.watch(queries...)
		b.source.SetDelay(4 * time.Millisecond)
		b.source.Down(errRefused)
		time.Sleep(time.Minute)
		for _, q := range queries {
			if !b.entry(q).Stale() {
				t.Fatalf("%s is not marked stale", q)
			}
		}
		generation, before := b.watcher.Snapshot().Generation(), b.source.Total()
		time.Sleep(10 * time.Minute)
		if rate := float64(b.source.Total()-before) / 600; rate > 20 {
			t.Errorf("%.1f requests a second, want at most 20", rate)
		}
		if got := b.watcher.Snapshot().Generation(); got != generation {
			t.Errorf("%d snapshots that say nothing new", got-generation)
		}
		b.source.Up()
		time.Sleep(6 * time.Second)
		b.known(queries)
	})
}

func TestCrowdWhoseSourceIsOutAtFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(3000)
		b.source.SetDelay(4 * time.Millisecond)
		b.source.Down(errRefused)
		b.watch(queries...)
		before := b.source.Total()
		time.Sleep(10 * time.Minute)
		if rate := float64(b.source.Total()-before) / 600; rate > 20 {
			t.Errorf("%.1f requests a second, want at most 20", rate)
		}
		b.source.Up()
		time.Sleep(6 * time.Second)
		b.known(queries)
	})
}

func TestFailingMembersDoNotHoldUpOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(500)
		for _, q := range queries[:40] {
			b.source.SetErr(q, errors.New("500"))
		}
		b.watch(queries...)
		time.Sleep(10 * time.Minute)
		changed(b.wants)
		for _, q := range queries[400:420] {
			b.source.Set(q, instances("one"))
			started := time.Now()
			<-b.wants.Changed()
			if took := time.Since(started); took > 200*time.Millisecond {
				t.Errorf("a change took %s beside failing queries", took)
			}
			time.Sleep(3 * time.Second)
		}
	})
}

func TestOtherQueriesGetLoopsFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		var keys []watch.Query
		for _, q := range services(40) {
			keys = append(keys, watch.Key{Path: q.String()})
		}
		queries := append(services(500), keys...)
		b.watch(queries...)
		b.known(queries)
		for _, q := range keys {
			if mode := b.status(q).Mode; mode != "blocking" {
				t.Errorf("the mode of %s is %q, want blocking", q, mode)
			}
		}
		if got := b.source.MaxOpen(); got > 64 {
			t.Errorf("%d requests open at once, want up to 64", got)
		}
	})
}

func TestSurplusIsPolledInTurn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.options.MaxConnections = 8
		var keys []watch.Query
		for _, q := range services(100) {
			keys = append(keys, watch.Key{Path: q.String()})
		}
		b.watch(keys...)
		b.known(keys)
		before := b.source.Total()
		time.Sleep(10 * time.Minute)
		if rate := float64(b.source.Total()-before) / 600; rate > 20 || rate < 15 {
			t.Errorf("%.1f requests a second, want at most 20, and not much less", rate)
		}
		for _, q := range keys {
			b.source.Set(q, &watch.Pair{Value: "new"})
		}
		time.Sleep(10 * time.Second)
		for _, q := range keys {
			if p := b.entry(q).Value.(*watch.Pair); p == nil || p.Value != "new" {
				t.Errorf("%s is not up to date", q)
			}
		}
		if got := b.source.MaxOpen(); got > 8 {
			t.Errorf("%d requests open at once, want up to 8", got)
		}
	})
}

func TestSharedConnectionsWidenTheBudget(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(5000)
		b.source.SetStreams(100)
		b.watch(queries...)
		if b.source.Surveys() != 0 || b.source.Open() != 5000 {
			t.Errorf("%d surveys and %d requests, want a loop each", b.source.Surveys(), b.source.Open())
		}
		if got := b.watcher.Status().Connections; got < 50 || got > 51 {
			t.Errorf("the status says %d connections, want 50", got)
		}
		b.source.SetStreams(1) // the server speaks HTTP/1.1 now
		time.Sleep(time.Minute)
		if got := b.source.Open(); b.source.Surveys() != 1 || got > 64 {
			t.Errorf("%d surveys and %d requests, want a crowd within 64", b.source.Surveys(), got)
		}
		b.known(queries)
	})
}

func TestSourceWithoutConnectionsIsNotLimited(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.SetStreams(0)
		b.options.MaxConnections = 1
		b.watch(services(200)...)
		if got := b.source.Open(); got != 200 {
			t.Errorf("%d requests open, want 200", got)
		}
		if got := b.watcher.Status().Connections; got != 0 {
			t.Errorf("the status says %d connections, want 0", got)
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

func TestLoopsStayWhereTheyAre(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.options.MaxConnections = 8
		var keys []watch.Query
		for _, q := range services(100) {
			keys = append(keys, watch.Key{Path: q.String()})
		}
		b.watch(keys...)
		loops := func() map[watch.Query]bool {
			of := make(map[watch.Query]bool)
			for _, s := range b.watcher.Status().Queries {
				if s.Mode == "blocking" {
					of[s.Query] = true
				}
			}
			return of
		}
		before := loops()
		for i := range 10 {
			b.wants.Set(append(keys, watch.Key{Path: fmt.Sprint(i)})...)
			time.Sleep(time.Second)
		}
		if after := loops(); len(before) != 7 || !maps.Equal(before, after) {
			t.Errorf("the loops went from %v to %v, want the same 7", before, after)
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
