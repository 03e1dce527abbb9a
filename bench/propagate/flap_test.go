package main

import (
	"strings"
	"testing"
	"time"
)

// The row of all turns has what they have together, not a mean of their quantiles.
func TestWriteCalm(t *testing.T) {
	turn := func(name string, latency ...time.Duration) calm {
		return calm{
			Turn: name, Beside: flapping, Changes: 3, Latency: latency, Failed: 1,
			Time: time.Second, CPU: 100 * time.Millisecond, ConsulCPU: 200 * time.Millisecond, OtherTurns: 1, OtherWork: 0.5,
		}
	}
	a, b := turn("1", 4*time.Millisecond, 1*time.Millisecond), turn("2", 2*time.Millisecond, 3*time.Millisecond, 9*time.Millisecond)
	both := a.and(b)
	both.Turn = "all"
	var out strings.Builder
	if err := writeCalm(&out, []calm{a, b, both}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"turn others that change changes requests not 200 p50 p90 p99 most CPU, of a core per request Consul's CPU other work",
		"1 with routes 3 2 1 1.0 ms 4.0 ms 4.0 ms 4.0 ms 10.0 % 50ms 20.0 % 50 %",
		"2 with routes 3 3 1 3.0 ms 9.0 ms 9.0 ms 9.0 ms 10.0 % 33.333ms 20.0 % 50 %",
		"all with routes 6 5 2 3.0 ms 9.0 ms 9.0 ms 9.0 ms 10.0 % 40ms 20.0 % 50 %",
	} {
		if got := strings.Join(strings.Fields(strings.Split(out.String(), "\n")[i]), " "); got != want {
			t.Errorf("line %d: %q, want %q", i+1, got, want)
		}
	}
}
