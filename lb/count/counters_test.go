package count

import (
	"testing"
	"time"
)

func TestDurationsFallIntoBuckets(t *testing.T) {
	tests := []struct {
		took   time.Duration
		bucket int
	}{
		{0, 0}, {time.Millisecond, 0}, {time.Millisecond + 1, 1}, {60 * time.Second, 14}, {time.Hour, 15},
	}
	for _, tt := range tests {
		var c Counters
		c.Of(0).Observe(200, tt.took, 4, 3)
		got := c.Sum()
		if got.Buckets[tt.bucket] != 1 || got.Classes[2] != 1 || got.Sent != 3 || got.Received != 4 || got.Seconds != tt.took.Seconds() {
			t.Errorf("%v: %+v", tt.took, got)
		}
	}
}

// However many kinds a target makes, those that are counted apart are bounded.
func TestKindsAreBounded(t *testing.T) {
	var k kinds
	for status := range uint16(900) {
		k.of(Packed{status: 100 + status, method: 1}, 1).Observe(nil, time.Second, 0, 0)
	}
	if n := len(*k.all.Load()); n < maxKinds || n > maxKinds+9 {
		t.Errorf("%d kinds, want %d and one for each class", n, maxKinds)
	}
	if n := k.of(Packed{status: 900}.rough(), 1).buckets[0].Load(); n != 100 {
		t.Errorf("%d of the class 9xx, want 100", n)
	}
}
