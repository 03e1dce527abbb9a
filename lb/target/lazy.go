package target

import "sync/atomic"

// lazy is what nearly every target and pool never needs: it is made at the first
// need, so that many of them take little room. The zero value is ready to use, by
// any number of goroutines.
type lazy[T any] struct{ made atomic.Pointer[T] }

// get is what was made, nil if there was no need yet.
func (l *lazy[T]) get() *T { return l.made.Load() }

// need makes it, unless it is there.
func (l *lazy[T]) need() *T {
	if made := l.made.Load(); made != nil {
		return made
	}
	l.made.CompareAndSwap(nil, new(T))
	return l.made.Load()
}
