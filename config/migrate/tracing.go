package migrate

import (
	"cmp"
	"strconv"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/watch/dial"
)

const tracingStanza = "lb.tracing"

// tracing takes over the tracing of Traefik 3.
func (m *migration) tracing(t *tree) {
	if !t.has("tracing") || m.tracingElsewhere(t) {
		return
	}
	m.comment(tracingStanza, "%s", m.origin(t, "tracing"))
	t.text("tracing")
	to := &m.LB.Tracing
	to.ServiceName = cmp.Or(t.text("tracing.serviceName"), "traefik") // as spans were called so far
	if rate, err := strconv.ParseFloat(t.text("tracing.sampleRate"), 64); err == nil {
		to.SampleRate = config.Some(rate)
	}
	to.ResourceAttributes = t.entries("tracing.resourceAttributes", "tracing.globalAttributes")
	to.RequestHeaders, to.ResponseHeaders = t.list("tracing.capturedRequestHeaders"), t.list("tracing.capturedResponseHeaders")
	to.SafeQueryParams = t.list("tracing.safeQueryParams")
	t.usual("tracing", "addInternals=false")
	at := "tracing.otlp.http"
	if t.text("tracing.otlp"); t.has("tracing.otlp.grpc") {
		at = "tracing.otlp.grpc"
		scheme := "https://"
		if t.is(at + ".insecure") {
			scheme = "http://"
		}
		to.Protocol, to.Endpoint = "grpc", scheme+cmp.Or(t.text(at+".endpoint"), "localhost:4317")
	} else {
		to.Endpoint = cmp.Or(t.text(at+".endpoint"), "https://localhost:4318")
	}
	t.text(at)
	for name, value := range t.entries(at + ".headers") {
		if to.Headers == nil {
			to.Headers = config.Table[dial.Secret]{}
		}
		to.Headers[name] = dial.Secret(value)
	}
	if t.text(at + ".tls"); t.has(at + ".tls.ca") {
		to.TLS.RootCAs = []string{t.text(at + ".tls.ca")}
	}
	to.TLS.Certificate, to.TLS.Key = t.text(at+".tls.cert"), dial.Secret(t.text(at+".tls.key"))
	to.TLS.InsecureSkipVerify = t.is(at + ".tls.insecureSkipVerify")
}

// tracingElsewhere tells of tracing by other means than OTLP, as Traefik had it before
// version 3, and reports whether there is any.
func (m *migration) tracingElsewhere(t *tree) bool {
	backend := t.text("tracing.backend")
	for _, name := range []string{"jaeger", "zipkin", "datadog", "instana", "haystack", "elastic", "openTelemetry"} {
		if backend == "" && t.has("tracing."+name) {
			backend = name
		}
	}
	if backend == "" {
		return false
	}
	m.note(t, "tracing", "tracing by "+backend+" is left out: spans are exported by OTLP alone, which collectors of OpenTelemetry, Jaeger, "+
		`Datadog's agent and others take: lb { tracing { endpoint = "http://COLLECTOR:4318" } }`)
	t.take("tracing")
	return true
}

// entries takes what is below the paths, as texts by name; names may hold points.
func (t *tree) entries(paths ...string) config.Table[string] {
	all := config.Table[string]{}
	for _, path := range paths {
		for i := range t.values {
			v := &t.values[i]
			if name, ok := cutPrefixFold(v.path, path+"."); ok && v.value != nil {
				all[name] = t.text(v.path)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// traced is what a listener or a router says of tracing below a path, as the word for
// it; empty if it says nothing.
func (t *tree) traced(at string) string {
	on, verbosity := t.text(at+".observability.tracing"), t.text(at+".observability.traceVerbosity")
	switch {
	case on == "false":
		return "off"
	case verbosity != "":
		return verbosity
	case on == "true":
		return "minimal"
	}
	return ""
}
