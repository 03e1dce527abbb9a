package lb

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSNI(t *testing.T) {
	p := pass(t, func(o *ServerOptions) { o.Timeouts.Header = 2 * time.Second }, "127.0.0.1:0;proto=tcp+sni")
	p.set("a", []string{tlsBackend(t, "a.test")}, "urlprefix-A.test/ proto=tcp")
	p.set("wild", []string{tlsBackend(t, "wild.test")}, "urlprefix-*.wild.test proto=tcp")
	for name, want := range map[string]string{
		"a.test": "a.test: x", "A.TEST": "a.test: x", "b.wild.test": "wild.test: x", "c.b.wild.test": "wild.test: x",
		"b.test": "closed", "": "closed",
	} {
		if got := sayTLS(t, p.address(0), name, "x"); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x40\x00\x01\x10\x00\x00" + strings.Repeat("\x00", 20<<10), "\x16\x03\x01"} {
		if got := say(t, p.address(0), text); got != "" {
			t.Errorf("%.20q was answered", text)
		}
	}
	slow := dialTCP(t, p.address(0))
	io.WriteString(slow, "\x16\x03")
	if _, err := slow.Read(make([]byte, 1)); err == nil || errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("%v: a slow hello must be closed", err)
	}
	eventually(t, "they are counted", func() bool {
		m := p.entries[0].metrics()
		return m.RefusedConnections[refusedByHello] == 3 && m.RefusedConnections[RefusedByNoRoute] == 3 && m.Connections == 0
	})
}

// fragmenting writes every record's content in records of a few bytes.
type fragmenting struct{ *net.TCPConn }

func (f fragmenting) Write(p []byte) (int, error) {
	if p[0] != 22 {
		return f.TCPConn.Write(p)
	}
	for part := range slices.Chunk(p[5:], 50) {
		if _, err := f.TCPConn.Write(append([]byte{22, 3, 1, 0, byte(len(part))}, part...)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func TestLargeHelloInPieces(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp+sni")
	p.set("a", []string{tlsBackend(t, "a.test")}, "urlprefix-a.test/ proto=tcp")
	protocols := []string{"h2"}
	for range 60 {
		protocols = append(protocols, strings.Repeat("x", 100))
	}
	nc := tls.Client(fragmenting{dialTCP(t, p.address(0))}, &tls.Config{
		InsecureSkipVerify: true, ServerName: "a.test", NextProtos: protocols,
	})
	if err := nc.Handshake(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(nc, "x")
	nc.CloseWrite()
	if got, err := io.ReadAll(nc); string(got) != "a.test: x" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestHTTPSAndSNI(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;name=websecure;proto=https+tcp+sni;pxyproto=true;maxconnperip=9"+pairFiles(t, "web.test"))
	web := httpBackend(t, echo)
	p.set("pass", []string{tlsBackend(t, "pass.test")}, "urlprefix-pass.test/ proto=tcp")
	p.set("web", []string{web}, "urlprefix-web.test/")
	get := func(name, next string) string {
		transport := &http.Transport{ForceAttemptHTTP2: next == "h2", DialTLSContext: func(_ context.Context, network, _ string) (net.Conn, error) {
			nc, err := net.Dial(network, p.address(0))
			if err != nil {
				return nil, err
			}
			io.WriteString(nc, proxyHeader(t, 2))
			return tls.Client(nc, &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: []string{next}}), nil
		}}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("https://" + name + "/x")
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.Proto + " " + string(body)
	}
	for next, protocol := range map[string]string{"http/1.1": "HTTP/1.1", "h2": "HTTP/2.0"} {
		got := get("web.test", next)
		if !strings.HasPrefix(got, protocol+" GET /x") || !strings.Contains(got, "X-Forwarded-For: 192.0.2.7\n") {
			t.Errorf("%s: %s", next, got)
		}
	}
	if got := sayTLS(t, p.address(0), "pass.test", "x"); got != "pass.test: x" {
		t.Errorf("passed through: %q", got)
	}
	// Of Traefik's, routers of requests that name the host go first.
	p.set("tcp", []string{tlsBackend(t, "tcp.test")},
		"traefik.tcp.routers.t.rule=HostSNI(`tcp.test`) || HostSNI(`both.test`)", "traefik.tcp.routers.t.tls.passthrough=true",
		"traefik.tcp.routers.all.rule=HostSNI(`*`)", "traefik.tcp.routers.all.tls.passthrough=true")
	p.set("both", []string{web}, "traefik.http.routers.b.rule=Host(`both.test`)", "traefik.http.routers.b.tls=true")
	for name, want := range map[string]string{"tcp.test": "tcp.test: x", "other.test": "tcp.test: x", "pass.test": "pass.test: x"} {
		if got := sayTLS(t, p.address(0), name, "x"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := get("both.test", "h2"); !strings.HasPrefix(got, "HTTP/2.0 GET /x") {
		t.Errorf("both.test: %s", got)
	}
	eventually(t, "all connections are counted off", func() bool { return p.entries[0].metrics().Connections == 0 })
}

// A listener that passes on all TLS serves the routes of whole hosts, whatever
// protocol their tags name; one that ends TLS for other names does not.
func TestSNIOfRoutesOfRequests(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp+sni")
	p.set("a", []string{tlsBackend(t, "plain.test")}, "urlprefix-plain.test/", "urlprefix-path.test/x", "urlprefix-closed.test/ allow=ip:10.0.0.0/8")
	p.set("b", []string{tlsBackend(t, "asked.test")}, "urlprefix-asked.test/ proto=tcp", "urlprefix-asked.test/")
	for name, want := range map[string]string{
		"plain.test": "plain.test: x", "asked.test": "asked.test: x", "path.test": "closed", "closed.test": "closed",
	} {
		if got := sayTLS(t, p.address(0), name, "x"); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
