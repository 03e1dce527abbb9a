// Package capture collects what a program under test writes.
package capture

import (
	"bytes"
	"strings"
	"sync"
)

// Buffer is a [bytes.Buffer] that several goroutines may write and read, such as a
// log. The zero Buffer is empty and ready.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer]. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// Grow makes room for n bytes, so that writing them allocates nothing.
func (b *Buffer) Grow(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Grow(n)
}

// String is all that was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Count is how often text was written.
func (b *Buffer) Count(text string) int { return strings.Count(b.String(), text) }
