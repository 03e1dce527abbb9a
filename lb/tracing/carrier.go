package tracing

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"

	"github.com/sluiceproxy/sluice/lb"
)

// tracestate is the field of W3C Trace Context that is a list.
const tracestate = "tracestate"

// carrier shows a header to OpenTelemetry.
type carrier struct{ *lb.Header }

// Get returns the elements of tracestate as one list, and of others the value if
// there is only one: two parents are none (W3C Trace Context §3.2.1). It is a copy:
// spans keep it until they are exported, and the header points into a buffer.
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
	return strings.Clone(value)
}

// Keys is not used by the propagators there are.
func (c carrier) Keys() []string { return nil }

// httpCarrier is one of net/http.
type httpCarrier struct{ propagation.HeaderCarrier }

func (c httpCarrier) Del(name string) { http.Header(c.HeaderCarrier).Del(name) }
