package middleware

import (
	"math"
	"time"
)

// window is what was counted in the last ten seconds, by the second.
type window struct {
	seconds [10]second
}

// second is what was counted in one second.
type second struct {
	at       int64 // Unix time
	total    int
	network  int // answers of 502 and 504
	statuses map[int]int
	latency  [latencyClasses]int
}

// Latencies are counted in classes that grow by a sixth of an octave, from
// 10 µs to half an hour: a quantile is exact to 12 %.
const (
	latencyClasses = 168
	latencyLeast   = 10 * time.Microsecond
	latencySteps   = 6 // classes an octave
)

func latencyClass(d time.Duration) int {
	if d <= latencyLeast {
		return 0
	}
	return min(latencyClasses-1, int(math.Log2(float64(d)/float64(latencyLeast))*latencySteps)+1)
}

// add counts one exchange.
func (w *window) add(now time.Time, status int, took time.Duration) {
	unix := now.Unix()
	s := &w.seconds[unix%int64(len(w.seconds))]
	if s.at != unix {
		*s = second{at: unix, statuses: map[int]int{}}
	}
	s.total++
	if status == 502 || status == 504 {
		s.network++
	}
	s.statuses[status]++
	s.latency[latencyClass(took)]++
}

// sum adds up what f counts of the seconds that are not too old.
func (w *window) sum(now time.Time, f func(s *second) int) int {
	n, oldest := 0, now.Unix()-int64(len(w.seconds))
	for i := range w.seconds {
		if s := &w.seconds[i]; s.at > oldest {
			n += f(s)
		}
	}
	return n
}

func (w *window) networkErrorRatio(now time.Time) float64 {
	return ratio(w.sum(now, func(s *second) int { return s.network }), w.sum(now, func(s *second) int { return s.total }))
}

// statusRatio is how many answers had a status from `from` up to but not with
// `to`, for each that had one of the other range.
func (w *window) statusRatio(now time.Time, from, to, ofFrom, ofTo float64) float64 {
	count := func(from, to float64) int {
		return w.sum(now, func(s *second) (n int) {
			for status, times := range s.statuses {
				if float64(status) >= from && float64(status) < to {
					n += times
				}
			}
			return n
		})
	}
	return ratio(count(from, to), count(ofFrom, ofTo))
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// latencyAt is the latency that so many percent of the exchanges did not
// exceed.
func (w *window) latencyAt(now time.Time, percent float64) time.Duration {
	total := w.sum(now, func(s *second) int { return s.total })
	if total == 0 {
		return 0
	}
	rank := max(1, int(math.Ceil(float64(total)*percent/100)))
	for class := range latencyClasses {
		if rank -= w.sum(now, func(s *second) int { return s.latency[class] }); rank <= 0 {
			return time.Duration(float64(latencyLeast) * math.Exp2(float64(class)/latencySteps))
		}
	}
	return 0
}
