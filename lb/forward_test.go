package lb

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestForwardsTheTargetByteForByte(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	for sent, want := range map[string]string{
		"/a%2Fb%20c":           "/a%2Fb%20c",
		"/%61;v=1?a=1;b=%zz&c": "/%61;v=1?a=1;b=%zz&c",
		"/x?":                  "/x?",
		"/x??y=/../z":          "/x??y=/../z",
		"/a//b/../c":           "/a/c",
		"/%252e%252e/x":        "/%252e%252e/x",
		"http://h/abs?q":       "/abs?q",
		"http://h?q":           "/?q",
	} {
		got := r.raw("GET " + sent + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.Contains(got, "\nGET "+want+"\n") {
			t.Errorf("%s: %q, want the target %q", sent, got, want)
		}
	}
}

func TestRefusesWhatHasNoOneMeaning(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	for request, want := range map[string]string{
		"GET /%00 HTTP/1.1\r\nHost: h":                                   "400",
		"GET /% HTTP/1.1\r\nHost: h":                                     "400",
		"GET /a/..%2fb HTTP/1.1\r\nHost: h":                              "400",
		"GET /a#b HTTP/1.1\r\nHost: h":                                   "400",
		"GET /?a#b HTTP/1.1\r\nHost: h":                                  "400",
		"GET / HTTP/1.1\r\nHost: a b":                                    "400",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b":                           "400",
		"GET / HTTP/1.1\r\nHost: h:0":                                    "400",
		"GET / HTTP/1.1":                                                 "400",
		"GET foo HTTP/1.1\r\nHost: h":                                    "400",
		"CONNECT h:443 HTTP/1.1\r\nHost: h:443":                          "405",
		"TRACE / HTTP/1.1\r\nHost: h":                                    "405",
		"OPTIONS * HTTP/1.1\r\nHost: h":                                  "200",
		"GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 40<<10): "431",
	} {
		got := r.raw(request + "\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
			t.Errorf("%.60q: %.200q, want %s", request, got, want)
		}
	}
}

func TestForwardingFieldsOfStrangersAreSetAnew(t *testing.T) {
	spoofed := "X-Forwarded-For: 6.6.6.6\r\nX-Real-Ip: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n" +
		"X-Forwarded-Port: 6\r\nX-Forwarded-Server: evil\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6\r\n" +
		"X_Forwarded_For: 6.6.6.6\r\nConnection: close, X-Forwarded-For, X-Real-Ip\r\n"
	request := "GET / HTTP/1.1\r\nHost: shop.test:8080\r\n" + spoofed + "\r\n"
	address := httpBackend(t, echo)

	stranger := start(t, nil, testRoute{prefix: "/", backends: []string{address}}).raw(request)
	for _, want := range []string{
		"Host: shop.test:8080", "X-Forwarded-For: 127.0.0.1\n", "X-Real-Ip: 127.0.0.1", "X-Forwarded-Proto: http\n",
		"X-Forwarded-Host: shop.test:8080", "X-Forwarded-Port: 8080", "X-Forwarded-Server: lb.test",
		`Forwarded: for=127.0.0.1;by=127.0.0.1;host="shop.test:8080";proto=http`,
	} {
		if !strings.Contains(stranger, want) {
			t.Errorf("from a stranger: want %q in\n%s", want, stranger)
		}
	}
	if strings.Contains(stranger, "6.6.6.6") || strings.Contains(stranger, "evil") {
		t.Errorf("something spoofed came through:\n%s", stranger)
	}

	trusted := start(t, func(o *ServerOptions) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}, testRoute{prefix: "/", backends: []string{address}}).raw(strings.Replace(request, ", X-Forwarded-For, X-Real-Ip", "", 1))
	for _, want := range []string{
		"X-Forwarded-For: 6.6.6.6, 127.0.0.1", "X-Real-Ip: 6.6.6.6", "X-Forwarded-Proto: https",
		"X-Forwarded-Host: evil", "X-Forwarded-Prefix: /evil", "Forwarded: for=6.6.6.6, for=127.0.0.1;",
	} {
		if !strings.Contains(trusted, want) {
			t.Errorf("from a trusted proxy: want %q in\n%s", want, trusted)
		}
	}
}

func TestNothingIsAddedThatAClientDidNotSend(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	got := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUpgrade: h2c\r\nTE: gzip\r\nProxy-Authorization: x\r\n\r\n")
	for _, unwanted := range []string{"User-Agent", "Accept-Encoding", "Upgrade", "Te:", "Proxy-Auth", "Connection: "} {
		head, upstream, _ := strings.Cut(got, "\r\n\r\n")
		if strings.Contains(upstream, unwanted) {
			t.Errorf("%q reached the upstream:\n%s\n%s", unwanted, head, upstream)
		}
	}
}

func TestPathStepsAndHost(t *testing.T) {
	address := httpBackend(t, echo)
	step := func(steps ...spec.Middleware) func(*Route) {
		return func(r *Route) { r.handler = chainOf(t, steps...) }
	}
	r := start(t, nil,
		testRoute{prefix: "/cerebro/", backends: []string{address}, change: step(spec.StripPrefix{Prefixes: []string{"/cerebro/"}})},
		testRoute{prefix: "/two/", backends: []string{address}, change: step(spec.StripPrefix{Prefixes: []string{"/x", "/two"}}, spec.AddPrefix{Prefix: "/q r/"})},
		testRoute{prefix: "/set", backends: []string{address}, change: step(spec.StripPrefix{Prefixes: []string{"/no"}, AlwaysForwarded: true})},
		testRoute{prefix: "/dst", backends: []string{address}, change: func(r *Route) { r.PassHost = false }},
		testRoute{prefix: "/named", backends: []string{address}, change: func(r *Route) { r.PassHost, r.Host = false, "inner.test" }},
	)
	for path, want := range map[string]string{
		"/cerebro/x/y?z=1": "GET /x/y?z=1\n|X-Forwarded-Prefix: /cerebro/\n",
		"/cerebro//a%2Fb":  "GET /a%2Fb\n",
		"/two/x":           "GET /q%20r/x\n|X-Forwarded-Prefix: /two\n",
		"/set/x":           "GET /set/x\n|X-Forwarded-Prefix: /no\n",
		"/dst":             "Host: " + address + "\n|X-Forwarded-Host: " + r.addr,
		"/named":           "Host: inner.test\n",
	} {
		status, body := r.get(path)
		for part := range strings.SplitSeq(want, "|") {
			if status != http.StatusOK || !strings.Contains(body, part) {
				t.Errorf("%s: %d, want %q in\n%s", path, status, part, body)
			}
		}
	}
	if status, body := r.get("/cerebro"); status != http.StatusNotFound || body != "404 page not found\n" {
		t.Errorf("/cerebro: %d %q, want the 404", status, body)
	}
}

func TestAnswersOfItsOwn(t *testing.T) {
	garbage := rawBackend(t, func(_ string, conn net.Conn, _ *bufio.Reader) { io.WriteString(conn, "\x16\x03\x01garbage\r\n\r\n") })
	reset := rawBackend(t, func(string, net.Conn, *bufio.Reader) {})
	zero := rawBackend(t, func(_ string, conn net.Conn, _ *bufio.Reader) {
		io.WriteString(conn, "HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n")
	})
	unasked := rawBackend(t, func(_ string, conn net.Conn, _ *bufio.Reader) {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
	})
	r := start(t, nil,
		testRoute{prefix: "/none"},
		testRoute{prefix: "/refused", backends: []string{lbtest.Refusing(t)}},
		testRoute{prefix: "/garbage", backends: []string{garbage}},
		testRoute{prefix: "/reset", backends: []string{reset}},
		testRoute{prefix: "/000", backends: []string{zero}},
		testRoute{prefix: "/unasked", backends: []string{unasked}},
	)
	for path, want := range map[string]string{
		"/":        "404 page not found",
		"/none":    "503 no available server",
		"/refused": "502 bad gateway",
		"/garbage": "502 bad gateway",
		"/reset":   "502 bad gateway",
		"/000":     "502 bad gateway",
		"/unasked": "502 bad gateway",
	} {
		status, body := r.get(path)
		if got := strings.TrimSpace(body); got != want || !strings.HasPrefix(want, fmt.Sprint(status)) {
			t.Errorf("%s: %d %q, want %q", path, status, got, want)
		}
	}
	if got := r.raw("HEAD /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); !strings.HasSuffix(got, "\r\n\r\n") ||
		!strings.Contains(got, "Retry-After: 1\r\n") {
		t.Errorf("HEAD: %q, want a head alone, with Retry-After", got)
	}
}

func TestASilentTargetIsA504(t *testing.T) {
	silent := rawBackend(t, func(_ string, _ net.Conn, r *bufio.Reader) { r.ReadByte() })
	r := start(t, func(o *ServerOptions) { o.Timeouts.Response = 50 * time.Millisecond },
		testRoute{prefix: "/", backends: []string{silent, silent}})
	if status, body := r.get("/"); status != http.StatusGatewayTimeout || body != "504 gateway timeout\n" {
		t.Errorf("%d %q, want the 504", status, body)
	}
	if got := r.Metrics().Retries; got != 0 {
		t.Errorf("%d retries: what timed out may still be at work", got)
	}
}

func TestRetriesOnceWhereNothingWasSent(t *testing.T) {
	good := httpBackend(t, echo)
	r := start(t, nil,
		testRoute{prefix: "/two", backends: []string{lbtest.Refusing(t), good}},
		testRoute{prefix: "/gone", backends: []string{lbtest.Refusing(t), lbtest.Refusing(t)}},
	)
	for i := range 10 {
		resp, err := client(t).Post(r.url("/two"), "text/plain", strings.NewReader("precious"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.HasSuffix(string(body), "\n\nprecious") {
			t.Fatalf("POST %d: %s %q", i, resp.Status, body)
		}
	}
	// After three failures in a row it is not tried any more.
	if got := r.Metrics(); got.Retries != 3 || got.UpstreamErrors != 3 {
		t.Errorf("%d retries for %d upstream errors, want 3 for 3", got.Retries, got.UpstreamErrors)
	}
	if status, _ := r.get("/gone"); status != http.StatusBadGateway || r.Metrics().Retries != 4 {
		t.Errorf("status %d after %d retries, want 502 after one more", status, r.Metrics().Retries-3)
	}
}

func TestDoesNotRepeatAPostThatMayHaveArrived(t *testing.T) {
	seen := make(chan string, 10)
	reset := rawBackend(t, func(head string, _ net.Conn, _ *bufio.Reader) { seen <- head[:4] })
	r := start(t, nil, testRoute{prefix: "/", backends: []string{reset, reset}})
	resp, err := client(t).Post(r.url("/"), "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway || len(seen) != 1 {
		t.Errorf("%s after %d tries, want 502 after one", resp.Status, len(seen))
	}
	if r.get("/"); len(seen) != 3 {
		t.Errorf("a GET was tried %d times, want two", len(seen)-1)
	}
}

func TestTruncatedAnswersLookTruncated(t *testing.T) {
	short := rawBackend(t, func(_ string, conn net.Conn, _ *bufio.Reader) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
	})
	chunked := rawBackend(t, func(_ string, conn net.Conn, _ *bufio.Reader) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n")
	})
	r := start(t, nil,
		testRoute{prefix: "/short", backends: []string{short}},
		testRoute{prefix: "/chunked", backends: []string{chunked}},
	)
	for _, path := range []string{"/short", "/chunked"} {
		resp, err := client(t).Get(r.url(path))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "part" || err == nil {
			t.Errorf("%s: %q, error %v; want the part and an error", path, body, err)
		}
	}
}

func TestStreamsAreNotHeldBack(t *testing.T) {
	release := make(chan struct{})
	address := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/known" {
			w.Header().Set("Content-Length", "10")
		}
		io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		<-release
		io.WriteString(w, "-last")
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{address}})
	for _, path := range []string{"/unknown", "/known"} {
		resp, err := client(t).Get(r.url(path))
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 5)
		if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first" {
			t.Fatalf("%s: %q, %v", path, first, err)
		}
		release <- struct{}{}
		rest, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(rest) != "-last" || err != nil {
			t.Errorf("%s: then %q, %v", path, rest, err)
		}
	}
}

func TestTrailersAndInterimAnswersArePassedOn(t *testing.T) {
	address := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		for range 7 {
			w.Header().Set("Link", "</a.css>")
			w.WriteHeader(http.StatusEarlyHints)
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "Sum")
		fmt.Fprintf(w, "%s %s", body, r.Trailer.Get("X-Check"))
		w.Header().Set("Sum", "42")
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{address}})
	hints := 0
	trace := &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
		if status == http.StatusEarlyHints && h.Get("Link") == "</a.css>" {
			hints++
		}
		return nil
	}}
	// A reader of no known kind makes a body of no known length.
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", r.url("/"), io.MultiReader(strings.NewReader("body")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("TE", "trailers")
	req.Trailer = http.Header{"X-Check": {"sound"}}
	resp, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if string(body) != "body sound" || err != nil || resp.Trailer.Get("Sum") != "42" {
		t.Errorf("body %q, error %v, trailer %v", body, err, resp.Trailer)
	}
	if hints != 5 {
		t.Errorf("%d hints, want 5 of 7", hints)
	}
}

func TestTheBodyIsAskedForWhenThereIsARoute(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/a", backends: []string{httpBackend(t, echo)}})
	expect := "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, expect, "/a")
	const asked = "HTTP/1.1 100 Continue\r\n\r\n"
	interim := make([]byte, len(asked))
	if _, err := io.ReadFull(conn, interim); err != nil || string(interim) != asked {
		t.Fatalf("%q, error %v; want to be asked for the body", interim, err)
	}
	io.WriteString(conn, "body")
	answer, err := io.ReadAll(conn)
	got := string(answer)
	if err != nil || !strings.HasPrefix(got, "HTTP/1.1 200 ") || !strings.HasSuffix(got, "\n\nbody") || strings.Contains(got, "Expect") {
		t.Errorf("%q, error %v; want the echo, without Expect", got, err)
	}
	if got := r.raw(fmt.Sprintf(expect, "/nowhere")); !strings.HasPrefix(got, "HTTP/1.1 404 ") {
		t.Errorf("%q, want the 404 alone", got)
	}
}

func TestClientGoneCancelsTheUpstream(t *testing.T) {
	arrived, cancelled := make(chan struct{}), make(chan struct{})
	address := httpBackend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(cancelled)
	})
	// Not for want of an answer.
	r := start(t, func(o *ServerOptions) { o.Timeouts.Response = time.Hour }, testRoute{prefix: "/", backends: []string{address}})
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-arrived
	conn.Close()
	select {
	case <-cancelled:
	case <-time.After(20 * time.Second):
		t.Fatal("the upstream goes on for nobody")
	}
	eventually(t, "the exchange has ended", func() bool { return r.Metrics().InFlight == 0 })
	if stats := r.Targets()[0].Stats(); stats.Failed != 0 || stats.InFlight != 0 {
		t.Errorf("%+v: a client that left is not the target's fault", stats)
	}
}

func TestEarlyAnswerDoesNotWaitForTheBody(t *testing.T) {
	early := rawBackend(t, func(_ string, conn net.Conn, r *bufio.Reader) {
		io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		io.Copy(io.Discard, r)
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{early}})
	// The body never comes; were its bytes a request, two answers would.
	got := r.raw("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 413 ") || !strings.HasSuffix(got, "\r\n\r\nbig") || strings.Count(got, "HTTP/1.1") != 1 {
		t.Errorf("%q, want the one early answer and the connection closed", got)
	}
}
