package lb

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

func TestAnswers503UntilTheCatalogWasRead(t *testing.T) {
	r := start(t, nil)
	got := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	for _, want := range []string{"HTTP/1.1 503 ", "\r\nRetry-After: 1\r\n", "the service catalog has not been read yet"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q, want %q in it", got, want)
		}
	}
	if r.Ready() || r.Table() != nil {
		t.Error("ready without a table")
	}
}

func TestListensOnAllOrNone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	o := DefaultServerOptions()
	o.Listeners = []listener.Listener{
		{Name: "first", Address: "127.0.0.1:0", Proto: "http"},
		{Address: taken.Addr().String(), Proto: "http"},
	}
	s, err := New(o, watch.New(watch.DefaultOptions()))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context())
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("error %v, want one that names the address in use", err)
	}
	if len(s.Addrs()) != 0 {
		t.Errorf("still listening on %v", s.Addrs())
	}
}

func TestOptionsAreChecked(t *testing.T) {
	o := ServerOptions{Listeners: []listener.Listener{{Name: "a"}, {Name: "a"}}}
	_, err := New(o, nil)
	for _, want := range []string{`two listeners are named "a"`, "header timeout", "drain timeout", "header limit", "idle connections", "logger"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	if err := DefaultServerOptions().Validate(); err == nil || err.Error() != "no listener is given" {
		t.Errorf("the defaults lack %v, want a listener alone", err)
	}
}

func TestSlowHeadersAreCutAndDelayNobody(t *testing.T) {
	r := start(t, func(o *ServerOptions) { o.Timeouts.Header = time.Second },
		testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	slow, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	io.WriteString(slow, "GET / HTTP/1.1\r\nHost: h\r\nX-")
	if status, _ := r.get("/"); status != http.StatusOK {
		t.Errorf("status %d beside a slow client", status)
	}
	slow.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadAll(slow); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the slow connection was not closed: %v", err)
	}
}

func TestStalledBodyIsA408(t *testing.T) {
	r := start(t, func(o *ServerOptions) { o.Timeouts.Read = 50 * time.Millisecond },
		testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	got := r.raw("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
	if !strings.HasPrefix(got, "HTTP/1.1 408 ") {
		t.Errorf("%q, want a 408", got)
	}
}

func TestKilledBackendCostsNoRequest(t *testing.T) {
	steady := httpBackend(t, echo)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	victim := &http.Server{Handler: http.HandlerFunc(echo)}
	go victim.Serve(l)
	defer victim.Close()
	r := start(t, nil, testRoute{prefix: "/", backends: []string{steady, l.Addr().String()}})
	c := client(t)
	var done, failed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 75 {
				resp, err := c.Get(r.url("/x"))
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					failed.Add(1)
				}
				if done.Add(1) == 100 {
					victim.Close()
				}
			}
		})
	}
	wg.Wait()
	if failed.Load() != 0 || r.Metrics().Retries == 0 {
		t.Errorf("%d of %d requests failed with %d retries, want none with some", failed.Load(), done.Load(), r.Metrics().Retries)
	}
}

func TestEncodedSlashDoesNotGetRoundARoute(t *testing.T) {
	address := httpBackend(t, echo)
	byPriority := func(e match.Expr, priority int) func(*Route) {
		return func(r *Route) {
			r.Match = e
			r.Precedence = match.Precedence{Class: match.ByPriority, Priority: priority, Name: r.Name}
		}
	}
	r := start(t, nil,
		testRoute{prefix: "admin", backends: []string{address}, change: byPriority(match.PathPrefix{Text: "/admin/", Routing: true}, 9)},
		testRoute{prefix: "all", backends: []string{address}, change: byPriority(match.PathPrefix{Text: "/", Routing: true}, 1)},
		testRoute{prefix: "exact", backends: []string{address}, change: byPriority(match.Path{Text: "/a%2Fb", Routing: true}, 5)},
	)
	for path, want := range map[string]int{
		"/admin/x":   http.StatusOK,
		"/admin%2fx": http.StatusBadRequest,
		"/other%2fx": http.StatusOK,
		"/a%2Fb":     http.StatusOK,
	} {
		if status, _ := r.get(path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
}

func TestCurlIsServed(t *testing.T) {
	curl := parts.Path(t, "curl")
	r := start(t, nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"get", nil, "GET /x?y\n"},
		{"head", []string{"-I"}, "HTTP/1.1 200 OK"},
		{"upload of unknown length", []string{"-T", "-", "-H", "Expect: 100-continue"}, "\n\nstdin"},
		{"post", []string{"-d", "field=1"}, "\n\nfield=1"},
		{"1.0", []string{"-0"}, "GET /x?y\n"},
		{"dots kept", []string{"--path-as-is"}, "GET /x?y\n"},
	} {
		url := r.url("/x?y")
		if tc.name == "dots kept" {
			url = r.url("/a/../x?y")
		}
		cmd := exec.CommandContext(t.Context(), curl, append([]string{"-sS", "--max-time", "20", url}, tc.args...)...)
		cmd.Stdin = strings.NewReader("stdin")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), tc.want) {
			t.Errorf("%s: %v, want %q in\n%s", tc.name, err, tc.want, out)
		}
	}
}

func TestAPanicCostsOneRequest(t *testing.T) {
	r := start(t, func(o *ServerOptions) { o.Logger = slog.New(slog.DiscardHandler) },
		testRoute{prefix: "/bad", backends: nil, change: func(r *Route) {
			// Targets without connections are not to be had from a server.
			key := target.Key{Scheme: "http", Address: "127.0.0.1:1"}
			r.Pool = target.NewRegistry(nil).Pool("bad", []target.Member{{Key: key, Weight: 1}}, target.Policy{})
		}},
		testRoute{prefix: "/good", backends: []string{httpBackend(t, echo)}})
	if status, _ := r.get("/bad"); status != http.StatusBadGateway {
		t.Errorf("status %d, want 502", status)
	}
	if status, _ := r.get("/good"); status != http.StatusOK || r.Metrics().Panics != 1 {
		t.Errorf("status %d after %d panics, want 200 after 1", status, r.Metrics().Panics)
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/a", backends: []string{httpBackend(t, echo)}}, testRoute{prefix: "/none"})
	for _, path := range []string{"/a", "/a/b", "/none", "/nowhere"} {
		r.get(path)
	}
	eventually(t, "all exchanges are counted", func() bool { return r.Metrics().InFlight == 0 })
	got := map[string][6]uint64{}
	for _, m := range r.Metrics().Routes {
		got[m.Route] = m.Classes
		var sum uint64
		for _, n := range m.Buckets {
			sum += n
		}
		if total := slices.Max(m.Classes[:]); sum != total || len(m.Buckets) != len(m.Bounds)+1 {
			t.Errorf("%q: %d durations for %d answers", m.Route, sum, total)
		}
	}
	if got["/a"][2] != 2 || got["/none"][5] != 1 || got[""][4] != 1 {
		t.Errorf("counted %v", got)
	}
}

// Who sees no exchange in flight finds all of them counted and logged.
func TestExchangesAreInFlightUntilTheyAreLogged(t *testing.T) {
	var s *Server
	inFlight := make(chan int64, 1)
	r := start(t, func(o *ServerOptions) {
		usual := o.Logger.Handler()
		o.Logger = slog.New(watchedLog{usual, func(message string) {
			if message == "request failed" {
				inFlight <- s.inFlight()
			}
		}})
	}, testRoute{prefix: "/none"})
	s = r.Server
	r.get("/none")
	if n := <-inFlight; n != 1 {
		t.Errorf("%d exchanges are in flight while one is logged", n)
	}
}

// watchedLog tells of each message before it is logged.
type watchedLog struct {
	slog.Handler
	tell func(message string)
}

func (w watchedLog) Handle(ctx context.Context, record slog.Record) error {
	w.tell(record.Message)
	return w.Handler.Handle(ctx, record)
}

func TestRunEndsWithItsContextWithoutAnyTraffic(t *testing.T) {
	o := DefaultServerOptions()
	o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "http"}}
	o.Logger = slog.New(slog.DiscardHandler)
	s, err := New(o, watch.New(watch.DefaultOptions()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}
