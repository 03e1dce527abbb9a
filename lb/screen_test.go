package lb

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/listener"
)

func TestRedirectToAnotherListener(t *testing.T) {
	for to, want := range map[string]string{":443": "", ":8443": ":8443"} {
		r := start(t, func(o *ServerOptions) { o.Listeners[0].RedirectTo = to },
			testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
		for request, row := range map[string]struct{ status, location string }{
			"GET /a%20b?c=d HTTP/1.1\r\nHost: shop.test": {"301", "https://shop.test" + want + "/a%20b?c=d"},
			"HEAD / HTTP/1.1\r\nHost: shop.test:8080":    {"301", "https://shop.test" + want + "/"},
			"POST /x HTTP/1.1\r\nHost: shop.test":        {"308", "https://shop.test" + want + "/x"},
			"GET //evil.test HTTP/1.1\r\nHost: a":        {"301", "https://a" + want + "/evil.test"},
			"GET /x HTTP/1.1\r\nHost: [::1]:80":          {"301", "https://[::1]" + want + "/x"},
			"GET / HTTP/1.0\r\nX: y":                     {"400", ""},
		} {
			answer := r.raw(request + "\r\nConnection: close\r\n\r\n")
			if !strings.HasPrefix(answer, "HTTP/1.1 "+row.status+" ") ||
				row.location != "" && !strings.Contains(answer, "Location: "+row.location+"\r\n") {
				t.Errorf("%q: want %s and %q in\n%s", request, row.status, row.location, answer)
			}
		}
	}
}

func TestRedirectByName(t *testing.T) {
	https := listener.Listener{Name: "secure", Address: ":8443", Proto: listener.ProtoHTTPS, CertSource: "x"}
	for to, want := range map[string]string{"https": "8443", "websecure": "8443", "secure": "8443", ":1": "1", "": ""} {
		s := &Server{options: ServerOptions{Listeners: []listener.Listener{{Address: ":80", Proto: listener.ProtoHTTP}, https}}}
		if got, err := s.redirectPort(&listener.Listener{Address: ":80", RedirectTo: to}); got != want || err != nil {
			t.Errorf("%s: %q, error %v; want %q", to, got, err, want)
		}
	}
	for to, other := range map[string]listener.Listener{
		"http": https, "none": https, "web": {Name: "web", Address: ":8080", Proto: listener.ProtoHTTP},
		"free": {Name: "free", Address: ":0", Proto: listener.ProtoHTTPS, CertSource: "x"},
	} {
		s := &Server{options: ServerOptions{Listeners: []listener.Listener{{Address: ":80", Proto: listener.ProtoHTTP}, other}}}
		if got, err := s.redirectPort(&listener.Listener{Address: ":80", RedirectTo: to}); err == nil {
			t.Errorf("%s: %q, want an error", to, got)
		}
	}
}

func TestFieldsWithUnderscores(t *testing.T) {
	address := httpBackend(t, echo)
	for what, want := range map[string]string{"": "X_odd: 1", UnderscoresKeep: "X_odd: 1", UnderscoresDelete: "", UnderscoresReject: "HTTP/1.1 400 "} {
		r := start(t, func(o *ServerOptions) { o.Underscores = what }, testRoute{prefix: "/", backends: []string{address}})
		answer := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX_odd: 1\r\n\r\n")
		if !strings.Contains(answer, want) || want == "" && strings.Contains(answer, "odd") {
			t.Errorf("%s: want %q in\n%s", what, want, answer)
		}
	}
}

func TestEncodedCharacters(t *testing.T) {
	address := httpBackend(t, echo)
	open := start(t, nil, testRoute{prefix: "/", backends: []string{address}})
	strict := start(t, func(o *ServerOptions) { o.RejectEncoded = []string{"slash", "percent"} },
		testRoute{prefix: "/", backends: []string{address}})
	for path, want := range map[string]string{
		"/a": "200", "/a%20b": "200", "/a%3Bb": "200", "/a%2Fb": "400", "/a%2fb": "400", "/a%252Fb": "400", "/a?b=%2F": "200",
	} {
		request := "GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
		if answer := strict.raw(request); !strings.HasPrefix(answer, "HTTP/1.1 "+want+" ") {
			t.Errorf("%s: %.60q, want %s", path, answer, want)
		}
		if answer := open.raw(request); !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
			t.Errorf("%s, nothing rejected: %.60q", path, answer)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	asked := make(chan struct{}, 100)
	address := rawBackend(t, func(head string, conn net.Conn, r *bufio.Reader) {
		asked <- struct{}{}
		body, _ := io.ReadAll(io.LimitReader(r, 10))
		if strings.Contains(head, "Content-Length: 10") && len(body) == 10 {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	r := start(t, func(o *ServerOptions) { o.MaxBodyBytes = 10 }, testRoute{prefix: "/", backends: []string{address}})
	for body, want := range map[string]string{
		"Content-Length: 10\r\n\r\n0123456789":                            "200",
		"Content-Length: 11\r\n\r\n01234567890":                           "413",
		"Content-Length: 11\r\nExpect: 100-continue\r\n\r\n":              "413", // unasked
		"Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n": "413",
	} {
		answer := r.raw("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + body)
		if !strings.HasPrefix(answer, "HTTP/1.1 "+want+" ") {
			t.Errorf("%q: %.200q, want %s", body, answer, want)
		}
	}
	if n := len(asked); n > 2 {
		t.Errorf("the upstream saw %d requests, want none whose length was known to be too much", n)
	}
}

func TestLimitsOverHTTP2(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, certFile, keyFile, "shop.test")
	r := start(t, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "https", CertFile: certFile, KeyFile: keyFile}}
		o.MaxBodyBytes, o.MaxHeaderFields, o.MaxRequests = 10, 20, 3
	}, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	dials := 0
	transport := &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	transport.DialTLSContext = func(_ context.Context, network, address string) (net.Conn, error) {
		dials++
		return tls.Dial(network, address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	}
	defer transport.CloseIdleConnections()
	send := func(body io.Reader, fields int) int {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, "https://"+r.addr+"/", body)
		if err != nil {
			t.Fatal(err)
		}
		for i := range fields {
			req.Header.Set("X-"+strings.Repeat("a", i+1), "y")
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		if resp.ProtoMajor != 2 {
			t.Errorf("spoken was %s", resp.Proto)
		}
		return resp.StatusCode
	}
	for i := range 7 {
		if status := send(strings.NewReader("0123456789"), 1); status != 200 {
			t.Errorf("request %d: %d", i, status)
		}
	}
	if dials != 3 {
		t.Errorf("%d connections for 7 requests, want 3", dials)
	}
	if status := send(strings.NewReader("01234567890"), 1); status != 413 {
		t.Errorf("a body too large: %d", status)
	}
	if status := send(io.MultiReader(strings.NewReader("01234567890")), 1); status != 413 {
		t.Errorf("a body of unknown length, too large: %d", status)
	}
	if status := send(nil, 30); status != 431 {
		t.Errorf("too many fields: %d", status)
	}
}

func TestBusyTarget(t *testing.T) {
	let, entered := make(chan struct{}), make(chan struct{})
	address := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-let
	})
	r := start(t, func(o *ServerOptions) { o.MaxConnsPerTarget, o.TargetWait = 1, 1 },
		testRoute{prefix: "/one", backends: []string{address}},
		testRoute{prefix: "/two", backends: []string{address, httpBackend(t, echo)}})
	busy := func() uint64 {
		for _, m := range r.Metrics().Targets {
			if m.Target == "http://"+address {
				return m.Busy
			}
		}
		return 0
	}
	first := hold(t, r.addr)
	io.WriteString(first, "GET /one HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	<-entered
	answer := r.raw("GET /one HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 503 ") || !strings.Contains(answer, "Retry-After: 1\r\n") {
		t.Errorf("the target is busy: %q", answer)
	}
	if n := busy(); n != 1 || r.Metrics().Retries != 0 {
		t.Errorf("a request waited %d times in vain for the only target, want once", n)
	}
	for range 2 { // each of the targets has its turn
		if status, _ := r.get("/two"); status != http.StatusOK {
			t.Errorf("beside a target that is free: %d", status)
		}
		eventually(t, "it is free again", func() bool { return r.inFlight() == 1 })
	}
	if n := r.Metrics().Retries; busy() != 2 || n != 1 {
		t.Errorf("%d tries at the other target, want 1", n)
	}
	close(let)
	if rest, _ := io.ReadAll(first); !strings.HasPrefix(string(rest), "HTTP/1.1 200 ") {
		t.Errorf("the first: %q", rest)
	}
	if n := r.Metrics().UpstreamErrors; n != 0 {
		t.Errorf("%d errors of the target are counted, but it has only much to do", n)
	}
}
