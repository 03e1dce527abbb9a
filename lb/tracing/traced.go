package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/sluiceproxy/sluice/lb"
)

// traced is one exchange.
type traced struct {
	t      *Tracer
	span   trace.Span // of the exchange
	try    trace.Span // nil without one
	failed bool       // the last try
	// recording is whether anybody will be told. A span that has ended does not know.
	recording bool
	// ctx holds the innermost span that is not a try.
	ctx context.Context //nolint:containedctx // that is where OpenTelemetry keeps it
}

var _ lb.Trace = (*traced)(nil)

// IDs implements [lb.Trace].
func (tr *traced) IDs() (traceID, spanID string) {
	c := tr.span.SpanContext()
	return c.TraceID().String(), c.SpanID().String()
}

// Tell implements [lb.Trace].
func (tr *traced) Tell(h http.Header) {
	tr.t.propagator.Inject(tr.ctx, httpCarrier{propagation.HeaderCarrier(h)})
}

// Step implements [lb.Trace].
func (tr *traced) Step(s *lb.Step) (end func()) {
	if !tr.recording {
		return func() {}
	}
	outer := tr.ctx
	var span trace.Span
	tr.ctx, span = tr.t.tracer.Start(outer, s.Spec.Kind(), trace.WithAttributes(middlewareName.String(valid(s.Name))))
	return func() {
		span.End()
		tr.ctx = outer
	}
}

// Try implements [lb.Trace].
func (tr *traced) Try(x *lb.Exchange) {
	ctx := tr.ctx
	tr.failed = false
	if tr.recording {
		ctx, tr.try = tr.t.tracer.Start(ctx, methodName(x), trace.WithSpanKind(trace.SpanKindClient))
		tr.try.SetAttributes(tr.t.tryAttributes(x)...)
		tr.captureHeader(tr.try, &x.Header, tr.t.requestHeaders)
	}
	tr.t.propagator.Inject(ctx, carrier{&x.Header})
}

// Answered implements [lb.Trace].
func (tr *traced) Answered(status int, h *lb.Header) {
	if tr.try == nil {
		return
	}
	tr.try.SetAttributes(statusCode.Int(status))
	if status >= http.StatusBadRequest {
		tr.try.SetAttributes(errorType.String(statusText(status)))
		tr.try.SetStatus(codes.Error, "")
	}
	tr.captureHeader(tr.try, h, tr.t.responseHeaders)
}

// EndTry implements [lb.Trace].
func (tr *traced) EndTry(err error) {
	if tr.try == nil {
		return
	}
	if err != nil {
		kind, blameless := kindOf(err)
		tr.failed = !blameless
		tr.try.SetAttributes(errorType.String(kind))
		if !blameless {
			tr.try.SetStatus(codes.Error, text(err.Error()))
		}
	}
	tr.try.End()
	tr.try = nil
}

// Fork implements [lb.Trace].
func (tr *traced) Fork() lb.Trace {
	return &traced{t: tr.t, span: tr.span, ctx: tr.ctx, recording: tr.recording}
}

// End implements [lb.Trace].
func (tr *traced) End(x *lb.Exchange) {
	if !tr.recording {
		return
	}
	if route := routeOf(x); route != "" {
		tr.span.SetName(methodName(x) + " " + route)
	}
	tr.span.SetAttributes(tr.t.exchangeAttributes(x)...)
	switch o := &x.Outcome; {
	case o.Status >= http.StatusInternalServerError:
		tr.fail(statusText(o.Status), o.Err)
	case o.Truncated && tr.failed:
		tr.fail("truncated", o.Err)
	case o.Truncated, o.Status == lb.StatusClientGone:
		tr.span.SetAttributes(errorType.String("client_gone"))
	}
	tr.span.End()
}

// fail says that the exchange has failed by our fault, or that of those behind us.
func (tr *traced) fail(kind string, err error) {
	reason := ""
	if err != nil {
		reason = text(err.Error())
	}
	tr.span.SetAttributes(errorType.String(kind))
	tr.span.SetStatus(codes.Error, reason)
}

// captured is a field that becomes an attribute.
type captured struct {
	field string
	key   attribute.Key
}

func (tr *traced) captureHeader(span trace.Span, h *lb.Header, fields []captured) {
	for _, c := range fields {
		var values []string
		for value := range h.Values(c.field) {
			values = append(values, text(value))
		}
		if len(values) > 0 {
			span.SetAttributes(c.key.StringSlice(values))
		}
	}
}

// capturingReply takes down the header of the answer.
type capturingReply struct {
	lb.Reply
	tr *traced
}

// Begin implements [lb.Reply].
func (r *capturingReply) Begin(status int, h *lb.Header, length int64) error {
	r.tr.captureHeader(r.tr.span, h, r.tr.t.responseHeaders)
	return r.Reply.Begin(status, h, length)
}
