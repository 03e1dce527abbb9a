package lb

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// The preface of HTTP/2 has its meaning at the start of a connection without TLS.
func TestHTTP2PrefaceElsewhere(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	got := r.raw("GET /x HTTP/1.1\r\nHost: h\r\n\r\n" + http2.ClientPreface)
	if first, second, _ := strings.Cut(got, "HTTP/1.1 505 "); !strings.HasPrefix(first, okay) || second == "" {
		t.Errorf("behind a request: %q", got)
	}
	if got := r.raw("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"); got != "" {
		t.Errorf("half a preface: %q", got)
	}
	eventually(t, "its connection is counted off", func() bool { return r.Metrics().Entrypoints[0].Connections == 0 })
}

// What came before the preface holds for HTTP/2 as well: the client is who the
// PROXY header says, and counts once.
func TestHTTP2PrefaceBehindAProxyHeader(t *testing.T) {
	r := start(t, proxied("pxyproto=required;maxconnperip=1"), testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	for range 2 {
		transport := &http.Transport{Protocols: new(http.Protocols), DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			nc, err := net.Dial(network, address)
			if err == nil {
				_, err = io.WriteString(nc, proxyHeader(t, 1))
			}
			return nc, err
		}}
		transport.Protocols.SetUnencryptedHTTP2(true)
		resp, err := (&http.Client{Transport: transport}).Get(r.url("/"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.Proto != "HTTP/2.0" || !bytes.Contains(body, []byte("X-Forwarded-For: 192.0.2.7\n")) || !bytes.Contains(body, []byte("X-Forwarded-Proto: http\n")) {
			t.Errorf("%s\n%s", resp.Proto, body)
		}
		transport.CloseIdleConnections()
		eventually(t, "the connection is counted off", func() bool { return r.entrypoint().Connections == 0 })
	}
}

// A server that stops lets calls end and tells clients to go.
func TestHTTP2PrefaceDrain(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-release
		echo(w, r)
	})
	r, c, url := startWire(t, "h2c", nil, testRoute{prefix: "/", backends: []string{backend}})
	answered := make(chan string, 1)
	go func() {
		resp, err := c.Get(url + "/x")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answered <- string(body)
	}()
	<-begun
	stopped := make(chan struct{})
	go func() {
		r.stop()
		close(stopped)
	}()
	eventually(t, "it drains", r.Draining)
	close(release)
	if got := <-answered; !strings.HasPrefix(got, "GET /x\n") {
		t.Errorf("%q", got)
	}
	<-stopped
	if r.err != nil {
		t.Error(r.err)
	}
}
