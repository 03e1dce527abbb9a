package watch_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

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
