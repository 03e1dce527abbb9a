package lb

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/capture"
	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/accesslog"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// loggedRig is a rig with an access log.
type loggedRig struct {
	*rig
	text capture.Buffer
}

func startLogged(t testing.TB, change func(*ServerOptions), o accesslog.Options, routes ...testRoute) *loggedRig {
	t.Helper()
	r := &loggedRig{}
	o.Target, o.Stdout, o.Logger = accesslog.Stdout, &r.text, slog.New(slog.DiscardHandler)
	log, err := accesslog.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- log.Run(ctx) }()
	t.Cleanup(func() { // after the server's
		cancel()
		<-ended
	})
	r.rig = start(t, func(o *ServerOptions) {
		o.AccessLog = log
		if change != nil {
			change(o)
		}
	}, routes...)
	return r
}

// line waits for the only line there is so far beyond skip others.
func (r *loggedRig) line(skip int) map[string]any {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("there are %d lines", skip+1), func() bool { return strings.Count(r.text.String(), "\n") > skip })
	lines := strings.Split(r.text.String(), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[skip]), &line); err != nil {
		r.t.Fatalf("%v: %s", err, lines[skip])
	}
	return line
}

func (r *loggedRig) check(skip int, want map[string]any) {
	r.t.Helper()
	line := r.line(skip)
	for name, value := range want {
		if got := line[name]; fmt.Sprint(got) != fmt.Sprint(value) {
			r.t.Errorf("%s is %v, want %v, in %v", name, got, value, line)
		}
	}
}

func TestEveryRequestHasALine(t *testing.T) {
	ok := httpBackend(t, echo)
	down := lbtest.Refusing(t)
	r := startLogged(t, nil, accesslog.Options{Format: "json"},
		testRoute{prefix: "/ok", backends: []string{ok}},
		testRoute{prefix: "/down", backends: []string{down}},
		testRoute{prefix: "/none"},
		testRoute{prefix: "/slash", backends: []string{ok}, change: func(r *Route) { r.SlashPaths = []string{"/slash/"} }},
	)
	const end = " HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n"
	tests := []struct {
		request string
		want    map[string]any
	}{
		{"POST /ok/%41?q=1" + end + "User-Agent: x\"y\r\nContent-Length: 5\r\n\r\nhello", map[string]any{
			"status": 200, "method": "POST", "path": "/ok/%41", "query": "q=1", "protocol": "HTTP/1.1", "scheme": "http", "host": "shop.test",
			"user_agent": `x"y`, "request_bytes": 5, "route": "/ok", "dialect": "fabio", "service": "test", "tries": 1,
			"target": "http://" + ok, "target_status": 200, "target_path": "/ok/%41", "error": nil,
		}},
		{"POST /ok" + end + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n", map[string]any{"status": 200, "request_bytes": 8}},
		{"HEAD /ok" + end + "\r\n", map[string]any{"status": 200, "method": "HEAD", "response_bytes": 0}},
		{"GET /else" + end + "\r\n", map[string]any{"status": 404, "route": nil, "target": nil, "tries": 0, "response_bytes": 19}},
		{"GET /none" + end + "\r\n", map[string]any{"status": 503, "route": "/none", "target": nil, "error": "no instance is healthy"}},
		{"GET /down" + end + "\r\n", map[string]any{"status": 502, "target": "http://" + down, "target_status": nil, "tries": 2}},
		{"GET /slash" + end + "\r\n", map[string]any{"status": 301, "tries": 0}},
		{"OPTIONS *" + end + "\r\n", map[string]any{"status": 200, "path": "*"}},
		{"GET /a b" + end + "Authorization: planted\r\n\r\n", map[string]any{"status": 400, "line": "GET /a b HTTP/1.1", "scheme": "http", "host": nil}},
		{"CONNECT shop.test:80" + end + "\r\n", map[string]any{"status": 405, "line": "CONNECT shop.test:80 HTTP/1.1"}},
		{"\x16\x03\x01", map[string]any{"status": 400, "line": "\x16\x03\x01"}},
	}
	for i, tt := range tests {
		answer := r.raw(tt.request)
		r.check(i, tt.want)
		status := fmt.Sprint(tt.want["status"])
		if !strings.HasPrefix(answer, "HTTP/1.1 "+status) {
			t.Errorf("%q is answered %q, but logged as %s", tt.request, answer, status)
		}
	}
	if strings.Contains(r.text.String(), "planted") {
		t.Errorf("a secret shows in %s", r.text.String())
	}
	for _, name := range []string{"duration_ms", "target_wait_ms", "target_took_ms", "response_bytes"} {
		if value, ok := r.line(0)[name].(float64); !ok || value <= 0 {
			t.Errorf("%s is %v", name, r.line(0)[name])
		}
	}
	// The counters tell the same.
	m := r.Metrics()
	e := m.Entrypoints[0]
	if want := [6]uint64{0, 0, 4, 1, 4, 2}; e.Classes != want || e.Received != 13 || e.Refused["method"] != 2 || e.Refused["target"] != 1 {
		t.Errorf("%+v, want classes %v", e, want)
	}
	var routed uint64
	for _, route := range m.Routes {
		routed += route.Received
	}
	if routed != 13 {
		t.Errorf("%d bytes of requests by route, want 13", routed)
	}
}

func TestRetriesAreLogged(t *testing.T) {
	r := startLogged(t, nil, accesslog.Options{Format: "json", Filter: accesslog.Filter{Retried: true}},
		testRoute{prefix: "/", backends: []string{lbtest.Refusing(t), httpBackend(t, echo)}})
	r.get("/")
	r.get("/")
	r.check(0, map[string]any{"status": 200, "tries": 2, "target_status": 200})
	eventually(t, "both are counted", func() bool { return r.Metrics().InFlight == 0 })
	failures := uint64(0)
	for _, target := range r.Metrics().Targets {
		failures += target.Failures
	}
	if failures != 1 || strings.Count(r.text.String(), "\n") != 1 {
		t.Errorf("%d failures, log %s", failures, r.text.String())
	}
}

func TestClientGoneIsLogged(t *testing.T) {
	asked := make(chan struct{})
	mute := rawBackend(t, func(_ string, _ net.Conn, r *bufio.Reader) {
		close(asked)
		_, _ = r.ReadByte() // until it is closed
	})
	r := startLogged(t, nil, accesslog.Options{Format: "json"}, testRoute{prefix: "/", backends: []string{mute}})
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET /left HTTP/1.1\r\nHost: shop.test\r\n\r\n")
	<-asked
	conn.Close()
	r.check(0, map[string]any{"status": 499, "path": "/left", "target_status": nil})
}

func TestUpgradesAreLogged(t *testing.T) {
	backend := rawBackend(t, func(_ string, conn net.Conn, r *bufio.Reader) {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Backend: here\r\n\r\n")
		word := make([]byte, 4)
		io.ReadFull(r, word)
		io.WriteString(conn, "hello")
	})
	r := startLogged(t, nil, accesslog.Options{Format: "json", Headers: accesslog.Modes{Keep: []string{"X-Backend", "X-Client"}}},
		testRoute{prefix: "/", backends: []string{backend}})
	answer := r.raw("GET /ws HTTP/1.1\r\nHost: shop.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Client: there\r\n\r\nping")
	if !strings.HasSuffix(answer, "hello") {
		t.Fatalf("%q", answer)
	}
	r.check(0, map[string]any{
		"status": 101, "path": "/ws", "request_bytes": 4, "response_bytes": 5, "target_status": 101,
		"request_headers": map[string]any{"X-Client": "there"}, "target_headers": map[string]any{"X-Backend": "here"},
	})
}

// What is shown of a request is what was sent, not what was forwarded; and what
// is shown of an answer what was, though its memory is used for another one.
func TestHeadersAreLoggedAsSent(t *testing.T) {
	r := startLogged(t, nil, accesslog.Options{Format: "json", Headers: accesslog.Modes{Keep: []string{"X-Answer", "X-Forwarded-For"}}},
		testRoute{prefix: "/", backends: []string{answering(t)}})
	for i := range 3 {
		r.askAs(i)
		to := map[string]any{"X-Answer": fmt.Sprintf("to /%d", i)}
		r.check(i, map[string]any{
			"request_headers": map[string]any{"X-Forwarded-For": "192.0.2.99"}, "target_headers": to, "response_headers": to,
		})
	}
}

// answering tells in a field which path it was asked for.
func answering(t *testing.T) string {
	return httpBackend(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Answer", "to "+r.URL.Path) })
}

// askAs asks in the name of somebody else.
func (r *loggedRig) askAs(i int) {
	r.t.Helper()
	answer := r.raw(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-For: 192.0.2.99\r\nConnection: close\r\n\r\n", i))
	if !strings.Contains(answer, "200 OK") {
		r.t.Fatal(answer)
	}
}

// In Traefik's format it is what was forwarded, without what strangers say of
// whom they speak for.
func TestHeadersAreLoggedAsForwarded(t *testing.T) {
	for _, tt := range []struct {
		trusted    []netip.Prefix
		forwarded  any
		clientHost string
	}{
		{nil, nil, "127.0.0.1"},
		{[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "192.0.2.99", "192.0.2.99"},
	} {
		r := startLogged(t, func(o *ServerOptions) { o.TrustedProxies = tt.trusted },
			accesslog.Options{Format: "traefik-json", Headers: accesslog.Modes{Default: "keep"}},
			testRoute{prefix: "/", backends: []string{answering(t)}})
		for i := range 3 {
			r.askAs(i)
			to := fmt.Sprintf("to /%d", i)
			r.check(i, map[string]any{
				"request_X-Forwarded-For": tt.forwarded, "ClientHost": tt.clientHost, "request_X-Forwarded-Host": "shop.test",
				"request_Host": nil, "request_Connection": nil,
				"origin_X-Answer": to, "origin_Content-Length": "0", "downstream_X-Answer": to, "downstream_Content-Length": "0",
				"RouterName": "/@fabio", "ServiceName": "test@fabio", "RequestCount": i + 1, "OriginStatus": 200,
			})
		}
	}
}

func TestHTTP2IsLogged(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, "shop.test")
	r := startLogged(t, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{{Name: "web", Address: "127.0.0.1:0", Proto: "https", CertFile: cert, KeyFile: key}}
	}, accesslog.Options{Format: "json", Headers: accesslog.Modes{Keep: []string{"Content-Type"}}},
		testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := (&http.Client{Transport: transport}).Post("https://"+r.addr+"/a%2Fb?c", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	r.check(0, map[string]any{
		"status": 200, "protocol": "HTTP/2.0", "scheme": "https", "entrypoint": "web", "tls_version": "1.3", "path": "/a%2Fb", "query": "c",
		"request_bytes": 5, "response_bytes": len(body), "request_headers": map[string]any{"Content-Type": "text/plain"}, "tries": 1,
	})
	if n := r.Metrics().Entrypoints[0].Connections; n != 1 {
		t.Errorf("%d connections are open, want 1", n)
	}

	// A handshake that fails has no line, but a counter.
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n")
	conn.Close()
	eventually(t, "the failed handshake is counted", func() bool { return r.Metrics().Entrypoints[0].HandshakeErrors == 1 })
}

// Without an access log, operators hear of refused requests now and then.
func TestRefusedRequestsAreToldOfNowAndThen(t *testing.T) {
	var text capture.Buffer
	r := start(t, func(o *ServerOptions) { o.Logger = slog.New(slog.NewTextHandler(&text, nil)) },
		testRoute{prefix: "/", backends: []string{lbtest.Refusing(t)}})
	for range 3 {
		r.raw("GET /a b HTTP/1.1\r\nAuthorization: planted\r\n\r\n")
	}
	log := text.String()
	if strings.Count(log, "request refused") != 1 || !strings.Contains(log, "reason=target") || !strings.Contains(log, "remote=127.0.0.1:") ||
		strings.Contains(log, "planted") {
		t.Error(log)
	}
}

// Counters are the same in the next table, and those of routes that are gone are
// forgotten.
func TestCountersOutliveTables(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/a", backends: []string{httpBackend(t, echo)}}, testRoute{prefix: "/b"})
	r.get("/a")
	r.get("/b")
	of := func(name string) (n uint64) {
		for _, m := range r.Metrics().Routes {
			if m.Route == name {
				n += m.Classes[2] + m.Classes[5]
			}
		}
		return n
	}
	eventually(t, "both are counted", func() bool { return of("/a") == 1 && of("/b") == 1 })
	was := r.Table()
	r.put(tableOf(r.targets, []testRoute{{prefix: "/a", backends: []string{lbtest.Refusing(t)}}}))
	r.get("/a")
	eventually(t, "the second is counted", func() bool { return of("/a") == 2 })
	if r.Table() == was || of("/b") != 0 {
		t.Errorf("%+v", r.Metrics().Routes)
	}
}
