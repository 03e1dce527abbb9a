package lb

import (
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/h2"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// TargetMetrics is what was counted for one target.
type TargetMetrics struct {
	// Target is its URL.
	Target string
	// Requests counts those sent to it, Failures the ones of them that failed by
	// its fault.
	Requests, Failures uint64
	// Busy counts how often a request waited in vain for it to have fewer in hand.
	Busy     uint64
	InFlight int64
	// Open counts the connections to it, Idle those of them not in use.
	Open, Idle int
}

// targetMetrics reads the counters of targets. Targets of one URL that are spoken to
// in different ways, as one tag asks for a check of certificates and another one for
// none, are one to who looks at metrics.
func (s *Server) targetMetrics() (all []TargetMetrics) {
	at := map[string]int{}
	for _, t := range s.Targets() {
		m := metricsOf(t)
		i, known := at[m.Target]
		if !known {
			at[m.Target] = len(all)
			all = append(all, m)
			continue
		}
		all[i].add(m)
	}
	return all
}

func (m *TargetMetrics) add(more TargetMetrics) {
	m.Requests += more.Requests
	m.Failures += more.Failures
	m.Busy += more.Busy
	m.InFlight += more.InFlight
	m.Open += more.Open
	m.Idle += more.Idle
}

func metricsOf(t *target.Target) TargetMetrics {
	stats := t.Stats()
	m := TargetMetrics{Target: t.Key().String(), Requests: stats.Total, Failures: stats.Failed, InFlight: stats.InFlight}
	switch conns := t.Conns().(type) {
	case *h1.Pool:
		m.Open, m.Idle = conns.Conns()
		m.Busy = conns.Busy()
	case *h2.Pool:
		m.Open, m.Busy = conns.Conns(), conns.Busy()
	case *secured:
		m.Open, m.Idle = conns.Conns()
		m.Open += conns.calls.Conns()
		m.Busy = conns.Busy() + conns.calls.Busy()
	case *tcp.Upstream:
		m.Open = conns.Open()
	}
	return m
}
