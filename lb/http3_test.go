package lb

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// anyServer is TLS with whoever answers.
func anyServer() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// fetched is the answer to a request for a path, its body read.
func fetched(t *testing.T, r *rig, c *http.Client, path string) *http.Response {
	t.Helper()
	resp, err := c.Get("https://" + r.addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp
}

// Clients over TCP are told of HTTP/3, those that use it are not, nor any who could
// not.
func TestHTTP3IsAdvertised(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Alt-Svc", "of the target") })
	route := testRoute{prefix: "/x", backends: []string{backend}}
	r, c3 := startTLS(t, "HTTP/3.0", nil, route)
	_, port, _ := net.SplitHostPort(r.addr)
	here := `h3=":` + port + `"; ma=2592000`
	old := anyServer()
	old.MaxVersion = tls.VersionTLS12
	for name, tt := range map[string]struct {
		client *http.Client
		path   string
		want   string
	}{
		"HTTP/1.1":    {tlsClient(t, "HTTP/1.1", anyServer()), "/x", here},
		"HTTP/2":      {tlsClient(t, "HTTP/2.0", anyServer()), "/x", here},
		"own answers": {tlsClient(t, "HTTP/2.0", anyServer()), "/none", here},
		"TLS 1.2":     {tlsClient(t, "HTTP/1.1", old), "/x", "of the target"},
		"HTTP/3":      {c3, "/x", "of the target"},
	} {
		if got := fetched(t, r, tt.client, tt.path).Header["Alt-Svc"]; !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: Alt-Svc %q, want %q", name, got, tt.want)
		}
	}
	r, _ = startTLS(t, "HTTP/3.0", func(o *ServerOptions) { o.Listeners[0].HTTP3Port = 8443 }, route)
	if got := fetched(t, r, tlsClient(t, "HTTP/2.0", anyServer()), "/x").Header.Get("Alt-Svc"); got != `h3=":8443"; ma=2592000` {
		t.Errorf("another port: Alt-Svc %q", got)
	}
	r, _ = startTLS(t, "HTTP/2.0", nil, route)
	if got := fetched(t, r, tlsClient(t, "HTTP/2.0", anyServer()), "/none").Header["Alt-Svc"]; got != nil {
		t.Errorf("off: Alt-Svc %q", got)
	}
}

// What targets say of their own connections does not reach clients, and answers that
// have no body are given no length they do not have.
func TestHTTP3Answers(t *testing.T) {
	answers := map[string]string{
		"/hop":    okay + "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nUpgrade: h2c\r\nProxy-Connection: 1\r\nContent-Length: 2\r\n\r\nok",
		"/length": okay + "Content-Length: 7\r\n\r\nseven b",
		"/open":   okay + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"/304":    "HTTP/1.1 304 Not Modified\r\nEtag: x\r\n\r\n",
		"/204":    "HTTP/1.1 204 No Content\r\n\r\n",
		"/early":  "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + okay + "Content-Length: 2\r\n\r\nok",
	}
	backend := rawBackend(t, func(head string, nc net.Conn, _ *bufio.Reader) {
		method, rest, _ := strings.Cut(head, " ")
		path, _, _ := strings.Cut(rest, " ")
		answer := answers[path]
		if method == http.MethodHead {
			answer = answer[:strings.Index(answer, "\r\n\r\n")+4]
		}
		_, _ = io.WriteString(nc, answer)
	})
	r, c := startTLS(t, "HTTP/3.0", nil, testRoute{prefix: "/", backends: []string{backend}})
	for request, want := range map[string]string{
		"GET /hop": "200 2 ok", "GET /length": "200 7 seven b", "HEAD /length": "200 7 ", "GET /open": "200 -1 ok", "HEAD /open": "200 -1 ",
		"GET /304": "304 -1 ", "GET /204": "204 0 ", "GET /early": "200 2 ok",
	} {
		method, path, _ := strings.Cut(request, " ")
		var hints []int
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { hints = append(hints, code); return nil },
		})
		req, _ := http.NewRequestWithContext(ctx, method, "https://"+r.addr+path, nil)
		resp, err := c.Do(req)
		if err != nil {
			t.Errorf("%s: %v", request, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := fmt.Sprintf("%d %d %s", resp.StatusCode, resp.ContentLength, body); got != want || err != nil || resp.Proto != "HTTP/3.0" {
			t.Errorf("%s: %q, want %q (%s, %v)", request, got, want, resp.Proto, err)
		}
		for _, name := range []string{"Connection", "X-Hop", "Keep-Alive", "Upgrade", "Proxy-Connection"} {
			if resp.Header[name] != nil {
				t.Errorf("%s: the client got %s", request, name)
			}
		}
		if early := path == "/early"; early != slices.Equal(hints, []int{103}) {
			t.Errorf("%s: interim answers %v", request, hints)
		}
	}
}

// What a target is told of a client over HTTP/3 is as over the others, and a request
// without a body has none.
func TestHTTP3Requests(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(empty))
	r, c := startTLS(t, "HTTP/3.0", nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.addr+"/a%2Fb?c", nil)
	req.Host = "h"
	req.Header.Set("X-Forwarded-For", "evil")
	req.Header.Set("X-Real-Ip", "evil")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r.stop()
	sent := upstream.Only().Text()
	checkForwarding(t, sent, "https")
	if !strings.HasPrefix(sent, "GET /a%2Fb?c HTTP/1.1\r\n") || strings.Contains(sent, "Transfer-Encoding") || strings.Contains(sent, "Content-Length") {
		t.Errorf("the upstream got %q", sent)
	}
}

// A client over HTTP/3 is told to go away, has its streams served to their end, and
// no goroutine stays behind; TestMain sees to the latter. One that does not close its
// connection does not hold up the stop.
func TestDrainOverHTTP3(t *testing.T) {
	address, arrived, answer := slowBackend(t)
	defer answer()
	r, c := startTLS(t, "HTTP/3.0", nil, testRoute{prefix: "/", backends: []string{address}})
	get := func(c *http.Client, path string) (string, error) {
		resp, err := c.Get("https://" + r.addr + path)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp.Proto + " " + string(body), err
	}
	if body, err := get(c, "/x"); body != "HTTP/3.0 served" || err != nil {
		t.Fatalf("%q, %v", body, err)
	}
	config := anyServer()
	config.NextProtos = []string{"h3"}
	deaf, err := quic.DialAddr(t.Context(), r.addr, config, nil)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are connected", func() bool { return r.entrypoint().Connections == 2 })
	var wg sync.WaitGroup
	wg.Go(func() {
		if body, err := get(c, "/slow"); body != "HTTP/3.0 served" || err != nil {
			t.Errorf("in flight: %q, %v", body, err)
		}
	})
	<-arrived
	wg.Go(r.stop)
	eventually(t, "new connections are refused", func() bool {
		other := &http3.Transport{TLSClientConfig: anyServer()}
		defer other.Close()
		_, err := get(&http.Client{Transport: other}, "/x")
		var refused *quic.TransportError
		return errors.As(err, &refused) && refused.ErrorCode == quic.ConnectionRefused
	})
	<-deaf.Context().Done()
	var code *quic.ApplicationError
	if err := context.Cause(deaf.Context()); !errors.As(err, &code) || code.ErrorCode != quic.ApplicationErrorCode(http3.ErrCodeNoError) {
		t.Errorf("an idle connection ends with %v", err)
	}
	answer()
	wg.Wait()
	if r.err != nil {
		t.Error(r.err)
	}
}

// What is still in flight when the time to drain is over is cut.
func TestDrainOverHTTP3IsNotForEver(t *testing.T) {
	address, arrived, answer := slowBackend(t)
	defer answer()
	r, c := startTLS(t, "HTTP/3.0", func(o *ServerOptions) { o.Timeouts.Drain = 10 * time.Millisecond }, testRoute{prefix: "/", backends: []string{address}})
	var wg sync.WaitGroup
	wg.Go(func() {
		if resp, err := c.Get("https://" + r.addr + "/slow"); err == nil {
			resp.Body.Close()
			t.Errorf("%s", resp.Status)
		}
	})
	<-arrived
	r.stop()
	wg.Wait()
	if r.err != nil {
		t.Error(r.err)
	}
}

// Connections over QUIC count with the others, and those beyond the limits are
// refused.
func TestHTTP3ConnectionLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*listener.Listener)
		reason string
	}{
		"of the listener": {func(l *listener.Listener) { l.MaxConns = 2 }, refusedByLimit},
		"of a client":     {func(l *listener.Listener) { l.MaxConnsPerClient = 2 }, refusedByClientLimit},
	} {
		t.Run(name, func(t *testing.T) {
			r, first := startTLS(t, "HTTP/3.0", func(o *ServerOptions) { tt.change(&o.Listeners[0]) },
				testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
			overTCP := tlsClient(t, "HTTP/1.1", anyServer())
			fetched(t, r, overTCP, "/x")
			fetched(t, r, first, "/x")
			one := func() error {
				c := &http3.Transport{TLSClientConfig: anyServer()}
				defer c.Close()
				resp, err := (&http.Client{Transport: c}).Get("https://" + r.addr + "/x")
				if err == nil {
					resp.Body.Close()
				}
				return err
			}
			if one() == nil {
				t.Error("one more than may be is served")
			}
			if got := r.entrypoint().RefusedConnections; got[tt.reason] == 0 {
				t.Errorf("refused connections are %v", got)
			}
			first.Transport.(*http3.Transport).Close()
			eventually(t, "there is room again", func() bool { return one() == nil })
			fetched(t, r, overTCP, "/x")
			r.stop()
			eventually(t, "no connection is left", func() bool { return r.entrypoint().Connections == 0 })
		})
	}
}

// Extended CONNECT is refused in the way that has clients try something else.
func TestHTTP3HasNoTunnels(t *testing.T) {
	r, _ := startTLS(t, "HTTP/3.0", nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	transport := &http3.Transport{TLSClientConfig: anyServer()}
	defer transport.Close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodConnect, "https://"+r.addr+"/chat", nil)
	req.Proto = "websocket"
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotImplemented {
		t.Errorf("%s", resp.Status)
	}
	eventually(t, "it is over", func() bool { return r.inFlight() == 0 })
}

func TestHTTP3StreamsThatAreReset(t *testing.T) { testStreamsThatAreReset(t, "HTTP/3.0") }
