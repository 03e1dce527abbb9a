package lb

import (
	"net/http"
	"time"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// Tracer tells somebody else of exchanges, as parts of traces. It never blocks, and
// may be used from any goroutine.
type Tracer interface {
	// Begin begins what is told of an exchange that came at a time. The trace is the
	// one that the request's header tells of, or a new one.
	Begin(x *Exchange, came time.Time) Trace
}

// Trace is what is told of one exchange. It belongs to the exchange's goroutine, and
// is one even if nobody will be told: targets are to know that, too.
type Trace interface {
	// IDs are those of the trace and of the exchange in it, in 32 and 16 hexadecimal
	// digits.
	IDs() (trace, span string)
	// Tell adds to a header what says which trace a request is a part of, in place of
	// what it said before. It is for whoever is asked on behalf of the exchange.
	Tell(h http.Header)
	// Step begins a step of the route; all that happens until end is called belongs
	// to it.
	Step(s *Step) (end func())
	// Try begins a try with the target of the outcome, and makes the request's header
	// tell of it.
	Try(x *Exchange)
	// Answered takes down the head of the target's answer.
	Answered(status int, h *Header)
	// EndTry ends the try: err is why it failed, nil if it did not.
	EndTry(err error)
	// Fork is for a copy of the exchange, which is never ended.
	Fork() Trace
	// End ends the exchange, of which everything is known now.
	End(x *Exchange)
}

// beginTrace begins the trace of an exchange, unless its listener wants none.
func (s *Server) beginTrace(x *Exchange, came time.Time) {
	if s.options.Tracer != nil && !x.entry.listener.Untraced {
		x.trace = s.options.Tracer.Begin(x, came)
	}
}

// routeTrace lets the route decide about the trace. Those to services of our own have
// none unless they say so: they are what probes ask for.
func (s *Server) routeTrace(x *Exchange) {
	if s.options.Tracer == nil {
		return
	}
	l := &x.entry.listener
	switch traced := x.Route.Traced.Or(!l.Untraced && !isInternal(x.Route.Route)); {
	case !traced:
		x.trace = nil
	case x.trace == nil:
		x.trace = s.options.Tracer.Begin(x, time.Now())
	}
	x.detailed = x.trace != nil && x.Route.TracedSteps.Or(l.TracedSteps)
}

// endTrace ends the trace of a finished exchange.
func (x *Exchange) endTrace() {
	if x.trace != nil {
		x.trace.End(x)
	}
}

// TellTrace adds to the header of a request that is sent on behalf of the exchange,
// to others than its targets, which trace it is a part of.
func (x *Exchange) TellTrace(h http.Header) {
	if x.trace != nil {
		x.trace.Tell(h)
	}
}

// beginTry tells the target of the call which trace it is a part of.
func (x *Exchange) beginTry() {
	if x.trace != nil {
		x.broken = false
		x.trace.Try(x)
		x.call.Fields = x.Header.fields
	}
}

// answered takes down the head of the target's answer.
func (x *Exchange) answered() {
	if x.trace != nil {
		x.trace.Answered(x.Outcome.TargetStatus, &x.answer)
	}
}

// endTry ends a try. failed is nil if the target has answered; that somebody did not
// want the answer is no failure.
func (x *Exchange) endTry(failed *h1.SendError) {
	switch {
	case x.trace == nil:
	case failed != nil:
		x.trace.EndTry(failed)
	case x.broken:
		x.trace.EndTry(x.Outcome.Err)
	default:
		x.trace.EndTry(nil)
	}
}
