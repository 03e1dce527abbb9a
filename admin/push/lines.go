package push

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// maxLines bounds one push.
const maxLines = 100_000

// percentiles are those Graphite is told, and what their names end with.
var (
	percentiles     = []float64{0.5, 0.9, 0.95, 0.99}
	percentileNames = []string{".p50", ".p90", ".p95", ".p99"}
)

// lines tell what is new, in the order of names. Left counts the lines there were
// too many.
func (k Kind) lines(current, told map[string]*series, now time.Time) (lines [][]byte, left int) {
	for _, key := range slices.Sorted(maps.Keys(current)) {
		change := current[key].since(told[key])
		switch {
		case !change.isNumber():
		case k == Graphite:
			lines = change.graphite(lines, now)
		default:
			lines = change.statsd(lines, k)
		}
	}
	if left = len(lines) - maxLines; left > 0 {
		return lines[:maxLines], left
	}
	return lines, 0
}

// graphite is "NAME VALUE SECONDS" for each value.
func (s *series) graphite(lines [][]byte, now time.Time) [][]byte {
	if s.kind != timer {
		return append(lines, fmt.Appendf(nil, "%s %f %d\n", s.name, s.value, now.Unix()))
	}
	if s.durations.count() == 0 {
		return lines
	}
	for i, seconds := range s.durations.percentiles(percentiles) {
		lines = append(lines, fmt.Appendf(nil, "%s%s %f %d\n", s.name, percentileNames[i], seconds*1000, now.Unix()))
	}
	return lines
}

// statsd is "NAME:VALUE|KIND[|@RATE][|#TAGS]" for each value. What counted nothing
// is not told.
func (s *series) statsd(lines [][]byte, k Kind) [][]byte {
	tail := "\n"
	if s.tags != "" {
		tail = "|#" + s.tags + "\n"
	}
	switch {
	case s.kind == gauge:
		return append(lines, fmt.Appendf(nil, "%s:%f|g%s", s.name, s.value, tail))
	case s.kind == counter && s.value == 0:
		return lines
	case s.kind == counter:
		return append(lines, fmt.Appendf(nil, "%s:%f|c%s", s.name, s.value, tail))
	}
	unit, word := 1000.0, "ms"
	if k == DogStatsD {
		unit, word = 1, "h"
	}
	values, rate := s.durations.values()
	if rate < 1 {
		tail = "|@" + strconv.FormatFloat(rate, 'f', -1, 64) + tail
	}
	for _, seconds := range values {
		lines = append(lines, fmt.Appendf(nil, "%s:%f|%s%s", s.name, seconds*unit, word, tail))
	}
	return lines
}
