package acme

import (
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		1: time.Minute, 2: 2 * time.Minute, 5: 16 * time.Minute, 9: 256 * time.Minute, 10: maxRefused, 1000: maxRefused,
	} {
		if got := pause(failures, minRefused, maxRefused); got != want {
			t.Errorf("after %d failures %v, want %v", failures, got, want)
		}
	}
	for range 1000 {
		if d := jittered(time.Minute); d < time.Minute || d > 66*time.Second {
			t.Fatalf("a minute became %v", d)
		}
	}
}
