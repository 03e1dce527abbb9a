package lb

import "golang.org/x/time/rate"

// quota bounds how many lines of a kind the log is told: so many at once, and one a
// second after that. What one owner of a service changes all the time, or a catalog
// that is half there, must not fill the disk. It is for one goroutine.
type quota struct {
	lines  *rate.Limiter
	silent int
}

const linesAtOnce = 200

func newQuota() quota { return quota{lines: rate.NewLimiter(1, linesAtOnce)} }

// take reports whether a line may be written, and how many were not since the last
// one.
func (q *quota) take() (silent int, ok bool) {
	if !q.lines.Allow() {
		q.silent++
		return 0, false
	}
	silent, q.silent = q.silent, 0
	return silent, true
}
