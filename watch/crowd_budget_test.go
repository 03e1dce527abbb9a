package watch_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

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
