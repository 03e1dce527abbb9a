package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/count"
)

// namedCollector tells what the load balancer has counted under the names of
// another one.
type namedCollector interface {
	collect(b *Balancer, view *lb.Metrics, out sink)
}

func newNamedCollectors(c *config.Config) (all []namedCollector) {
	bounds := c.Admin.DetailBounds()
	for _, m := range c.Admin.Metrics {
		switch m.Name {
		case config.TraefikNames:
			all = append(all, newTraefikMetrics(m, bounds))
		case config.FabioNames:
			namespace, _ := m.Namespace() // as validate has let through
			all = append(all, newFabioMetrics(namespace, m, bounds, c.LB.NoRouteStatus))
		}
	}
	return all
}

// detailSums add up what has the same labels: what is counted apart here may be
// one thing to somebody else.
type detailSums map[string]*detailSum

type detailSum struct {
	labels []string
	count.Detail
	count uint64
}

func (s detailSums) add(d *count.Detail, labels ...string) {
	key := strings.Join(labelValues(labels), "\x00")
	sum := s[key]
	if sum == nil {
		sum = &detailSum{labels: labels, Detail: count.Detail{Buckets: make([]uint64, len(d.Buckets))}}
		s[key] = sum
	}
	for i, n := range d.Buckets {
		sum.Buckets[i] += n
		sum.count += n
	}
	sum.Seconds += d.Seconds
	sum.Received += d.Received
	sum.Sent += d.Sent
}

// counts shows how many there are of each.
func (s detailSums) counts(out sink, d *prometheus.Desc) {
	for _, sum := range s {
		out.counter(d, sum.count, sum.labels...)
	}
}

// durations shows them in the buckets wanted, which are some of those counted.
func (s detailSums) durations(out sink, d *prometheus.Desc, counted, wanted []float64) {
	for _, sum := range s {
		out.histogram(d, counted, sum.Buckets, sum.Seconds, wanted, sum.labels...)
	}
}
