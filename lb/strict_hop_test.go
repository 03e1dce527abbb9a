package lb

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"
	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/listener"
)

func resetConn(c *lbtest.Recording) {
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// tlsWires are the ways a client may speak over TLS.
var tlsWires = []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"}

// startTLS runs a server with TLS and returns a client that speaks the protocol
// alone, HTTP/1.1, HTTP/2.0 or HTTP/3.0.
func startTLS(t *testing.T, protocol string, change func(*ServerOptions), routes ...testRoute) (*rig, *http.Client) {
	t.Helper()
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	writePair(t, cert, key, "shop.test")
	r := start(t, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "https", CertFile: cert, KeyFile: key, HTTP3: protocol == "HTTP/3.0"}}
		if change != nil {
			change(o)
		}
	}, routes...)
	return r, tlsClient(t, protocol, &tls.Config{InsecureSkipVerify: true})
}

// tlsClient is one that speaks the protocol alone.
func tlsClient(t testing.TB, protocol string, config *tls.Config) *http.Client {
	if protocol == "HTTP/3.0" {
		transport := &http3.Transport{TLSClientConfig: config, DisableCompression: true}
		t.Cleanup(func() { transport.Close() })
		return &http.Client{Transport: transport}
	}
	transport := &http.Transport{TLSClientConfig: config, DisableCompression: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(protocol == "HTTP/1.1")
	transport.Protocols.SetHTTP2(protocol == "HTTP/2.0")
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// What concerns one connection stays on it, both ways: the known fields and
// those that Connection nominates.
func TestHopByHopFields(t *testing.T) {
	hop := "Connection: close, X-Hop, x-other\r\nConnection: ,X-More\r\nX-Hop: evil\r\nX-Other: evil\r\nX-More: evil\r\n" +
		"Keep-Alive: evil\r\nProxy-Connection: evil\r\nTE: gzip;evil=1\r\nTrailer: evil\r\nUpgrade: evil\r\nX-End: stays\r\n"
	upstream := lbtest.Record(t, lbtest.Say(okay+hop+"Content-Length: 0\r\n\r\n"))
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	got := r.raw("GET /x HTTP/1.1\r\nHost: h\r\nProxy-Authorization: evil\r\nHTTP2-Settings: evil\r\n" + hop + "\r\n")
	sent := upstream.Only().Text()
	for end, text := range map[string]string{"client": got, "upstream": sent} {
		if strings.Contains(strings.ToLower(text), "evil") || !strings.Contains(text, "\r\nX-End: stays\r\n") {
			t.Errorf("the %s got %q", end, text)
		}
	}
	for _, name := range []string{"Connection:", "Keep-Alive:", "Proxy-", "TE:", "Trailer:", "Upgrade:", "HTTP2-Settings"} {
		if strings.Contains(sent, "\r\n"+name) {
			t.Errorf("the upstream got %q", sent)
		}
	}
}

// Framing, Host and what we add cannot be nominated away, by either end.
func TestNominatedFields(t *testing.T) {
	nominated := "Connection: keep-alive, Content-Length, Transfer-Encoding, Host, Date, X-Forwarded-For, X-Real-Ip, Forwarded, X-Forwarded-Proto, " +
		"X-Forwarded-Host, X-Forwarded-Port, X-Forwarded-Server\r\n"
	for framing, body := range map[string]string{"Content-Length: 5\r\n": "hello", "Transfer-Encoding: chunked\r\n": "5\r\nhello\r\n0\r\n\r\n"} {
		upstream := lbtest.Record(t, func(c *lbtest.Recording) {
			_, _ = c.Head()
			_, _ = io.CopyN(io.Discard, c.Buffer, int64(len(body)))
			_, _ = io.WriteString(c, okay+nominated+framing+"\r\n"+body)
		})
		r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
		c := r.dial()
		c.send("POST /x HTTP/1.1\r\nHost: h\r\n" + nominated + "X-Forwarded-For: evil\r\nX-Real-Ip: evil\r\n" + framing + "\r\n" + body)
		if head := c.head(); !strings.Contains(head, "\r\n"+framing) || c.body(len(body)) != body {
			t.Errorf("the answer is %q", head)
		}
		c.nc.Close()
		r.stop()
		sent := upstream.Only().Text()
		if !strings.Contains(sent, "\r\n"+framing) || !strings.HasSuffix(sent, "\r\n\r\n"+body) {
			t.Errorf("the upstream got %q", sent)
		}
		checkForwarding(t, sent, "http")
	}
}

// The same over HTTP/2, where the field itself is refused.
func TestNominatedFieldsHTTP2(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(empty))
	r, c := startTLS(t, "HTTP/2.0", nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+r.addr+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "h"
	req.Header.Set("X-Forwarded-For", "evil")
	req.Header.Set("X-Real-Ip", "evil")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r.stop()
	checkForwarding(t, upstream.Only().Text(), "https")
}

func checkForwarding(t *testing.T, sent, scheme string) {
	t.Helper()
	for _, want := range []string{
		"\r\nHost: h\r\n", "\r\nX-Forwarded-For: 127.0.0.1\r\n", "\r\nX-Real-Ip: 127.0.0.1\r\n", "\r\nForwarded: for=127.0.0.1;",
		"\r\nX-Forwarded-Proto: " + scheme + "\r\n", "\r\nX-Forwarded-Host: h\r\n", "\r\nX-Forwarded-Port: ", "\r\nX-Forwarded-Server: lb.test\r\n",
	} {
		if !strings.Contains(sent, want) {
			t.Errorf("the upstream misses %q in %q", want, sent)
		}
	}
	if strings.Contains(sent, "evil") {
		t.Errorf("the upstream got %q", sent)
	}
}

// Whoever is answered without being asked for the body may send it all the same,
// and it is no request.
func TestFinalAnswerInPlaceOf100(t *testing.T) {
	upstream := lbtest.Record(t, func(c *lbtest.Recording) {
		_, _ = c.Head()
		_, _ = io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
		_, _ = io.Copy(io.Discard, c)
	})
	r := start(t, nil, testRoute{prefix: "/u", backends: []string{upstream.Addr}})
	for path, status := range map[string]string{"/nowhere": "404", "/u": "403"} {
		c := r.dial()
		c.send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", path, len(smuggled)))
		head := c.head()
		if strings.HasPrefix(head, "HTTP/1.1 100 ") { // when the upstream is given the body
			head = c.head()
		}
		if !strings.HasPrefix(head, "HTTP/1.1 "+status+" ") || !strings.Contains(head, "\r\nConnection: close\r\n") {
			t.Errorf("%s: the answer is %q", path, head)
		}
		_, _ = io.WriteString(c.nc, smuggled)
		if rest := c.rest(); strings.Contains(rest, "HTTP/1.1") {
			t.Errorf("%s: then comes %q", path, rest)
		}
	}
	r.stop() // if the upstream had the body after all, its connection is kept
	if got := upstream.Only().Text(); strings.Count(got, "HTTP/1.1\r\n") > 2 || strings.Count(got, "POST ") != 1 {
		t.Errorf("the upstream got %q", got)
	}
}

// An upgrade to anything but a WebSocket would carry requests past the routing.
func TestUpgradesThatAreDropped(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(empty))
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	for _, upgrade := range []string{"h2c", "h2c, websocket", "TLS/1.0", "websocket, h2c", "HTTP/2.0"} {
		c := r.dial()
		c.send("GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: " + upgrade + "\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
		if head := c.head(); !strings.HasPrefix(head, okay) {
			t.Errorf("%s: the answer is %q", upgrade, head)
		}
		c.nc.Close()
	}
	r.stop()
	for _, c := range upstream.All() {
		if got := c.Text(); strings.Contains(got, "Upgrade") || strings.Contains(got, "Settings") {
			t.Errorf("the upstream got %q", got)
		}
	}
}

// A WebSocket that the upstream declines leaves HTTP behind, and what comes next
// are requests to be routed.
func TestWebSocketThatIsNone(t *testing.T) {
	admin := lbtest.Record(t, lbtest.Say(okay+"Content-Length: 5\r\n\r\nadmin"))
	for _, answer := range []string{
		okay + "Content-Length: 2\r\n\r\nno", "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno",
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\nno",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\nno",
	} {
		upstream := lbtest.Record(t, lbtest.Say(answer))
		r := start(t, nil, testRoute{prefix: "/ws", backends: []string{upstream.Addr}}, testRoute{prefix: "/admin", backends: []string{admin.Addr}})
		got := r.raw("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99\r\n\r\n" +
			"GET /admin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		r.stop()
		if strings.Contains(upstream.Only().Text(), "/admin") || !strings.HasSuffix(got, "\r\n\r\nadmin") || strings.Count(got, "HTTP/1.1 ") != 2 {
			t.Errorf("%.40q: the client gets %q, the upstream %q", answer, got, upstream.Only().Text())
		}
		if strings.HasPrefix(answer, "HTTP/1.1 101 ") != strings.HasPrefix(got, "HTTP/1.1 502 ") {
			t.Errorf("%.40q is passed on as %.40q", answer, got)
		}
	}
}
