package tracing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"

	"github.com/sluiceproxy/sluice/lb"
)

// propagators are the ways to tell of a trace in a header, by the names that
// OTEL_PROPAGATORS has for them. Baggage is nothing to us: it passes as it is.
var propagators = map[string]propagation.TextMapPropagator{
	"tracecontext": propagation.TraceContext{},
	"b3":           b3.New(b3.WithInjectEncoding(b3.B3SingleHeader)),
	"b3multi":      b3.New(b3.WithInjectEncoding(b3.B3MultipleHeader)),
	"baggage":      propagation.NewCompositeTextMapPropagator(),
	"none":         propagation.NewCompositeTextMapPropagator(),
}

// propagator reads and writes what headers tell of traces.
type propagator struct {
	// extract is read in order, and the last that says anything counts.
	extract []propagation.TextMapPropagator
	inject  propagation.TextMapPropagator
	fields  []string // of inject
}

// newPropagator is one by the names of OTEL_PROPAGATORS. Without any it writes W3C
// Trace Context, and reads B3 as well where there is nothing else.
func newPropagator(names string) (*propagator, error) {
	p := &propagator{}
	if names == "" {
		p.extract = append(p.extract, propagators["b3"])
	}
	var inject []propagation.TextMapPropagator
	for name := range strings.SplitSeq(cmp.Or(names, "tracecontext"), ",") {
		known, ok := propagators[strings.TrimSpace(name)]
		if !ok {
			return nil, fmt.Errorf("OTEL_PROPAGATORS: %q is none of tracecontext, baggage, b3, b3multi, none", name)
		}
		inject = append(inject, known)
	}
	p.extract = append(p.extract, inject...)
	p.inject = propagation.NewCompositeTextMapPropagator(inject...)
	p.fields = p.inject.Fields()
	slices.Sort(p.fields)
	return p, nil
}

// Extract is a context with the trace that a header tells of.
func (p *propagator) Extract(h *lb.Header) context.Context {
	ctx := context.Background()
	for _, way := range p.extract {
		ctx = way.Extract(ctx, carrier{h})
	}
	return ctx
}

// header is what traces are told of in.
type header interface {
	propagation.TextMapCarrier
	Del(name string)
}

// Inject makes a header tell of the trace of a context, and of no other.
func (p *propagator) Inject(ctx context.Context, h header) {
	for _, name := range p.fields {
		h.Del(name)
	}
	p.inject.Inject(ctx, h)
}
