//go:build !race

package accesslog

import (
	"io"
	"log/slog"
	"testing"
)

func TestLinesAllocateNothing(t *testing.T) {
	for _, format := range append(Formats(), everything, jsonPattern) {
		l := discard(t, format)
		e := served()
		n := testing.AllocsPerRun(1000, func() {
			l.Record(e)
			l.mu.Lock()
			l.pending, l.lines = l.pending[:0], 0
			l.mu.Unlock()
		})
		if n != 0 {
			t.Errorf("%s: %v allocations for a line", format, n)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, format := range append(Formats(), combinedPattern) {
		b.Run(format, func(b *testing.B) {
			l := discard(b, format)
			run(b, l)
			e := served()
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				l.Record(e)
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) {
			f, e, line := mustFormat(b, format, Modes{}, Modes{}), served(), []byte(nil)
			b.ReportAllocs()
			for b.Loop() {
				line = f.Append(line[:0], e)
			}
		})
	}
}

func discard(t testing.TB, format string) *Log {
	t.Helper()
	l, err := New(Options{Target: Stdout, Format: format, Stdout: io.Discard, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}
