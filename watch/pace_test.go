package watch

import (
	"testing"
	"testing/synctest"
	"time"
)

// turns lets n requests through p one after the other and returns how long
// they took.
func turns(p *pace, n int, after func(now time.Time)) time.Duration {
	started := time.Now()
	for range n {
		time.Sleep(p.take(time.Now()))
		after(time.Now())
	}
	return time.Since(started)
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		if took := turns(&p, paceBurst, p.useful); took != 0 {
			t.Errorf("the first %d took %s, want no time", paceBurst, took)
		}
		if took := turns(&p, 100, p.useful); took < 100*paceMin-paceSpray || took > 100*paceMin+paceSpray {
			t.Errorf("the next 100 took %s, want about 10 s", took)
		}
		time.Sleep(time.Minute)
		if took := turns(&p, paceBurst, p.useful); took != 0 {
			t.Errorf("after a quiet minute %d took %s, want no time", paceBurst, took)
		}
		idle := func(time.Time) { p.idle() }
		turns(&p, 10, idle)
		if took := turns(&p, 10, idle); took < 10*paceMax-paceSpray || took > 10*paceMax+paceSpray {
			t.Errorf("ten idle ones took %s, want %s each", took, paceMax)
		}
		p.useful(time.Now())
		if took := turns(&p, 1, p.useful); took > paceMin+paceSpray {
			t.Errorf("after a useful reply one took %s, want the usual pace", took)
		}
	})
}

func TestBackoffDoublesTo60s(t *testing.T) {
	b := DefaultOptions().Backoff
	want := []time.Duration{250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000}
	for i, ms := range want {
		if got := b.ceiling(i + 1); got != ms*time.Millisecond {
			t.Errorf("after %d failures at most %s, want %s", i+1, got, ms*time.Millisecond)
		}
	}
	if got := b.ceiling(1_000_000); got != b.Max {
		t.Errorf("after a million failures at most %s", got)
	}
}

func TestBackoffHasFullJitter(t *testing.T) {
	low, high := 0, 0
	for range 1000 {
		switch d := fullJitter(time.Second); {
		case d < 0 || d > time.Second:
			t.Fatalf("a pause of %s, want up to 1s", d)
		case d < 500*time.Millisecond:
			low++
		default:
			high++
		}
	}
	if low < 300 || high < 300 {
		t.Errorf("%d short and %d long pauses, want them even", low, high)
	}
}

func TestScoreHalves(t *testing.T) {
	var s score
	now := time.Now()
	s.add(now)
	s.add(now)
	if got := s.now(now.Add(scoreHalfLife)); got != 1 {
		t.Errorf("after a half-life two changes count %v, want 1", got)
	}
}

func TestEqual(t *testing.T) {
	for name, test := range map[string]struct {
		a, b any
		want bool
	}{
		"nil and empty list": {[]string(nil), []string{}, true},
		"same list":          {[]string{"a"}, []string{"a"}, true},
		"another order":      {[]string{"a", "b"}, []string{"b", "a"}, false},
		"absent pairs":       {(*Pair)(nil), (*Pair)(nil), true},
		"appeared":           {(*Pair)(nil), &Pair{}, false},
		"empty and no file":  {"", nil, false},
	} {
		if got := equal(test.a, test.b); got != test.want {
			t.Errorf("%s: equal is %t", name, got)
		}
	}
}

func TestCostOf(t *testing.T) {
	for streams, want := range map[int]int64{-1: 0, 0: 0, 1: connection, 2: connection / 2, 3: connection/3 + 1} {
		if got := costOf(streams); got != want {
			t.Errorf("with %d streams a request costs %d, want %d", streams, got, want)
		}
	}
}
