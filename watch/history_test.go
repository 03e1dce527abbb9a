package watch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Whoever has seen a snapshot and asks a later one what came since must learn of
// all that differs.
func TestSnapshot_Since(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	query := func() watch.Query { return watch.Health{Service: fmt.Sprint(random.IntN(5000))} }
	snapshots := []*watch.Snapshot{watch.NewSnapshot(7, map[watch.Query]watch.Entry{query(): {Version: 7}})}
	for range 200 {
		last := snapshots[len(snapshots)-1]
		entries := map[watch.Query]watch.Entry{}
		for range random.IntN(40) {
			entries[query()] = watch.Entry{Version: last.Generation() + 1}
		}
		snapshots = append(snapshots, last.With(entries))
	}
	last := snapshots[len(snapshots)-1]
	for _, seen := range snapshots {
		told := map[watch.Query]bool{}
		for q, e := range last.Since(seen.Generation()) {
			if now, ok := last.Entry(q); !ok || now != e {
				t.Fatalf("%v: told %v, but it is %v", q, e, now)
			}
			told[q] = true
		}
		differ := 0
		for q, e := range last.All {
			was, _ := seen.Entry(q)
			if was != e {
				differ++
			}
			if was != e && !told[q] {
				t.Fatalf("generation %d is not told of %v, which differs", seen.Generation(), q)
			}
		}
		if age := last.Generation() - seen.Generation(); age < 20 && len(told) != differ {
			t.Errorf("told of %d queries since %d generations ago, want the %d that differ", len(told), age, differ)
		}
	}
}

// What is wanted no more is not told of.
func TestWatcher_SinceForgets(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		other := watch.Key{Path: "other"}
		b.watch(motd, other)
		before := b.watcher.Snapshot()
		b.source.Set(motd, pair("two"))
		b.source.Set(other, pair("two"))
		time.Sleep(time.Second)
		b.wants.Set(other)
		time.Sleep(time.Second)
		told := map[watch.Query]bool{}
		for q := range b.watcher.Snapshot().Since(before.Generation()) {
			told[q] = true
		}
		if told[motd] || !told[other] {
			t.Errorf("told of %v, want %v alone", told, other)
		}
	})
}
