package migrate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What Traefik tells of itself goes on where it was.
func TestMigratedAdministration(t *testing.T) {
	const static = "providers:\n  consulCatalog: {}\n"
	for name, test := range map[string]struct {
		file, text string
		wants      []string
		absent     []string
		note       string
	}{
		"metrics": {
			file: "a.yml", text: static + "metrics:\n  prometheus: {}\n",
			wants: []string{`metrics_listen = [":8080"]`, `metrics "traefik" {`}, absent: []string{"buckets", "routers", "traefik_api"},
		},
		"metrics with settings": {
			file: "a.yml", text: static + "metrics:\n  prometheus:\n    buckets: [0.1, x, 2]\n    addServicesLabels: false\n    addRoutersLabels: true\n    headerLabels:\n      a: b\n",
			wants: []string{"buckets = [0.1, 2]", "routers = true", "services = false"}, note: `metrics.prometheus.buckets: "x" is no number`,
		},
		"usual buckets": {
			file: "a.yml", text: static + "metrics:\n  prometheus:\n    buckets: [0.1, 0.3, 1.2, 5]\n", wants: []string{`metrics "traefik" {`}, absent: []string{"buckets"},
		},
		"an entry point of their own": {
			file: "a.yml", text: static + "entryPoints:\n  metrics:\n    address: \":8082\"\nmetrics:\n  prometheus:\n    entryPoint: metrics\n",
			wants: []string{`metrics_listen = [":8082"]`}, absent: []string{"listener {"},
		},
		"API":        {file: "a.yml", text: static + "api:\n  insecure: true\n", wants: []string{`listen = ":8080"`, "traefik_api = true"}, absent: []string{"metrics"}},
		"closed API": {file: "a.yml", text: static + "api: {}\n", wants: []string{"traefik_api = true"}, absent: []string{":8080"}},
		"ping":       {file: "a.yml", text: static + "ping: {}\n", wants: []string{`metrics_listen = [":8080"]`}},
		"routed ping and metrics": {
			file: "a.yml", text: static + "ping:\n  manualRouting: true\nmetrics:\n  prometheus:\n    manualRouting: true\n",
			wants: []string{`metrics "traefik" {`}, absent: []string{":8080"}, note: "metrics.prometheus.manualRouting",
		},
		"metrics that are sent": {
			file: "a.yml", text: static + "metrics:\n  statsD:\n    address: \"10.0.0.1:8125\"\n    pushInterval: 5s\n    prefix: edge\n  datadog:\n    addRoutersLabels: true\n    addEntryPointsLabels: false\n",
			wants: []string{
				`metrics_push "statsd" {`, `address = "10.0.0.1:8125"`, `interval = "5s"`, `names = "traefik"`, `prefix = "edge"`,
				`metrics_push "dogstatsd" {`, `address = "localhost:8125"`, `interval = "10s"`, "routers = true", "entrypoints = false",
			},
			absent: []string{"services"},
		},
		"metrics that cannot be sent": {
			file: "a.yml", text: static + "metrics:\n  datadog:\n    address: unixstream:///run/dsd\n",
			absent: []string{"metrics_push"}, note: "metrics.datadog is left out: the address",
		},
		"metrics that Traefik 1 sends": {
			file: "a.toml", text: "[consulCatalog]\n[metrics.statsd]\naddress = \"localhost:8125\"\npushInterval = \"10s\"\n",
			wants: []string{`metrics_push "statsd" {`}, note: "the names of Traefik 2",
		},
		"Traefik 1": {
			file: "a.toml", text: "[consulCatalog]\n[api]\n[metrics.prometheus]\n",
			wants: []string{`metrics "traefik" {`, "backends = true", "services = false"}, absent: []string{"traefik_api"},
		},
	} {
		path := filepath.Join(t.TempDir(), test.file)
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		text, notes := runMigrate(t, path)
		text = strings.Join(slices.DeleteFunc(strings.SplitAfter(text, "\n"), func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }), "")
		for _, want := range test.wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s is not in\n%s", name, want, text)
			}
		}
		for _, absent := range test.absent {
			if strings.Contains(text, absent) {
				t.Errorf("%s: %s is in\n%s", name, absent, text)
			}
		}
		if !strings.Contains(notes, test.note) {
			t.Errorf("%s: %q is not told:\n%s", name, test.note, notes)
		}
	}
}
