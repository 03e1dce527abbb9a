package watch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

func TestConsumersShareOneWatch(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.watch(motd)
		other := b.watcher.Register("other")
		other.Set(motd)
		synctest.Wait()
		if got := b.source.Open(); got != 1 {
			t.Errorf("%d requests open, want 1", got)
		}
		if got := b.status(motd).Consumers; len(got) != 2 || got[0] != "other" || got[1] != "test" {
			t.Errorf("the consumers are %q", got)
		}
		if !changed(other) {
			t.Error("the second consumer was not told of the answer already there")
		}
		b.wants.Close()
		synctest.Wait()
		if got := b.source.Open(); got != 1 {
			t.Errorf("%d requests open after one of two gave up, want 1", got)
		}
		other.Close()
		synctest.Wait()
		if got := b.source.Open(); got != 0 {
			t.Errorf("%d requests open after both gave up, want 0", got)
		}
	})
}

func TestUnwantedQueryIsCancelledAndForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		other := watch.Key{Path: "other"}
		b.source.Set(motd, pair("hello"))
		b.watch(motd, other)
		b.wants.Set(other)
		time.Sleep(time.Second)
		if got := b.source.Open(); got != 1 {
			t.Errorf("%d requests open, want 1", got)
		}
		if _, ok := b.watcher.Snapshot().Entry(motd); ok {
			t.Error("the query is still in the snapshot")
		}
		b.wants.Set(motd, other)
		time.Sleep(time.Second)
		if b.value() != "hello" {
			t.Error("the query wanted again has no answer")
		}
	})
}

func TestChangedOnlyForOwnQueries(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := watch.Key{Path: "other"}
		b.watch(motd)
		other := b.watcher.Register("other")
		other.Set(q)
		time.Sleep(time.Second)
		changed(b.wants)
		changed(other)
		b.source.Set(motd, pair("new"))
		time.Sleep(time.Second)
		if !changed(b.wants) || changed(other) {
			t.Error("want the first consumer told and the other not")
		}
	})
}

func TestNoSignalBeforeAnAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Hang()
		b.watch(motd)
		if e := b.entry(motd); e.Known || e.Err != nil || changed(b.wants) {
			t.Errorf("want nothing known and nobody told, got %+v", e)
		}
	})
}

func TestSetWithDuplicates(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.watch(motd, motd)
		if got := b.status(motd).Consumers; len(got) != 1 {
			t.Errorf("the consumers are %q", got)
		}
		b.wants.Close()
		synctest.Wait()
		if got := len(b.watcher.Status().Queries); got != 0 {
			t.Errorf("%d queries left, want 0", got)
		}
	})
}

func BenchmarkSet(b *testing.B) {
	queries := services(5000)
	for name, next := range map[string]func(i int) []watch.Query{
		"same":      func(int) []watch.Query { return queries },
		"onechange": func(i int) []watch.Query { return queries[i%2:] },
	} {
		b.Run(name, func(b *testing.B) {
			c := watch.New(watch.DefaultOptions()).Register("bench")
			for i := 0; b.Loop(); i++ {
				c.Set(next(i)...)
			}
		})
	}
}
