// Package tracingtest has a collector of traces for tests.
package tracingtest

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Collector takes spans over HTTP and over gRPC.
type Collector struct {
	collector.UnimplementedTraceServiceServer
	// HTTP and GRPC are its URLs.
	HTTP, GRPC string
	// Addr is that of HTTP.
	Addr net.Addr
	// Down has it refuse all spans, for good.
	Down atomic.Bool

	told   func(Span) // nil for nobody
	mu     sync.Mutex
	spans  []Span
	header map[string]string
}

// Span is what was told of a span.
type Span struct {
	Name, Kind            string // Kind is "server", "client", …
	TraceID, ID, ParentID string // hexadecimal; ParentID may be empty
	// Status is "unset", "ok" or "error", Message what is said of it.
	Status, Message string
	// Attributes have their values as text, and Resource those of what it is a span of.
	Attributes, Resource map[string]string
	Scope                string
	State                string // tracestate
	Start, End           time.Time
}

// Start runs a collector until the test is over. told, which may be nil, is called
// with each span.
func Start(t testing.TB, told func(Span)) *Collector {
	t.Helper()
	c := &Collector{told: told, header: map[string]string{}}
	web := httptest.NewServer(http.HandlerFunc(c.serveHTTP))
	t.Cleanup(web.Close)
	c.HTTP, c.Addr = web.URL, web.Listener.Addr()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	calls := grpc.NewServer()
	collector.RegisterTraceServiceServer(calls, c)
	var serving sync.WaitGroup
	serving.Go(func() { _ = calls.Serve(l) })
	t.Cleanup(func() {
		calls.Stop()
		serving.Wait()
	})
	c.GRPC = "http://" + l.Addr().String()
	return c
}

func (c *Collector) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if c.Down.Load() {
		http.Error(w, "down", http.StatusBadRequest)
		return
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unpacked
	}
	text, err := io.ReadAll(body)
	var export collector.ExportTraceServiceRequest
	if err = cmp.Or(err, proto.Unmarshal(text, &export)); err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, fmt.Sprintf("%s: %v", r.URL.Path, err), http.StatusBadRequest)
		return
	}
	for name := range r.Header {
		c.saw(name, r.Header.Get(name))
	}
	c.take(&export)
}

// Export implements the service of OTLP.
func (c *Collector) Export(ctx context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	if c.Down.Load() {
		return nil, status.Error(codes.InvalidArgument, "down")
	}
	told, _ := metadata.FromIncomingContext(ctx)
	for name, values := range told {
		c.saw(name, values[0])
	}
	c.take(r)
	return &collector.ExportTraceServiceResponse{}, nil
}

func (c *Collector) saw(name, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.header[strings.ToLower(name)] = value
}

// Header is the field of that name, as it was last sent along with spans.
func (c *Collector) Header(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header[strings.ToLower(name)]
}

func (c *Collector) take(r *collector.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.ResourceSpans {
		resource := values(of.GetResource().GetAttributes())
		for _, by := range of.ScopeSpans {
			for _, s := range by.Spans {
				span := Span{
					Name: s.Name, Kind: word(s.Kind.String(), "SPAN_KIND_"),
					TraceID: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId), ParentID: hex.EncodeToString(s.ParentSpanId),
					Status: word(cmp.Or(s.GetStatus().GetCode(), trace.Status_STATUS_CODE_UNSET).String(), "STATUS_CODE_"), Message: s.GetStatus().GetMessage(),
					Attributes: values(s.Attributes), Resource: resource, Scope: by.GetScope().GetName(), State: s.TraceState,
					Start: time.Unix(0, int64(s.StartTimeUnixNano)), End: time.Unix(0, int64(s.EndTimeUnixNano)), //nolint:gosec // they fit
				}
				c.spans = append(c.spans, span)
				if c.told != nil {
					c.told(span)
				}
			}
		}
	}
}

func word(text, prefix string) string { return strings.ToLower(strings.TrimPrefix(text, prefix)) }

func values(attributes []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range attributes {
		all[a.Key] = value(a.Value)
	}
	return all
}

func value(v *common.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_IntValue:
		return fmt.Sprint(v.IntValue)
	case *common.AnyValue_ArrayValue:
		var all []string
		for _, element := range v.ArrayValue.Values {
			all = append(all, value(element))
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	return v.String()
}

// Spans are those that have come, in the order of their starts.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	spans := slices.Clone(c.spans)
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return spans
}

// Wait waits until so many have come.
func (c *Collector) Wait(t testing.TB, n int) []Span {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if spans := c.Spans(); len(spans) >= n {
			return spans
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %d spans; these came: %+v", n, c.Spans())
		}
	}
}

// Forget forgets the spans that have come.
func (c *Collector) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans = nil
}
