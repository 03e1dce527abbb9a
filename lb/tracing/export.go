package tracing

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"
)

// How long a batch of spans that the collector does not take is offered again. The
// spans that end meanwhile wait.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 5 * time.Second
	givenUpAfter = 10 * time.Second
)

// newExporter makes what speaks to the collector. No connection is made yet.
func newExporter(ctx context.Context, o Options) (*otlptrace.Exporter, error) {
	if o.protocol() == ProtocolGRPC {
		return otlptracegrpc.New(ctx, overGRPC(o)...)
	}
	return otlptracehttp.New(ctx, overHTTP(o)...)
}

// overGRPC are what is set of the options; the environment has the rest.
func overGRPC(o Options) []otlptracegrpc.Option {
	options := []otlptracegrpc.Option{otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
		Enabled: true, InitialInterval: firstPause, MaxInterval: longestPause, MaxElapsedTime: givenUpAfter,
	})}
	if o.Endpoint != "" {
		options = append(options, otlptracegrpc.WithEndpointURL(o.Endpoint))
	}
	if len(o.Headers) > 0 {
		options = append(options, otlptracegrpc.WithHeaders(o.Headers))
	}
	if o.TLS != nil {
		options = append(options, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(o.TLS)))
	}
	return options
}

// overHTTP likewise.
func overHTTP(o Options) []otlptracehttp.Option {
	options := []otlptracehttp.Option{otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
		Enabled: true, InitialInterval: firstPause, MaxInterval: longestPause, MaxElapsedTime: givenUpAfter,
	})}
	if o.Endpoint != "" {
		options = append(options, otlptracehttp.WithEndpointURL(o.Endpoint))
		if u, err := url.Parse(o.Endpoint); err == nil && u.Path == "" {
			options = append(options, otlptracehttp.WithURLPath("/v1/traces"))
		}
	}
	if len(o.Headers) > 0 {
		options = append(options, otlptracehttp.WithHeaders(o.Headers))
	}
	if o.TLS != nil {
		options = append(options, otlptracehttp.WithTLSClientConfig(o.TLS))
	}
	return options
}

// queue holds the spans that have ended and are not exported yet. It counts those
// that are lost, as the batches of OpenTelemetry do not tell: it lets no more in than
// those have room for, and sees what becomes of each batch.
type queue struct {
	trace.SpanProcessor // the batches
	exporter            trace.SpanExporter
	log                 *slog.Logger

	size           int64
	waiting        atomic.Int64
	exported, lost atomic.Uint64

	cut  context.Context // ends exports for good
	stop context.CancelFunc

	mu      sync.Mutex
	failing bool
	before  uint64 // lost when it began to fail
}

var (
	_ trace.SpanProcessor = (*queue)(nil)
	_ trace.SpanExporter  = batches{}
)

func newQueue(exporter trace.SpanExporter, log *slog.Logger) *queue {
	q := &queue{exporter: exporter, log: log, size: queueSize()}
	q.cut, q.stop = context.WithCancel(context.Background())
	q.SpanProcessor = trace.NewBatchSpanProcessor(batches{q}, trace.WithMaxQueueSize(int(q.size)))
	return q
}

// queueSize is how many spans may wait.
func queueSize() int64 {
	if n, err := strconv.ParseInt(os.Getenv("OTEL_BSP_MAX_QUEUE_SIZE"), 10, 32); err == nil && n > 0 {
		return n
	}
	return trace.DefaultMaxQueueSize
}

// OnEnd implements [trace.SpanProcessor].
func (q *queue) OnEnd(s trace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return // it is not exported
	}
	if q.waiting.Add(1) > q.size {
		q.waiting.Add(-1)
		q.lost.Add(1)
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// batches are the exports of a queue.
type batches struct{ q *queue }

// ExportSpans implements [trace.SpanExporter].
func (b batches) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.q.cut, cancel)()
	err := b.q.exporter.ExportSpans(ctx, spans)
	b.q.waiting.Add(-int64(len(spans)))
	b.q.told(err, uint64(len(spans)))
	return nil // whatever is to be said was said
}

// Shutdown implements [trace.SpanExporter].
func (b batches) Shutdown(ctx context.Context) error { return b.q.exporter.Shutdown(ctx) }

// told takes note of what became of a batch. The log is told of the first failure,
// and of the first success after it.
func (q *queue) told(err error, spans uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case err != nil:
		if !q.failing {
			q.failing, q.before = true, q.lost.Load()
			q.log.Warn("the collector of traces does not take spans; they are lost until it does", "err", err)
		}
		q.lost.Add(spans)
	default:
		q.exported.Add(spans)
		if q.failing {
			q.failing = false
			q.log.Info("the collector of traces takes spans again", "lost", q.lost.Load()-q.before)
		}
	}
}
