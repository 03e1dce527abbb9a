package config

import (
	"testing"
	"time"
)

// The time that consul-template's attempts take.
func TestPatience(t *testing.T) {
	standard := DefaultConfig().Consul.Retry
	with := func(change func(*Retry)) Retry {
		r := standard
		change(&r)
		return r
	}
	tests := map[string]struct {
		retry Retry
		want  time.Duration
	}{
		// 0.25 + 0.5 + 1 + 2 + 4 + 8 + 16 + 32 + 4 × 60
		"standard":  {standard, 303*time.Second + 750*time.Millisecond},
		"for ever":  {with(func(r *Retry) { r.Attempts = Some(0) }), 0},
		"negative":  {with(func(r *Retry) { r.Attempts = Some(-1) }), 0},
		"none":      {with(func(r *Retry) { r.Enabled = false }), 250 * time.Millisecond},
		"three":     {with(func(r *Retry) { r.Attempts, r.Backoff = Some(3), time.Second }), 7 * time.Second},
		"bounded":   {with(func(r *Retry) { r.Attempts, r.Backoff, r.MaxBackoff = Some(3), time.Second, time.Second }), 3 * time.Second},
		"unbounded": {with(func(r *Retry) { r.Attempts, r.Backoff, r.MaxBackoff = Some(8), time.Minute, 0 }), (1 + 2 + 4 + 8 + 16 + 32 + 60 + 60) * time.Minute},
	}
	for name, test := range tests {
		if got := test.retry.Patience(); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
