package push

import (
	"math"

	dto "github.com/prometheus/client_model/go"
)

// series is one metric as the receiver calls it, with all that was ever counted.
type series struct {
	name, tags string
	kind       seriesKind
	value      float64 // of counters and gauges
	durations  durations
}

type seriesKind int

const (
	gauge seriesKind = iota
	counter
	timer
)

// add adds a metric that has the series' name.
func (s *series) add(t dto.MetricType, m *dto.Metric) {
	switch t {
	case dto.MetricType_COUNTER:
		s.kind = counter
		s.value += m.GetCounter().GetValue()
	case dto.MetricType_GAUGE:
		s.value += m.GetGauge().GetValue()
	case dto.MetricType_UNTYPED:
		s.value += m.GetUntyped().GetValue()
	case dto.MetricType_HISTOGRAM:
		s.kind = timer
		s.durations.add(m.GetHistogram())
	case dto.MetricType_SUMMARY: // of Go's runtime: percentiles cannot be added up
		s.kind = counter
		s.value += float64(m.GetSummary().GetSampleCount())
	}
}

// since is what came on top of what was told. A counter that is lower began anew.
func (s *series) since(told *series) series {
	now := *s
	if told == nil {
		return now
	}
	switch {
	case s.kind == counter && told.value <= s.value:
		now.value -= told.value
	case s.kind == timer:
		now.durations = s.durations.since(&told.durations)
	}
	return now
}

// isNumber reports whether there is something to be sent.
func (s *series) isNumber() bool { return !math.IsNaN(s.value) && !math.IsInf(s.value, 0) }
