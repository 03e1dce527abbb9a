package lb

import "sync/atomic"

// allowance is a bound on memory that many share, in bytes; nil is none.
type allowance struct {
	max  int64
	used atomic.Int64
}

// take reports whether there is room for n bytes more, and takes it.
func (a *allowance) take(n int64) bool {
	if a == nil || a.used.Add(n) <= a.max {
		return true
	}
	a.used.Add(-n)
	return false
}

func (a *allowance) give(n int64) {
	if a != nil {
		a.used.Add(-n)
	}
}
