package lb

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/proxyproto"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// announced is a listener whose connections begin with a PROXY header.
type announced struct{ net.Listener }

type announcedConn struct {
	net.Conn
	header proxyproto.Header
}

func (l announced) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	h, _, err := proxyproto.ReadHeader(nc, time.Now().Add(10*time.Second))
	if err != nil {
		return nil, err
	}
	return &announcedConn{nc, h}, nil
}

type connKey struct{}

// announcedBackend answers with the client it was told of, once for each connection.
func announcedBackend(t *testing.T) (string, func() []string) {
	var asked []string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc := r.Context().Value(connKey{}).(*announcedConn)
		if r.URL.Path == "/health" {
			if nc.header.Source.IsValid() {
				w.WriteHeader(http.StatusBadRequest)
			}
			return
		}
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, nc.RemoteAddr().String())
		fmt.Fprintf(w, "%s %s", nc.header.Source, body)
	}))
	s.Listener = announced{s.Listener}
	s.Config.ConnContext = func(ctx context.Context, nc net.Conn) context.Context { return context.WithValue(ctx, connKey{}, nc) }
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), func() []string { s.Close(); return asked }
}

func TestProxyHeaderForTargets(t *testing.T) {
	for version := range 3 {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			backend, connections := announcedBackend(t)
			check := spec.DefaultHealthCheck()
			check.Path, check.Interval = "/health", 10*time.Millisecond
			r := start(t, nil, testRoute{prefix: "/", backends: []string{backend},
				balance: &spec.LoadBalancer{Proxy: &spec.ProxyProtocol{Version: version}, Health: check}})
			c := r.dial()
			for i := range 3 {
				c.send(fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", i))
				want := c.nc.LocalAddr().String() + " hi"
				if head := c.head(); !strings.HasPrefix(head, okay) {
					t.Fatalf("%q", head)
				} else if got := c.body(len(want)); got != want {
					t.Errorf("the target was told %q, want %q", got, want)
				}
			}
			r.stop()
			seen := map[string]bool{}
			for _, c := range connections() {
				seen[c] = true
			}
			if len(seen) != 3 {
				t.Errorf("%d connections for 3 requests, want one for each", len(seen))
			}
		})
	}
}
