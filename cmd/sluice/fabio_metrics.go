package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config"
)

// fabioMetricKeys are the properties of metrics for Prometheus.
func fabioMetricKeys() []fabioKey {
	return []fabioKey{
		{name: "metrics.target", set: setFabioMetricTargets},
		{name: "metrics.prefix", set: func(r *fabioReader, p property) error {
			r.metrics.Prefix = p.value
			_, err := r.metrics.Namespace()
			return err
		}},
		{name: "metrics.prometheus.subsystem", set: func(r *fabioReader, p property) error {
			r.metrics.Subsystem = p.value
			return nil
		}},
		{name: "metrics.prometheus.buckets", set: setFabioBuckets},
		{name: "metrics.prometheus.path", set: func(r *fabioReader, p property) error {
			if p.value != "" && !strings.HasPrefix(p.value, "/") {
				return fmt.Errorf("%q does not begin with a slash", p.value)
			}
			r.Admin.MetricsPath = p.value
			return nil
		}},
	}
}

func setFabioMetricTargets(r *fabioReader, p property) error {
	for target := range strings.SplitSeq(p.value, ",") {
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

func setFabioBuckets(r *fabioReader, p property) error {
	r.metrics.Buckets = nil
	for text := range strings.SplitSeq(p.value, ",") {
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
