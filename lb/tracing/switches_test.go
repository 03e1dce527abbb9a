package tracing

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

func TestSwitches(t *testing.T) {
	tags := []string{
		"traefik.http.routers.silent.rule=PathPrefix(`/silent`)",
		"traefik.http.routers.silent.observability.tracing=false",
		"traefik.http.routers.told.rule=PathPrefix(`/told`)",
		"traefik.http.routers.told.observability.tracing=true",
		"traefik.http.routers.plain.rule=PathPrefix(`/plain`)",
		"traefik.http.routers.probed.rule=PathPrefix(`/ping`)",
		"traefik.http.routers.probed.service=ping@internal",
	}
	for _, untraced := range []bool{false, true} {
		r := start(t, world{tags: tags, instances: []string{""}, server: func(o *lb.ServerOptions) { o.Listeners[0].Untraced = untraced }})
		silent := r.get("/silent", "traceparent: "+parent, "tracestate: a=1")
		if got := silent.Header["Got-Traceparent"]; !slices.Equal(got, []string{parent}) {
			t.Errorf("the server of a route without tracing was told %q", got)
		}
		r.get("/ping")
		r.get("/else")
		r.get("/plain")
		r.get("/told")
		want := []string{"/else", "/plain", "/told"}
		if untraced {
			want = []string{"/told"}
		}
		r.Wait(t, 2*len(want)-len(want)/3) // all but /else have a try
		r.flush()
		var names []string
		for _, s := range r.Spans() {
			if s.Kind == "server" {
				names = append(names, s.Attributes["url.path"])
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("listener without tracing %v: %q was told of, want %q", untraced, names, want)
		}
	}
}

func TestSteps(t *testing.T) {
	tags := []string{
		"traefik.http.routers.app.rule=PathPrefix(`/app`)",
		"traefik.http.routers.app.middlewares=strip,again",
		"traefik.http.routers.app.observability.traceverbosity=detailed",
		"traefik.http.routers.brief.rule=PathPrefix(`/brief`)",
		"traefik.http.routers.brief.middlewares=strip,again",
		"traefik.http.middlewares.strip.stripprefix.prefixes=/app",
		"traefik.http.middlewares.again.retry.attempts=2",
	}
	r := start(t, world{tags: tags, instances: []string{""}})
	r.get("/app")
	spans := r.Wait(t, 4)
	for i, want := range []struct{ kind, name, middleware string }{
		{"server", "GET PathPrefix(`/app`)", ""}, {"internal", "stripprefix", "strip"}, {"internal", "retry", "again"}, {"client", "GET", ""},
	} {
		s := spans[i]
		if s.Kind != want.kind || s.Name != want.name || s.Attributes["sluice.middleware"] != want.middleware || i > 0 && s.ParentID != spans[i-1].ID {
			t.Errorf("span %d is %+v, want %v", i, s, want)
		}
	}
	r.Forget()
	r.get("/brief")
	r.Wait(t, 2)
	r.flush()
	if n := len(r.Spans()); n != 2 {
		t.Errorf("%d spans where steps are not asked for, want 2: %+v", n, r.Spans())
	}
}

// Whoever began a trace decides whether it is exported; it is passed on all the
// same.
func TestSampling(t *testing.T) {
	r := start(t, world{tags: app, instances: []string{""}, options: func(o *Options, _ *tracingtest.Collector) { o.SampleRate = 0 }})
	own := r.get("/app").Header.Get("Got-Traceparent")
	others := r.get("/app", "traceparent: "+strings.TrimSuffix(parent, "1")+"0", "tracestate: a=1").Header
	r.get("/app", "traceparent: "+parent)
	r.Wait(t, 2)
	r.flush()
	if len(own) != len(parent) || !strings.HasSuffix(own, "-00") {
		t.Errorf("the server of a request that is not exported was told %q", own)
	}
	if got := others.Get("Got-Traceparent"); !strings.HasPrefix(got, "00-"+traceID) || !strings.HasSuffix(got, "-00") || others.Get("Got-Tracestate") != "a=1" {
		t.Errorf("the server of a request that is not exported was told %q", others)
	}
	spans := r.Spans()
	if len(spans) != 2 || spans[0].TraceID != traceID {
		t.Errorf("%+v", spans)
	}
}

func TestPropagators(t *testing.T) {
	const b3Single = traceID + "-" + spanID + "-1"
	for name, test := range map[string]struct {
		names string // OTEL_PROPAGATORS
		send  string
		want  string // what the server is told, with the try for TRY
		trace string // empty: another one
	}{
		"W3C":             {"", "traceparent: " + parent, "traceparent: 00-" + traceID + "-TRY-01", traceID},
		"B3 is read":      {"", "b3: " + b3Single, "traceparent: 00-" + traceID + "-TRY-01", traceID},
		"unless W3C only": {"tracecontext,baggage", "b3: " + b3Single, "", ""},
		"B3 is written":   {"b3", "b3: " + b3Single, "b3: " + traceID + "-TRY-1", traceID},
		"B3 is B3 alone":  {"b3", "traceparent: " + parent, "traceparent: " + parent, ""},
		"in many fields":  {"b3multi", "b3: " + b3Single, "x-b3-spanid: TRY", traceID},
		"none":            {"none", "traceparent: " + parent, "traceparent: " + parent, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_PROPAGATORS", test.names)
			told := make(chan http.Header, 1)
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.Header }))
			defer server.Close()
			r := start(t, world{tags: app, instances: []string{server.Listener.Addr().String()}})
			r.get("/app", test.send)
			span, clients := byParents(t, r.Wait(t, 2))
			if continued := span.TraceID == traceID; continued != (test.trace != "") {
				t.Errorf("the trace is continued: %v", continued)
			}
			header, value, _ := strings.Cut(strings.Replace(test.want, "TRY", clients[0].ID, 1), ": ")
			if got := (<-told).Get(header); got != value {
				t.Errorf("the server was told %s: %q, want %q", header, got, value)
			}
		})
	}
	t.Setenv("OTEL_PROPAGATORS", "jaeger")
	if _, err := New(DefaultOptions()); err == nil || !strings.Contains(err.Error(), `OTEL_PROPAGATORS: "jaeger" is none of`) {
		t.Error(err)
	}
}
