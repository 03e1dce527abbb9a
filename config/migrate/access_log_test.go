package migrate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
)

// The access log of any Traefik, with all it may say, and with what it may not.
func TestMigrateAccessLog(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             config.AccessLog
		notes            []string
	}{
		{"defaults", "traefik.yml", "accessLog: {}", config.AccessLog{Target: "stdout", Format: "traefik", DropInternal: true}, nil},
		{"generic", "traefik.yml", "accessLog: {filePath: a.log, format: genericCLF, bufferingSize: 100, addInternals: true}",
			config.AccessLog{Target: "a.log", Format: "generic-clf"}, nil},
		{"modes", "traefik.yml", "accessLog: {format: json, fields: {defaultMode: keep, names: {clientusername: drop, RequestPath: redact}, " +
			"queryParameters: {defaultMode: drop}, headers: {defaultMode: redact, names: {User-Agent: keep, Cookie: drop}}}}",
			config.AccessLog{
				Target: "stdout", Format: "traefik-json", DropInternal: true, DropQuery: true,
				Fields:  config.AccessLogModes{Default: "keep", Drop: []string{"clientusername"}, Redact: []string{"RequestPath"}},
				Headers: config.AccessLogModes{Default: "redact", Keep: []string{"User-Agent"}, Drop: []string{"Cookie"}},
			}, nil},
		{"queries are kept", "traefik.yml", "accessLog: {fields: {queryParameters: {defaultMode: keep}}}",
			config.AccessLog{Target: "stdout", Format: "traefik", DropInternal: true}, nil},
		{"wrong", "traefik.yml", "accessLog:\n  format: clf\n  fields:\n    defaultMode: all\n    names:\n      KubernetesIngressName: drop\n      Duration: never\n  dualOutput: true",
			config.AccessLog{Target: "stdout", Format: "traefik", DropInternal: true}, []string{
				"traefik.yml:2: there is no format clf: as there, it is common",
				"traefik.yml:4: accessLog.fields.defaultMode: all is none of keep, drop, redact, and has no effect there either",
				"traefik.yml:6: accessLog.fields.names.KubernetesIngressName is no field of the access log",
				"traefik.yml:7: accessLog.fields.names.Duration: never is none of keep, drop, redact, and has no effect there either",
				"traefik.yml:8: accessLog.dualOutput has no equivalent and is left out",
			}},
		{"of Traefik 1", "traefik.toml", "defaultEntryPoints = [\"http\"]\n[accessLog]\nformat = \"json\"\n[accessLog.fields.names]\nFrontendName = \"drop\"\nRouterName = \"drop\"",
			config.AccessLog{Target: "stdout", Format: "traefik1-json", Fields: config.AccessLogModes{Drop: []string{"FrontendName"}}, Headers: config.AccessLogModes{Default: "keep"}},
			[]string{"traefik.toml:6: accessLog.fields.names.RouterName is no field of the access log"}},
		{"the old form", "traefik.toml", "accessLogsFile = \"a.log\"", config.AccessLog{Target: "a.log", Format: "traefik1", Headers: config.AccessLogModes{Default: "keep"}}, nil},
		{"of Traefik 1, without headers", "traefik.toml", "defaultEntryPoints = [\"http\"]\n[accessLog.fields.headers]\ndefaultMode = \"drop\"",
			config.AccessLog{Target: "stdout", Format: "traefik1", Headers: config.AccessLogModes{Default: "drop"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			kind := "traefik"
			if filepath.Ext(tt.file) == ".toml" {
				kind = "traefik1"
			}
			if err := os.WriteFile(tt.file, []byte(tt.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			text, notes := runMigrate(t, "-kind", kind, tt.file)
			c := configtest.Text(t, text)
			if diff := cmp.Diff(tt.want, c.LB.AccessLog); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for _, want := range tt.notes {
				if !strings.Contains(notes, want+"\n") {
					t.Errorf("it does not say %q, but\n%s", want, notes)
				}
			}
			if tt.notes == nil && strings.Contains(notes, "accessLog") {
				t.Errorf("it says %s", notes)
			}
		})
	}
}
