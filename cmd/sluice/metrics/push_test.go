package metrics

import (
	"testing"

	"github.com/sluiceproxy/sluice/admin/push"
	"github.com/sluiceproxy/sluice/config"
)

// The names that Traefik 3 was seen to send.
func TestTraefikNamesThatAreSent(t *testing.T) {
	for gathered, want := range map[string]string{
		"traefik_config_reloads_total":                "config.reload.total",
		"traefik_config_last_reload_success":          "config.reload.lastSuccessTimestamp",
		"traefik_open_connections":                    "open.connections",
		"traefik_tls_certs_not_after":                 "tls.certs.notAfterTimestamp",
		"traefik_entrypoint_requests_total":           "entrypoint.request.total",
		"traefik_entrypoint_requests_tls_total":       "entrypoint.request.tls.total",
		"traefik_entrypoint_request_duration_seconds": "entrypoint.request.duration",
		"traefik_router_requests_bytes_total":         "router.requests.bytes.total",
		"traefik_service_responses_bytes_total":       "service.responses.bytes.total",
		"traefik_service_retries_total":               "service.retries.total",
		"traefik_service_server_up":                   "service.server.up",
	} {
		if got := traefikDotted(gathered); got != want {
			t.Errorf("%s is %s, want %s", gathered, got, want)
		}
	}
	if traefikFlat("tls.certs.notAfterTimestamp", nil) != "" || traefikFlat("open.connections", nil) != "open.connections" {
		t.Error("without labels, ends of certificates cannot be told apart")
	}
}

// What Fabio prints has a dot behind the prefix, whatever the prefix ends with.
func TestPrefixesOfFabioNames(t *testing.T) {
	for kind, want := range map[push.Kind]string{push.StatsD: "lb.", push.Print: "lb.", push.PrintTagged: "lb."} {
		if got := pushNames(&config.MetricsPush{Name: kind, Names: config.FabioNames, Prefix: "lb."}).Prefix; got != want {
			t.Errorf("%s: %q", kind, got)
		}
	}
	if got := pushNames(&config.MetricsPush{Name: push.Graphite, Names: config.FabioNames, Prefix: "lb"}).Prefix; got != "lb" {
		t.Errorf("%q: Fabio sends it as it is", got)
	}
}
