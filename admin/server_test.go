package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server until the test ends, and checks that it ends well.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// ask sends one request in a connection of its own.
func ask(t *testing.T, s *Server, method, target, host string, header ...string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial(s.Addr().Network(), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if host == "" {
		host = "localhost"
	}
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: " + host, "Connection: close"}, header...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// everything is a server that has all there is.
func everything() Options {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "sluice_tests_total", Help: "Tests."})
	registry.MustRegister(counter)
	return Options{
		Ready:     func() Readiness { return Readiness{Ready: true} },
		Routes:    func() any { return []string{"<script>"} },
		Problems:  func() any { return map[string]int{"a": 1} },
		Templates: func() any { return []string{} },
		Watches:   func() any { return nil },
		Explain: func(method, url string, header http.Header) (any, error) {
			if url == "bad" {
				return nil, errors.New("bad is no URL")
			}
			return []any{method, url, header}, nil
		},
		Gatherer: registry,
		Version:  "<v1>",
	}
}

func TestEndpoints(t *testing.T) {
	s := start(t, everything())
	const asJSON, asProblem, asText = "application/json", "application/problem+json", "text/plain; charset=utf-8"
	tests := []struct {
		target      string
		status      int
		contentType string
		body        string
	}{
		{"/healthz", 200, asText, "ok\n"},
		{"/healthz?x=1", 200, asText, "ok\n"},
		{"/readyz", 200, asText, "ready\n"},
		{"/api/routes", 200, asJSON, "[\n  \"\\u003cscript\\u003e\"\n]\n"},
		{"/api/problems", 200, asJSON, "{\n  \"a\": 1\n}\n"},
		{"/api/templates", 200, asJSON, "[]\n"},
		{"/api/watches", 200, asJSON, "null\n"},
		{"/api/explain?url=http://a/b%3Fc", 200, asJSON, "[\n  \"GET\",\n  \"http://a/b?c\",\n  {}\n]\n"},
		{"/api/explain?url=/&method=PUT&header=X-A:+1&header=x-a:2", 200, asJSON,
			"[\n  \"PUT\",\n  \"/\",\n  {\n    \"X-A\": [\n      \"1\",\n      \"2\"\n    ]\n  }\n]\n"},
		{"/api/explain?url=bad", 400, asProblem,
			"{\n  \"title\": \"Bad Request\",\n  \"status\": 400,\n  \"detail\": \"bad is no URL\"\n}\n"},
	}
	for _, tt := range tests {
		answer, body := ask(t, s, "GET", tt.target, "")
		if answer.StatusCode != tt.status || answer.Header.Get("Content-Type") != tt.contentType {
			t.Errorf("%s: %d, %s", tt.target, answer.StatusCode, answer.Header.Get("Content-Type"))
		}
		if diff := cmp.Diff(tt.body, body); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.target, diff)
		}
		if answer, body := ask(t, s, "HEAD", tt.target, ""); answer.StatusCode != tt.status || body != "" {
			t.Errorf("HEAD %s: %d, %q", tt.target, answer.StatusCode, body)
		}
	}
	if _, body := ask(t, s, "GET", "/metrics", ""); !strings.Contains(body, "sluice_tests_total 0\n") {
		t.Errorf("/metrics: %s", body)
	}
	for _, target := range []string{"/api/explain", "/api/explain?url=a&header=nocolon", "/api/explain?url=a&header=:x"} {
		if answer, body := ask(t, s, "GET", target, ""); answer.StatusCode != 400 || !strings.Contains(body, "parameter") {
			t.Errorf("%s: %d, %s", target, answer.StatusCode, body)
		}
	}
}

func TestReadiness(t *testing.T) {
	tests := []struct {
		name   string
		r      Readiness
		status int
		text   string
		json   readinessJSON
	}{
		{"waiting", Readiness{Reasons: []string{"service web: connection refused", "no table yet"}}, 503,
			"not ready\nservice web: connection refused\nno table yet\n",
			readinessJSON{Status: "not ready", Reasons: []string{"service web: connection refused", "no table yet"}}},
		{"stale", Readiness{Ready: true, Stale: 12*time.Second + 300*time.Millisecond, StaleReason: "services: connection refused"}, 200,
			"ready\nstale for 12s: services: connection refused\n",
			readinessJSON{Status: "ready", Ready: true, StaleSeconds: 12.3, StaleReason: "services: connection refused", Reasons: []string{}}},
		{"just stale", Readiness{Ready: true, Stale: 1500 * time.Microsecond, StaleReason: "x"}, 200,
			"ready\nstale for 2ms: x\n",
			readinessJSON{Status: "ready", Ready: true, StaleSeconds: 0.0015, StaleReason: "x", Reasons: []string{}}},
		{"draining", Readiness{Ready: true, Draining: true}, 503,
			"draining\n",
			readinessJSON{Status: "draining", Draining: true, Reasons: []string{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{Ready: func() Readiness { return tt.r }})
			answer, text := ask(t, s, "GET", "/readyz", "")
			if answer.StatusCode != tt.status || text != tt.text {
				t.Errorf("%d, %q", answer.StatusCode, text)
			}
			_, queried := ask(t, s, "GET", "/readyz?format=json", "")
			answer, accepted := ask(t, s, "GET", "/readyz", "", "Accept: application/json")
			if answer.StatusCode != tt.status || queried != accepted {
				t.Errorf("%d, %s, %s", answer.StatusCode, queried, accepted)
			}
			var got readinessJSON
			if err := json.Unmarshal([]byte(accepted), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.json, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUnknownPathListsThePaths(t *testing.T) {
	s := start(t, everything())
	want := []string{"/", "/healthz", "/health", "/readyz", "/api/routes", "/api/problems", "/api/templates", "/api/watches", "/api/explain", "/metrics"}
	for _, target := range []string{"/nope", "/healthz/", "/api", "/API/routes", "//healthz", "/x/../healthz", "/debug/pprof/"} {
		answer, body := ask(t, s, "GET", target, "")
		var p problem
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatalf("%s: %v in %s", target, err, body)
		}
		if answer.StatusCode != 404 || p.Status != 404 || answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d, %+v", target, answer.StatusCode, p)
		}
		if !slices.Equal(p.Paths, want) {
			t.Errorf("%s: %q", target, p.Paths)
		}
	}
}

// What the program has not got has no path.
func TestPathsWithoutSourceDoNotExist(t *testing.T) {
	s := start(t, Options{})
	for _, target := range []string{"/readyz", "/api/routes", "/api/problems", "/api/templates", "/api/watches", "/api/explain?url=a", "/metrics"} {
		if answer, _ := ask(t, s, "GET", target, ""); answer.StatusCode != 404 {
			t.Errorf("%s: %d", target, answer.StatusCode)
		}
	}
}

func TestOnlyReading(t *testing.T) {
	s := start(t, everything())
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"} {
		answer, body := ask(t, s, method, "/healthz", "", "Content-Length: 0")
		if answer.StatusCode != 405 || answer.Header.Get("Allow") != "GET, HEAD" || !strings.Contains(body, `"status": 405`) {
			t.Errorf("%s: %d, %s", method, answer.StatusCode, body)
		}
	}
}

func TestReleasingTheGuard(t *testing.T) {
	released := 0
	o := everything()
	o.Guard = func() any { return []int{released} }
	o.ReleaseGuard = func() bool { released++; return true }
	s := start(t, o)
	for _, test := range []struct {
		method, target string
		status         int
		header         []string
	}{
		{"GET", "/api/guard", 200, nil},
		{"POST", "/api/guard", 405, []string{"Content-Type: application/json"}},
		{"GET", "/api/guard/release", 405, nil},
		{"POST", "/api/guard/release", 403, nil},
		{"POST", "/api/guard/release", 403, []string{"Content-Type: text/plain"}},
		{"POST", "/api/guard/release", 403, []string{"Content-Type: application/x-www-form-urlencoded"}},
		{"POST", "/api/guard/release", 403, []string{"Content-Type: application/json", "Origin: http://evil.example"}},
		{"POST", "/api/guard/release", 403, []string{"Content-Type: application/json", "Origin: null"}},
		{"POST", "/api/guard/release", 403, []string{"Content-Type: application/json", "Sec-Fetch-Site: same-site"}},
	} {
		if answer, body := ask(t, s, test.method, test.target, "", append(test.header, "Content-Length: 0")...); answer.StatusCode != test.status || released > 0 {
			t.Errorf("%s %s %q: %d %s", test.method, test.target, test.header, answer.StatusCode, body)
		}
	}
	answer, body := ask(t, s, "POST", "/api/guard/release", "", "Content-Type: application/json", "Content-Length: 0")
	if answer.StatusCode != 200 || released != 1 || !strings.Contains(body, `"released": true`) {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
}

func TestSecurityHeaders(t *testing.T) {
	s := start(t, everything())
	for _, c := range []struct{ method, target, host string }{
		{"GET", "/", ""}, {"GET", "/nope", ""}, {"POST", "/", ""}, {"GET", "/", "evil.example"}, {"GET", "/metrics", ""},
	} {
		answer, _ := ask(t, s, c.method, c.target, c.host)
		for name, want := range map[string]string{
			"Content-Security-Policy":      "default-src 'self'",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-store",
		} {
			if got := answer.Header.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%v: %s: %q", c, name, got)
			}
		}
		if got := answer.Header.Values("Access-Control-Allow-Origin"); len(got) > 0 {
			t.Errorf("%v: other origins are let in: %q", c, got)
		}
	}
}

func TestFrontPage(t *testing.T) {
	s := start(t, everything())
	answer, body := ask(t, s, "GET", "/", "")
	if answer.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("type %s", answer.Header.Get("Content-Type"))
	}
	for _, part := range []string{"&lt;v1&gt;", `href="/healthz"`, `href="/readyz"`, `href="/api/explain"`, `href="/metrics"`} {
		if !strings.Contains(body, part) {
			t.Errorf("%s is not in %s", part, body)
		}
	}
	for _, part := range []string{"<v1>", "<script", "style="} {
		if strings.Contains(body, part) {
			t.Errorf("%s is in %s", part, body)
		}
	}
}

// What cannot be encoded is an error, not half an answer.
func TestValueThatIsNoJSON(t *testing.T) {
	s := start(t, Options{Routes: func() any { return []any{1, func() {}} }})
	answer, body := ask(t, s, "GET", "/api/routes", "")
	if answer.StatusCode != 500 || !json.Valid([]byte(body)) {
		t.Errorf("%d, %s", answer.StatusCode, body)
	}
}

// The answer may be lost, since the connection is closed with bytes unread, but
// it is never a good one.
func TestLargeHead(t *testing.T) {
	s := start(t, Options{})
	for size, want := range map[int]string{maxHeaderBytes / 2: "200", 2 * maxHeaderBytes: "431"} {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, sent := fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Large: %s\r\n\r\n", strings.Repeat("a", size))
		answer, received := io.ReadAll(conn)
		conn.Close()
		if !strings.HasPrefix(string(answer), "HTTP/1.1 "+want) && (want == "200" || len(answer) > 0) {
			t.Errorf("%d bytes: %q, %v, %v", size, answer, sent, received)
		}
	}
}

// A request that runs when the server is told to end gets its answer.
func TestRunAnswersWhatItStarted(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	s, err := New(Options{
		Listen: "127.0.0.1:0",
		Logger: slog.New(slog.DiscardHandler),
		Routes: func() any {
			close(asked)
			<-answer
			return "done"
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	got := make(chan string, 1)
	go func() {
		_, body := ask(t, s, "GET", "/api/routes", "")
		got <- body
	}()
	<-asked
	cancel()
	select {
	case err := <-ended:
		t.Fatalf("Run returned before its request: %v", err)
	case <-s.stopped():
	}
	close(answer)
	if body := <-got; body != "\"done\"\n" {
		t.Errorf("%q", body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// stopped is closed once the listener is.
func (s *Server) stopped() <-chan struct{} {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for {
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	return closed
}

func TestMetricsOnly(t *testing.T) {
	s := start(t, Options{Gatherer: everything().Gatherer, MetricsPath: "/numbers", MetricsOnly: true})
	if answer, _ := ask(t, s, "GET", "/", ""); answer.StatusCode != http.StatusPermanentRedirect || answer.Header.Get("Location") != "/numbers" {
		t.Errorf("/: %s, %s", answer.Status, answer.Header.Get("Location"))
	}
	for target, status := range map[string]int{"/numbers": 200, "/metrics": 404, "/api/routes": 404} {
		if answer, _ := ask(t, s, "GET", target, ""); answer.StatusCode != status {
			t.Errorf("%s: %s", target, answer.Status)
		}
	}
}
