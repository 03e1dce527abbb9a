package tracing

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/lbtest/balancer"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/middleware"
	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a load balancer in front of one service, that tells a collector.
type rig struct {
	*tracingtest.Collector
	t       *testing.T
	url     string
	tracer  *Tracer
	log     *lockedText
	flush   func() // ends the tracer
	clients http.Transport
}

// world says what a rig is made of.
type world struct {
	tags []string
	// instances are addresses; an empty one stands for a server that answers with the
	// header it was sent.
	instances []string
	options   func(*Options, *tracingtest.Collector)
	server    func(*lb.ServerOptions)
}

// start starts it all. Spans are sent as soon as they have ended.
func start(t *testing.T, w world) *rig {
	t.Helper()
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	r := &rig{Collector: tracingtest.Start(t, nil), t: t, log: new(lockedText)}
	o := DefaultOptions()
	o.Endpoint, o.SampleRate, o.Version = r.HTTP, 1, "1.2.3"
	o.Logger = slogTo(r.log)
	if w.options != nil {
		w.options(&o, r.Collector)
	}
	r.tracer, r.flush = run(t, o)
	r.url = "http://" + balance(t, w, r.tracer)
	t.Cleanup(r.clients.CloseIdleConnections)
	return r
}

// run runs a tracer until the test is over, or is told to end.
func run(t testing.TB, o Options) (tracer *Tracer, end func()) {
	t.Helper()
	tracer, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = tracer.Run(ctx) })
	end = func() {
		stop()
		running.Wait()
	}
	t.Cleanup(end)
	return tracer, end
}

// balance runs a load balancer with the tracer and returns its address.
func balance(t testing.TB, w world, tracer lb.Tracer) string {
	t.Helper()
	var instances []string
	for _, address := range w.instances {
		if address == "" {
			address = echo(t)
		}
		instances = append(instances, address)
	}
	return balancer.Start(t, w.tags, instances, func(o *lb.ServerOptions) {
		o.Logger, o.Tracer = slogTo(t.Output()), tracer
		o.Table.Middlewares = middleware.NewRegistry()
		if w.server != nil {
			w.server(o)
		}
	})
}

// echo starts a server that answers with what it was told of traces. Its answers
// have the status that the request's X-Answer asks for.
func echo(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Traceparent", "Tracestate", "Baggage"} {
			w.Header()["Got-"+name] = r.Header[name]
		}
		status, err := strconv.Atoi(r.Header.Get("X-Answer"))
		if err != nil {
			status = http.StatusOK
		}
		w.WriteHeader(status)
		io.WriteString(w, "hello")
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// get makes a GET request with header lines ("Name: value").
func (r *rig) get(path string, lines ...string) *http.Response {
	r.t.Helper()
	return r.do(http.MethodGet, path, lines...)
}

func (r *rig) do(method, path string, lines ...string) *http.Response {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("User-Agent", "tester")
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	answer, err := r.clients.RoundTrip(request)
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer
}

// raw sends text on a connection of its own, and reads until that is closed.
func (r *rig) raw(text string) {
	r.t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(nc, text); err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.ReadAll(nc)
}

// of waits for the trace of the request for a path. The span of the request itself
// comes last.
func (r *rig) of(path string) []tracingtest.Span {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		spans := r.Spans()
		i := slices.IndexFunc(spans, func(s tracingtest.Span) bool { return s.Kind == "server" && s.Attributes["url.path"] == path })
		if i >= 0 {
			id := spans[i].TraceID
			return slices.DeleteFunc(spans, func(s tracingtest.Span) bool { return s.TraceID != id })
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain for %s; these came: %+v", path, spans)
		}
	}
}

// byParents are the spans of one trace, each behind the one it is a part of.
func byParents(t *testing.T, spans []tracingtest.Span) (server tracingtest.Span, clients []tracingtest.Span) {
	t.Helper()
	for _, s := range spans {
		if s.Kind == "server" {
			server = s
		}
	}
	for _, s := range spans {
		if s.TraceID != server.TraceID {
			t.Errorf("span %s is of another trace: %+v", s.Name, spans)
		}
		if s.Kind == "client" {
			clients = append(clients, s)
			if s.ParentID != server.ID {
				t.Errorf("span %s is a part of %q, not of %q", s.Name, s.ParentID, server.ID)
			}
		}
	}
	return server, clients
}

// without are the attributes but for those that differ from run to run, which must be
// there, though.
func without(t *testing.T, attributes map[string]string, names ...string) map[string]string {
	t.Helper()
	rest := maps.Clone(attributes)
	for _, name := range names {
		if rest[name] == "" {
			t.Errorf("there is no attribute %s: %v", name, attributes)
		}
		delete(rest, name)
	}
	return rest
}

// lockedText is a text that is written while it is read.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func slogTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
