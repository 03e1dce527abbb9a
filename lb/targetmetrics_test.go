package lb

import (
	"testing"

	"github.com/sluiceproxy/sluice/lb/target"
)

// Services that speak to one address in different ways are one target in the
// metrics: told twice, it would be a fault for whoever reads them.
func TestMetricsTellOfAURLOnce(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	keys := []target.Key{
		{Scheme: "https", Address: "10.0.0.1:443"},
		{Scheme: "https", Address: "10.0.0.1:443", SkipVerify: true},
		{Scheme: "https", Address: "10.0.0.1:443", ServerName: "a.test"},
	}
	for _, key := range keys {
		r.targets.Pool(key.ServerName+"x", []target.Member{{Key: key, Weight: 1}}, target.Policy{})
	}
	for _, known := range r.Targets() {
		known.Begin()
		defer known.End(false)
	}
	seen := map[string]int64{}
	for _, m := range r.Metrics().Targets {
		if _, twice := seen[m.Target]; twice {
			t.Errorf("%s is there twice", m.Target)
		}
		seen[m.Target] = m.InFlight
	}
	if len(seen) != 2 || seen["https://10.0.0.1:443"] != int64(len(keys)) {
		t.Errorf("the requests in flight are %v", seen)
	}
}
