package lb

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/proxyproto"
)

// proxied is a listener that knows PROXY headers.
func proxied(options string) func(*ServerOptions) {
	return func(o *ServerOptions) {
		l, err := listener.Parse("127.0.0.1:0;" + options)
		if err != nil {
			panic(err)
		}
		o.Listeners = []listener.Listener{l}
	}
}

func proxyHeader(t testing.TB, version int) string {
	t.Helper()
	b, err := proxyproto.AppendHeader(nil, version,
		netip.MustParseAddrPort("192.0.2.7:50000"), netip.MustParseAddrPort("198.51.100.2:443"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const proxiedRequest = "GET /x HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"

func TestProxyHeaderOfClient(t *testing.T) {
	const (
		theirs = "X-Forwarded-For: 192.0.2.7\n"
		ours   = "X-Forwarded-For: 127.0.0.1\n"
		none   = ""
	)
	one, two := proxyHeader(t, 1), proxyHeader(t, 2)
	local := "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	for options, rows := range map[string]map[string]string{
		"pxyproto=true":                               {one: theirs, two: theirs, "": ours, local: ours, "PROXY UNKNOWN\r\n": ours, "PROXY nonsense\r\n": none},
		"pxyproto=true;pxyfrom=127.0.0.0/8":           {one: theirs, two: theirs, "": ours},
		"pxyproto=true;pxyfrom=10.0.0.0/8,::1":        {one: ours, two: ours, "": ours, "PROXY nonsense\r\n": none},
		"pxyproto=required":                           {one: theirs, two: theirs, "": none, local: ours, "PROXY nonsense\r\n": none},
		"pxyproto=required;pxyfrom=10.0.0.0/8":        {one: none, "": none},
		"pxyproto=false":                              {one: none, "": ours},
		"pxyproto=true;maxconnperip=5;pxytimeout=20s": {one: theirs, "": ours},
	} {
		t.Run(options, func(t *testing.T) {
			r := start(t, proxied(options), testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
			for header, want := range rows {
				answer := r.raw(header + proxiedRequest)
				served := strings.HasPrefix(answer, "HTTP/1.1 200 ")
				if served != (want != none) || served && !strings.Contains(answer, want) {
					t.Errorf("behind %q: want %q in\n%s", header, want, answer)
				}
			}
			eventually(t, "all connections are counted off", func() bool { return r.entrypoint().Connections == 0 })
		})
	}
}

func TestProxyHeaderAndPipeline(t *testing.T) {
	r := start(t, proxied("pxyproto=true"), testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	for _, header := range []string{"", proxyHeader(t, 1), proxyHeader(t, 2)} {
		answer := r.raw(header + strings.Repeat("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 3) + proxiedRequest)
		if n := strings.Count(answer, "HTTP/1.1 200 "); n != 4 {
			t.Errorf("behind %q: %d answers, want 4:\n%s", header, n, answer)
		}
	}
}

// Large bodies behind bytes that were read too early arrive whole.
func TestBodyBehindNoProxyHeader(t *testing.T) {
	const size = 1 << 20
	r := start(t, proxied("pxyproto=true"), testRoute{prefix: "/", backends: []string{
		httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
		}),
	}})
	request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", size)
	if answer := r.raw(request + strings.Repeat("x", size)); !strings.HasSuffix(answer, fmt.Sprint(size)) {
		t.Errorf("%.300q", answer)
	}
}

func TestProxyHeaderTooLate(t *testing.T) {
	r := start(t, proxied("pxyproto=required;pxytimeout=50ms"), testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	for _, start := range []string{"", "PROXY TCP4 192.0.2.7 "} {
		nc := hold(t, r.addr)
		io.WriteString(nc, start)
		if n, err := nc.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%q: the connection is still open", start)
		}
	}
	eventually(t, "it is counted", func() bool { return r.entrypoint().RefusedConnections[refusedByProxy] == 1 })
}

// A client that waits before its first request is none that sends a header.
func TestNoProxyHeaderForAWhile(t *testing.T) {
	r := start(t, proxied("pxyproto=true;pxytimeout=20ms"), testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	nc := hold(t, r.addr)
	io.WriteString(nc, "P") // of POST, or of PROXY
	time.Sleep(60 * time.Millisecond)
	io.WriteString(nc, "UT /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	answer, _ := io.ReadAll(nc)
	if !strings.Contains(string(answer), "PUT /x") {
		t.Errorf("%q", answer)
	}
}

func TestProxyHeaderBeforeTLS(t *testing.T) {
	dir := t.TempDir()
	certFile := filepath.Join(dir, "cert.pem")
	writePair(t, certFile, filepath.Join(dir, "key.pem"), "shop.test")
	r := start(t, proxied("pxyproto=required;maxconnperip=1;cert="+certFile+";key="+filepath.Join(dir, "key.pem")),
		testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	header := proxyHeader(t, 2)
	for protocol, next := range map[string]string{"HTTP/1.1": "http/1.1", "HTTP/2.0": "h2"} {
		transport := &http.Transport{
			ForceAttemptHTTP2: next == "h2",
			DialTLSContext: func(_ context.Context, network, address string) (net.Conn, error) {
				nc, err := net.Dial(network, address)
				if err != nil {
					return nil, err
				}
				io.WriteString(nc, header)
				return tls.Client(nc, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{next}}), nil
			},
		}
		resp, err := (&http.Client{Transport: transport}).Get("https://" + r.addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.Proto != protocol || !strings.Contains(string(body), "X-Forwarded-For: 192.0.2.7\n") {
			t.Errorf("%s, want %s from 192.0.2.7:\n%s", resp.Proto, protocol, body)
		}
		transport.CloseIdleConnections()
		eventually(t, "the connection is counted off", func() bool { return r.entrypoint().Connections == 0 })
	}
}
