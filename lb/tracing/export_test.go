package tracing

import (
	"bytes"
	"context"
	"crypto/tls"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

func TestProtocols(t *testing.T) {
	for name, change := range map[string]func(*Options, *tracingtest.Collector){
		"http": func(o *Options, c *tracingtest.Collector) { o.Protocol, o.Endpoint = "http", c.HTTP },
		"http, with a path": func(o *Options, c *tracingtest.Collector) {
			o.Protocol, o.Endpoint = "http/protobuf", c.HTTP+"/v1/traces"
		},
		"grpc": func(o *Options, c *tracingtest.Collector) { o.Protocol, o.Endpoint = "grpc", c.GRPC },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, world{tags: app, instances: []string{""}, options: func(o *Options, c *tracingtest.Collector) {
				change(o, c)
				o.Headers = map[string]string{"x-token": "secret"}
			}})
			r.get("/app")
			r.Wait(t, 2)
			r.flush()
			if got := r.Header("x-token"); got != "secret" {
				t.Errorf("the collector was told the token %q", got)
			}
			if exported, lost := r.tracer.Stats(); exported != 2 || lost != 0 {
				t.Errorf("%d spans exported, %d lost, want 2 and none", exported, lost)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	paths := make(chan string, 10)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.Path }))
	defer secure.Close()
	r := start(t, world{tags: app, instances: []string{""}, options: func(o *Options, _ *tracingtest.Collector) {
		o.Endpoint, o.TLS = secure.URL+"/in/traces", secure.Client().Transport.(*http.Transport).TLSClientConfig.Clone() //nolint:errcheck,forcetypeassert // as it is
	}})
	r.get("/app")
	if path := <-paths; path != "/in/traces" {
		t.Errorf("the collector was asked for %s", path)
	}
}

func TestEnvironment(t *testing.T) {
	c := tracingtest.Start(t, nil)
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.GRPC, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_HEADERS": "x-token=secret",
		"OTEL_SERVICE_NAME": "edge", "OTEL_RESOURCE_ATTRIBUTES": "host.rack=7,color=green", "OTEL_TRACES_SAMPLER": "always_off",
	} {
		t.Setenv(name, value)
	}
	for _, rate := range []float64{math.NaN(), 1} {
		c.Forget()
		r := start(t, world{tags: app, instances: []string{""}, options: func(o *Options, _ *tracingtest.Collector) {
			o.Endpoint, o.SampleRate, o.Resource = "", rate, map[string]string{"color": "blue"}
		}})
		r.get("/app")
		if rate == 1 {
			spans := c.Wait(t, 2)
			if of := spans[0].Resource; of["service.name"] != "edge" || of["host.rack"] != "7" || of["color"] != "blue" || c.Header("x-token") != "secret" {
				t.Errorf("%+v", spans[0])
			}
		}
		r.flush()
		if rate != 1 && len(c.Spans()) > 0 {
			t.Errorf("the sampler of the environment does not count: %+v", c.Spans())
		}
	}
}

// A collector that is down costs nothing but spans, and is told of once.
func TestCollectorDown(t *testing.T) {
	for _, protocol := range []string{"http", "grpc"} {
		r := start(t, world{tags: app, instances: []string{""}, options: func(o *Options, c *tracingtest.Collector) {
			if o.Protocol = protocol; protocol == "grpc" {
				o.Endpoint = c.GRPC
			}
			o.Headers = map[string]string{"x-token": "secret"}
		}})
		lost := func(atLeast uint64) {
			t.Helper()
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
				if _, lost := r.tracer.Stats(); lost >= atLeast {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("waited in vain for %d lost spans", atLeast)
				}
			}
		}
		r.Down.Store(true)
		r.get("/app")
		lost(2)
		r.get("/app")
		lost(4)
		r.Down.Store(false)
		r.get("/app")
		r.Wait(t, 2)
		r.flush()
		text := r.log.String()
		if strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "takes spans again") || !strings.Contains(text, "lost=4") || strings.Contains(text, "secret") {
			t.Errorf("%s: the log has\n%s", protocol, text)
		}
	}
}

// stuck is an exporter that does not return before it is cut.
type stuck struct{ entered chan struct{} }

func (s stuck) ExportSpans(ctx context.Context, _ []sdk.ReadOnlySpan) error {
	s.entered <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func (stuck) Shutdown(context.Context) error { return nil }

// Spans never wait for the collector: those that are too many are lost and counted.
func TestFullQueue(t *testing.T) {
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
	exporter := stuck{make(chan struct{}, 100)}
	log := new(lockedText)
	q := newQueue(exporter, slogTo(log))
	sampled := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled})
	span := tracetest.SpanStub{Name: "x", SpanContext: sampled}.Snapshot()
	q.OnEnd(span)
	<-exporter.entered
	for range 9 {
		q.OnEnd(span)
	}
	if lost := q.lost.Load(); lost != 6 {
		t.Errorf("%d spans are lost of 10, want 6, for 4 may wait", lost)
	}
	ended := make(chan error)
	go func() { ended <- q.Shutdown(context.Background()) }()
	q.stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if lost := q.lost.Load(); lost != 10 {
		t.Errorf("%d spans are lost in the end, want all 10", lost)
	}
}

// The spans that wait are exported before the tracer ends.
func TestFlush(t *testing.T) {
	c := tracingtest.Start(t, nil)
	o := DefaultOptions()
	o.Endpoint, o.SampleRate, o.Logger = c.GRPC, 1, slogTo(t.Output())
	o.Protocol = ProtocolGRPC
	tracer, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = tracer.Run(ctx)
	}()
	_, span := tracer.tracer.Start(ctx, "last")
	span.SetAttributes(attribute.String("long", strings.Repeat("x", 2*maxValue)))
	span.End()
	stop()
	<-ended
	spans := c.Spans()
	if len(spans) != 1 || spans[0].Name != "last" || len(spans[0].Attributes["long"]) != maxValue {
		t.Errorf("%+v", spans)
	}
}

func TestBadOptions(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"protocol": {func(o *Options) { o.Protocol = "thrift" }, `protocol: "thrift" is none of http, grpc`},
		"endpoint": {func(o *Options) { o.Endpoint = "collector:4317" }, "endpoint: it is not a URL such as https://collector.example:4318"},
		"password": {func(o *Options) { o.Endpoint = "http://me:secret@c" }, "endpoint: the URL holds a user or a password, which belong into headers"},
		"TLS":      {func(o *Options) { o.Endpoint, o.TLS = "http://c", &tls.Config{} }, "endpoint: TLS is configured, and the URL is not one of https"},
		"path":     {func(o *Options) { o.Endpoint, o.Protocol = "http://c/v1/traces", "grpc" }, "endpoint: there are no paths with gRPC"},
		"rate":     {func(o *Options) { o.SampleRate = 1.5 }, "sample_rate: 1.5 is not from 0 to 1"},
	} {
		o := DefaultOptions()
		test.change(&o)
		if _, err := New(o); err == nil || err.Error() != "tracing: "+test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func FuzzRedacted(f *testing.F) {
	for _, seed := range []string{"", "?", "?a", "?a=b", "?a=b&&c;d=e", "?%zz=1", "?=&=", "?safe=1&\xff=2"} {
		f.Add(seed)
	}
	tracer := &Tracer{safeQuery: []string{"safe"}}
	f.Fuzz(func(t *testing.T, query string) {
		if query != "" && query[0] != '?' {
			query = "?" + query
		}
		got := tracer.redacted(query + strings.Repeat("&hidden=5ecret", min(1, len(query))))
		if strings.Contains(got, "5ecret") && !strings.Contains(query, "5ecret") || query != "" && got[0] != '?' {
			t.Errorf("%q becomes %q", query, got)
		}
		if !bytes.Equal([]byte(got), bytes.ToValidUTF8([]byte(got), nil)) {
			t.Errorf("%q becomes %q, which is not UTF-8", query, got)
		}
	})
}
