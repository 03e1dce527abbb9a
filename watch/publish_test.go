package watch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// services are n health queries.
func services(n int) []watch.Query {
	queries := make([]watch.Query, n)
	for i := range queries {
		queries[i] = watch.Health{Service: fmt.Sprintf("service-%04d", i)}
	}
	return queries
}

func TestBurstIsCoalesced(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		queries := services(50)
		b.watch(queries...)
		time.Sleep(time.Second)
		before := b.watcher.Snapshot().Generation()
		for range 100 {
			for _, q := range queries {
				b.source.Touch(q)
				b.source.Set(q, instances(time.Now().String()))
			}
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond)
		if got := b.watcher.Snapshot().Generation() - before; got < 8 || got > 40 {
			t.Errorf("%d snapshots in a second of changes, want it coalesced", got)
		}
		for _, q := range queries {
			if e := b.entry(q); !e.Known || len(e.Value.([]watch.Instance)) != 1 {
				t.Fatalf("%s: %+v", q, e)
			}
		}
	})
}

func TestVersionIsTheGenerationOfTheChange(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		other := watch.Key{Path: "other"}
		b.source.Set(motd, pair("one"))
		b.watch(motd, other)
		time.Sleep(time.Second)
		before, still := b.entry(motd).Version, b.entry(other).Version
		b.source.Set(motd, pair("two"))
		time.Sleep(time.Second)
		s := b.watcher.Snapshot()
		if v := b.entry(motd).Version; v != s.Generation() || v <= before {
			t.Errorf("the version is %d, want the generation %d", v, s.Generation())
		}
		if v := b.entry(other).Version; v != still {
			t.Errorf("the version of what did not change is %d, want %d", v, still)
		}
	})
}

func TestSnapshotsAreImmutable(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.source.Set(motd, pair("one"))
		b.watch(motd)
		old := b.watcher.Snapshot()
		b.source.Set(motd, pair("two"))
		b.wants.Set(motd, watch.Key{Path: "more"})
		synctest.Wait()
		time.Sleep(time.Second)
		if p, _ := watch.Get(old, motd); p.Value != "one" {
			t.Errorf("the old snapshot says %q now", p.Value)
		}
		if b.value() != "two" {
			t.Errorf("the new snapshot says %q", b.value())
		}
	})
}
