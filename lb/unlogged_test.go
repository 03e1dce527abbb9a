package lb

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/accesslog"
)

func TestUnobservedRoutes(t *testing.T) {
	ok := httpBackend(t, echo)
	r := startLogged(t, nil, accesslog.Options{Format: "json"},
		testRoute{prefix: "/silent", backends: []string{ok}, change: func(r *Route) { r.Unlogged, r.Uncounted = true, true }},
		testRoute{prefix: "/told", backends: []string{ok}},
	)
	r.get("/silent")
	r.get("/told")
	r.line(0)
	if text := r.text.String(); strings.Contains(text, "/silent") || !strings.Contains(text, "/told") {
		t.Errorf("the access log has %s", text)
	}
	eventually(t, "the other route was counted", func() bool { return len(r.Metrics().Routes) > 0 })
	for _, m := range r.Metrics().Routes {
		if m.Route != "/told" {
			t.Errorf("route %q was counted", m.Route)
		}
	}
}
