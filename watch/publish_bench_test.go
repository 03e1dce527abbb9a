package watch

import (
	"fmt"
	"testing"
)

// BenchmarkPublish is the cost of one change among 5,000 queries.
func BenchmarkPublish(b *testing.B) {
	w := New(DefaultOptions())
	c := w.Register("bench")
	queries := make([]Query, 5000)
	for i := range queries {
		queries[i] = Health{Service: fmt.Sprintf("service-%04d", i)}
	}
	c.Set(queries...)
	w.publish()
	b.ReportAllocs()
	for b.Loop() {
		w.mu.Lock()
		m := w.watched[queries[77]]
		m.renewed, m.changed = true, true
		w.touch(m)
		w.mu.Unlock()
		w.publish()
	}
}
