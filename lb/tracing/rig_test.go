package tracing

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/middleware"
	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
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
	source := watchtest.New()
	var instances []watch.Instance
	for i, address := range w.instances {
		if address == "" {
			address = echo(t)
		}
		host, port, _ := net.SplitHostPort(address)
		number, _ := strconv.Atoi(port)
		instances = append(instances, watch.Instance{
			Node:    watch.NodeInfo{Name: "n", Address: host},
			Service: watch.ServiceInfo{ID: "app" + strconv.Itoa(i), Name: "app", Tags: w.tags, Port: number},
		})
	}
	source.Set(watch.Services{}, []watch.ServiceTags{{Name: "app", Tags: w.tags}})
	source.Set(watch.Health{Service: "app"}, instances)
	wo := watch.DefaultOptions()
	wo.Logger = slog.New(slog.DiscardHandler)
	watcher := watch.New(wo, source)
	so := lb.DefaultServerOptions()
	so.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Name: "web", Proto: "http"}}
	so.Logger, so.Tracer = slogTo(t.Output()), tracer
	so.Table.Middlewares = middleware.NewRegistry()
	if w.server != nil {
		w.server(&so)
	}
	s, err := lb.New(so, watcher)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { watcher.Run(ctx) })
	parts.Go(func() { s.Run(ctx) })
	t.Cleanup(func() {
		stop()
		parts.Wait()
	})
	lbtest.Eventually(t, "the catalog is read", s.Ready)
	return s.Addrs()["web"].String()
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
