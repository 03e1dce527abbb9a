package fabio

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config"
)

// metricKeys are the properties of metrics for Prometheus.
func metricKeys() []knownKey {
	return []knownKey{
		{name: "metrics.target", set: setMetricTargets},
		{name: "metrics.prefix", set: func(r *reader, p Property) error {
			r.metrics.Prefix = p.Value
			_, err := r.metrics.Namespace()
			return err
		}},
		{name: "metrics.prometheus.subsystem", set: func(r *reader, p Property) error {
			r.metrics.Subsystem = p.Value
			return nil
		}},
		{name: "metrics.prometheus.buckets", set: setBuckets},
		{name: "metrics.prometheus.path", set: func(r *reader, p Property) error {
			if p.Value != "" && !strings.HasPrefix(p.Value, "/") {
				return fmt.Errorf("%q does not begin with a slash", p.Value)
			}
			r.Admin.MetricsPath = p.Value
			return nil
		}},
	}
}

func setMetricTargets(r *reader, p Property) error {
	for target := range strings.SplitSeq(p.Value, ",") {
		switch target = strings.TrimSpace(target); target {
		case "":
		case "prometheus":
			r.metricsOn = true
		default:
			r.warn(p, "metrics are served for Prometheus only, by the admin listener under /metrics, not sent to "+target)
		}
	}
	return nil
}

func setBuckets(r *reader, p Property) error {
	r.metrics.Buckets = nil
	for text := range strings.SplitSeq(p.Value, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		bound, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%q is no number of seconds", text)
		}
		r.metrics.Buckets = append(r.metrics.Buckets, bound)
	}
	if slices.Equal(r.metrics.Buckets, config.FabioBuckets) {
		r.metrics.Buckets = nil
	}
	return nil
}
