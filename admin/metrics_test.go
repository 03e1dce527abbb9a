package admin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// twice tells one metric twice, and another one.
type twice struct{ told, other *prometheus.Desc }

func (c twice) Describe(chan<- *prometheus.Desc) {}

func (c twice) Collect(metrics chan<- prometheus.Metric) {
	for _, d := range []*prometheus.Desc{c.told, c.told, c.other} {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, 1)
	}
}

// A metric that cannot be shown takes none of the others away.
func TestMetricsThatClash(t *testing.T) {
	o := everything()
	o.Gatherer.(*prometheus.Registry).MustRegister(twice{
		prometheus.NewDesc("sluice_told_twice", "Told twice.", nil, nil), prometheus.NewDesc("sluice_other", "Told once.", nil, nil),
	})
	s := start(t, o)
	resp, body := ask(t, s, http.MethodGet, "/metrics", "")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	for _, want := range []string{"sluice_other 1\n", "sluice_told_twice 1\n", "sluice_tests_total 0\n"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in\n%s", want, body)
		}
	}
}
