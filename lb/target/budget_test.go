package target

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewRegistry(nil).Pool("web", []Member{member("a", 1)}, Policy{Budget: Budget{Percent: 20, PerSecond: 1}})
		taken := func(n int) (taken int) {
			for range n {
				if p.TakeRetry() {
					taken++
				}
			}
			return taken
		}
		if got := taken(100); got != 10 {
			t.Errorf("%d tries at the beginning, want the 10 of ten seconds", got)
		}
		for range 1000 {
			p.Pick(0)
		}
		if got := taken(1000); got != 200 {
			t.Errorf("%d tries after 1000 requests, want 200", got)
		}
		time.Sleep(5 * time.Second)
		if got := taken(100); got != 5 {
			t.Errorf("%d tries after 5 s, want 5", got)
		}
		// An hour's requests are not saved up.
		for range 360_000 {
			p.Pick(0)
		}
		time.Sleep(time.Hour)
		if got := taken(1000); got < 209 || got > 211 {
			t.Errorf("%d tries after an hour at 100 requests a second, want 210", got)
		}
		if got := p.Stats(); got.Retries != 425 || got.Denied == 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestNoBudget(t *testing.T) {
	p := NewRegistry(nil).Pool("web", []Member{member("a", 1)}, Policy{})
	p.Pick(0)
	if p.TakeRetry() {
		t.Error("a try without a budget")
	}
}
