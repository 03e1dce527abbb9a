package fabio

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/admin/push"
	"github.com/sluiceproxy/sluice/config"
)

// metricKeys are the properties of metrics.
func metricKeys() []knownKey {
	return []knownKey{
		{name: "metrics.target", set: setMetricTargets},
		{name: "metrics.interval", set: func(r *reader, p Property) error {
			if p.Value == "" {
				return nil
			}
			return config.Assign(&r.pushes.Interval, p.Value)
		}},
		{name: "metrics.graphite.addr", set: setReceiver(push.Graphite)},
		{name: "metrics.statsd.addr", set: setReceiver(push.StatsD)},
		{name: "metrics.dogstatsd.addr", set: setReceiver(push.DogStatsD)},
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
		case "circonus":
			r.warn(p, "metrics are not sent to Circonus: have its agent take them as StatsD (statsd_raw), or read /metrics")
		default:
			kind, ok := receivers[target]
			if !ok {
				known := slices.Sorted(maps.Keys(receivers))
				return oneOfThese(append(known, "prometheus", "circonus")...)(r, Property{Value: target})
			}
			r.pushTo = append(r.pushTo, kind)
		}
	}
	return nil
}

// receivers are whom Fabio sends metrics to.
var receivers = map[string]push.Kind{
	"stdout": push.Print, "flat": push.Print, "label": push.PrintTagged,
	"graphite": push.Graphite, "statsd_raw": push.StatsD, "dogstatsd": push.DogStatsD,
}

func setReceiver(kind push.Kind) func(*reader, Property) error {
	return func(r *reader, p Property) error {
		r.receivers[kind] = p.Value
		return nil
	}
}

// setPushes is for whom metrics are sent to.
func (r *reader) setPushes() {
	for i, kind := range r.pushTo {
		if slices.Contains(r.pushTo[:i], kind) {
			continue
		}
		p := r.pushes
		p.Name, p.Names, p.Prefix, p.Address = kind, config.FabioNames, r.metrics.Prefix, r.receivers[kind]
		o := push.Options{Kind: kind, Address: p.Address, Interval: p.Interval}
		if err := o.Validate(); err != nil { // which Fabio says nothing about
			r.Warnings = append(r.Warnings, fmt.Sprintf("metrics.target: nothing is sent to %s: %s", kind, err))
			continue
		}
		r.Admin.MetricsPush = append(r.Admin.MetricsPush, p)
	}
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
