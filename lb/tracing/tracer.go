package tracing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/sluiceproxy/sluice/lb"
)

// scope is what makes the spans.
const scope = "github.com/sluiceproxy/sluice"

// maxValue bounds attributes, in characters.
const maxValue = 4096

// flushTime is how long the collector may take for the last spans.
const flushTime = 5 * time.Second

// Tracer makes spans of exchanges and has them exported.
type Tracer struct {
	provider   *sdk.TracerProvider
	tracer     trace.Tracer
	propagator *propagator
	queue      *queue

	requestHeaders, responseHeaders []captured
	safeQuery                       []string
}

var _ lb.Tracer = (*Tracer)(nil)

// New returns a tracer, which must be run. Nothing is sent before.
func New(o Options) (*Tracer, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	about, err := about(o)
	if err != nil {
		return nil, fmt.Errorf("tracing: resource: %w", err)
	}
	propagator, err := newPropagator(propagatorNames())
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	exporter, err := newExporter(context.Background(), o)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	limits := sdk.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = maxValue
	}
	queue := newQueue(exporter, o.Logger)
	options := []sdk.TracerProviderOption{sdk.WithResource(about), sdk.WithSpanProcessor(queue), sdk.WithRawSpanLimits(limits)}
	if !math.IsNaN(o.SampleRate) {
		options = append(options, sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.SampleRate))))
	}
	provider := sdk.NewTracerProvider(options...)
	return &Tracer{
		provider: provider, tracer: provider.Tracer(scope, trace.WithInstrumentationVersion(o.Version)), queue: queue, propagator: propagator,
		requestHeaders:  capturedFields("http.request.header.", o.RequestHeaders),
		responseHeaders: capturedFields("http.response.header.", o.ResponseHeaders),
		safeQuery:       o.SafeQuery,
	}, nil
}

// about is what all spans are of. What is configured goes before the environment.
func about(o Options) (*resource.Resource, error) {
	var configured []attribute.KeyValue
	for _, key := range slices.Sorted(maps.Keys(o.Resource)) {
		configured = append(configured, attribute.String(key, text(o.Resource[key])))
	}
	if o.ServiceName != "" {
		configured = append(configured, attribute.String("service.name", text(o.ServiceName)))
	}
	return resource.New(context.Background(),
		resource.WithHost(),
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", "sluice"),
			attribute.String("service.version", cmp.Or(o.Version, "unknown")),
		),
		resource.WithFromEnv(),
		resource.WithAttributes(configured...),
	)
}

// Run exports spans until ctx ends, and then those that wait, for which the
// collector has five seconds. Spans that end later are lost. It returns nil.
func (t *Tracer) Run(ctx context.Context) error {
	<-ctx.Done()
	defer t.queue.stop()
	defer time.AfterFunc(flushTime, t.queue.stop).Stop()
	// It needs no deadline of its own: exports that are cut end at once.
	if err := t.provider.Shutdown(context.Background()); err != nil {
		t.queue.log.Warn("ending the export of spans", "err", err)
	}
	return nil
}

// Stats tells how many spans were exported, and how many lost because the collector
// did not take them, or not fast enough.
func (t *Tracer) Stats() (exported, lost uint64) {
	return t.queue.exported.Load(), t.queue.lost.Load()
}

// Begin implements [lb.Tracer].
func (t *Tracer) Begin(x *lb.Exchange, came time.Time) lb.Trace {
	ctx := t.propagator.Extract(&x.Header)
	tr := &traced{t: t}
	tr.ctx, tr.span = t.tracer.Start(ctx, methodName(x), trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(came))
	if tr.recording = tr.span.IsRecording(); !tr.recording {
		return tr
	}
	tr.captureHeader(tr.span, &x.Header, t.requestHeaders)
	if agent := x.Header.Get("User-Agent"); agent != "" {
		tr.span.SetAttributes(userAgent.String(text(agent)))
	}
	if len(t.responseHeaders) > 0 {
		x.Reply = &capturingReply{x.Reply, tr}
	}
	return tr
}
