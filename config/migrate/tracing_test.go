package migrate

import (
	"os"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestMigrateTracing(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, test := range map[string]struct {
		text string
		want config.Tracing
		note string
	}{
		"nothing said": {"tracing: {}", config.Tracing{ServiceName: "traefik", Endpoint: "https://localhost:4318"}, ""},
		"HTTP": {
			`tracing: {sampleRate: 0.5, serviceName: edge, resourceAttributes: {a.b: c}, capturedRequestHeaders: [X-A], capturedResponseHeaders: [X-B],
  safeQueryParams: [q], addInternals: false, otlp: {http: {endpoint: "https://c:4318/v1/traces", headers: {X-Token: planted},
  tls: {insecureSkipVerify: true}}}}`,
			config.Tracing{
				ServiceName: "edge", Endpoint: "https://c:4318/v1/traces", SampleRate: config.Some(0.5), Headers: config.Table[dial.Secret]{"X-Token": "planted"},
				ResourceAttributes: config.Table[string]{"a.b": "c"}, RequestHeaders: []string{"X-A"}, ResponseHeaders: []string{"X-B"},
				SafeQueryParams: []string{"q"}, TLS: config.TracingTLS{InsecureSkipVerify: true},
			}, "",
		},
		"gRPC": {
			"tracing: {otlp: {grpc: {endpoint: 'c:4317', insecure: true}}}",
			config.Tracing{ServiceName: "traefik", Protocol: "grpc", Endpoint: "http://c:4317"}, "",
		},
		"gRPC, by default": {"tracing: {otlp: {grpc: {}}}", config.Tracing{ServiceName: "traefik", Protocol: "grpc", Endpoint: "https://localhost:4317"}, ""},
		"Jaeger":           {"tracing: {jaeger: {samplingServerURL: x}}", config.Tracing{}, "a.yml:1: tracing by jaeger is left out: spans are exported by OTLP alone"},
		"what is new":      {"tracing: {otlp: {http: {endpoint: 'http://c', colour: blue}}}", config.Tracing{ServiceName: "traefik", Endpoint: "http://c"}, "tracing.otlp.http.colour has no equivalent"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile("a.yml", []byte(test.text+"\nglobal: {}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			text, notes := runMigrate(t, "a.yml")
			if diff := gocmp.Diff(test.want, configtest.Text(t, text).LB.Tracing); diff != "" {
				t.Errorf("-want +got:\n%s\nof\n%s", diff, text)
			}
			if test.note == "" && notes != "" || !strings.Contains(notes, test.note) {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
		})
	}
}

func TestMigrateTracingOfTraefik1(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.toml", []byte("defaultEntryPoints = [\"http\"]\n[tracing]\nbackend = \"zipkin\"\n[tracing.zipkin]\nhttpEndpoint = \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, notes := runMigrate(t, "a.toml")
	if !strings.Contains(notes, "tracing by zipkin is left out") || strings.Contains(text, "\n  tracing {") {
		t.Errorf("%s\n%s", text, notes)
	}
}

// What entry points and routers say of tracing stays with them.
func TestMigrateTracingSwitches(t *testing.T) {
	t.Chdir(t.TempDir())
	const text = `
entryPoints:
  quiet: {address: ":80", observability: {tracing: false}}
  loud: {address: ":81", observability: {traceVerbosity: detailed}}
  usual: {address: ":82", observability: {tracing: true, traceVerbosity: minimal}}
http:
  routers:
    silent: {rule: "Host(` + "`silent`" + `)", service: s, observability: {tracing: false}}
    brief: {rule: "Host(` + "`brief`" + `)", service: s, observability: {traceVerbosity: minimal}}
  services:
    s: {loadBalancer: {servers: [{url: "http://10.0.0.1:80"}]}}
`
	if err := os.WriteFile("a.yml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	written, notes := runMigrate(t, "a.yml")
	c := configtest.Text(t, written)
	o, err := c.ServerOptions()
	if err != nil || notes != "" {
		t.Fatal(err, notes)
	}
	want := []listener.Listener{{Untraced: true}, {TracedSteps: true}, {}}
	for i, l := range o.Listeners {
		if l.Untraced != want[i].Untraced || l.TracedSteps != want[i].TracedSteps {
			t.Errorf("listener %s: %+v", l.Name, l)
		}
	}
	routes := o.Table.Static.Routes
	for _, r := range routes {
		want := map[string][2]spec.Switch{"silent": {spec.Off, spec.Unset}, "brief": {spec.On, spec.Off}}[r.Name]
		if got := [2]spec.Switch{r.Traced, r.TracedSteps}; got != want {
			t.Errorf("route %s: %v, want %v", r.Name, got, want)
		}
	}
	if len(routes) != 2 {
		t.Errorf("%d routes, want 2:\n%s", len(routes), written)
	}
}
