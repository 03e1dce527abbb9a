package tracing

import (
	"github.com/sluiceproxy/sluice/lb"
)

// The fields of W3C Trace Context.
const (
	traceparent = "traceparent"
	tracestate  = "tracestate"
)

// carrier shows a header to OpenTelemetry.
type carrier struct{ *lb.Header }

// Get returns the elements of tracestate as one list, and of others the value if
// there is only one: two parents are none (W3C Trace Context §3.2.1).
func (c carrier) Get(name string) (value string) {
	lines := 0
	for line := range c.Values(name) {
		switch lines++; {
		case lines == 1:
			value = line
		case name == tracestate:
			value += "," + line
		default:
			return ""
		}
	}
	return value
}

// Keys is not used by the propagator there is.
func (c carrier) Keys() []string { return nil }
