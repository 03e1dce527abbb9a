package lb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/capture"
	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/target"
)

func TestHeadsTooLarge(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(empty))
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	long := strings.Repeat("x", 64<<10)
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: h\r\nX: " + long + "\r\n\r\n":                        "431",
		"GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", 101) + "\r\n":    "431",
		"GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: "+long[:400]+"\r\n", 99): "431",
		"GET /" + long + " HTTP/1.1\r\nHost: h\r\n\r\n":                               "414",
		"GET /" + long:                          "414",
		long + " / HTTP/1.1\r\nHost: h\r\n\r\n": "400",
	} {
		if got := r.raw(request); !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") || !strings.Contains(got, "\r\nConnection: close\r\n") {
			t.Errorf("%.60q is answered %.100q, want %s", request, got, want)
		}
	}
	// No more is read of such a head than it takes to tell.
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\nX: ")
	const size = 64 << 20 // more than the kernel buffers between two sockets
	if n, err := c.nc.Write(make([]byte, size)); err == nil || n > size/2 {
		t.Errorf("%d bytes of a head are taken, %v", n, err)
	}
	if n := len(upstream.All()); n > 0 {
		t.Errorf("%d connections upstream", n)
	}
}

// The limits for heads are those that are configured.
func TestConfiguredHeadLimits(t *testing.T) {
	r := start(t, func(o *ServerOptions) { o.MaxHeaderBytes, o.MaxHeaderFields = 8<<10, 10 },
		testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	for fields, want := range map[string]string{
		strings.Repeat("X: y\r\n", 8):               "200",
		strings.Repeat("X: y\r\n", 9):               "431",
		"X: " + strings.Repeat("x", 7<<10) + "\r\n": "200",
		"X: " + strings.Repeat("x", 8<<10) + "\r\n": "431",
	} {
		if got := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + fields + "\r\n"); !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
			t.Errorf("%.20q, %d bytes of fields: %.40q, want %s", fields, len(fields), got, want)
		}
	}
}

// A body that stalls is a 408, and the upstream sees it cut.
func TestStalledBodyAbortsTheUpstream(t *testing.T) {
	for _, request := range []string{post("Content-Length: 10") + "half", chunked("5\r\nhel")} {
		upstream := lbtest.Record(t, func(c *lbtest.Recording) { _, _ = io.Copy(io.Discard, c) })
		r := start(t, func(o *ServerOptions) { o.Timeouts.Read = 200 * time.Millisecond }, testRoute{prefix: "/", backends: []string{upstream.Addr}})
		if got := r.raw(request); !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, "\r\nConnection: close\r\n") {
			t.Errorf("%q is answered %q", request, got)
		}
		if got := upstream.Only().Text(); strings.HasSuffix(got, "\r\n0\r\n\r\n") {
			t.Errorf("%q reaches the upstream as %q", request, got)
		}
	}
}

// A client that does not read holds the upstream back, and is given up.
func TestClientThatDoesNotRead(t *testing.T) {
	const size = 64 << 20 // more than the kernel buffers between two sockets, twice
	var wrote atomic.Int64
	upstream := lbtest.Record(t, func(c *lbtest.Recording) {
		_, _ = c.Head()
		_, _ = fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n", okay, size)
		part := make([]byte, 64<<10)
		for range size / len(part) {
			n, err := c.Write(part)
			if wrote.Add(int64(n)); err != nil {
				return
			}
		}
	})
	r := start(t, func(o *ServerOptions) { o.Timeouts.Write = 500 * time.Millisecond }, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	c := r.dial()
	c.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
	upstream.Only()
	eventually(t, "the exchange is given up", func() bool { return r.inFlight() == 0 })
	if n := wrote.Load(); n >= size {
		t.Errorf("the upstream got rid of %d bytes that nobody read", n)
	}
}

// What nobody waits for is given up upstream, and is a 499 in the log.
func TestClientThatLeavesIsA499(t *testing.T) {
	arrived := make(chan struct{})
	upstream := lbtest.Record(t, func(c *lbtest.Recording) {
		_, _ = c.Head()
		close(arrived)
		_, _ = io.Copy(io.Discard, c)
	})
	var log capture.Buffer
	r := start(t, func(o *ServerOptions) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	c := r.dial()
	c.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
	<-arrived
	c.nc.Close()
	upstream.Only()
	eventually(t, "it is in the log", func() bool { return strings.Contains(log.String(), "status=499") })
}

// The same over HTTP/2, where a client leaves by resetting the stream.
func TestHTTP2ClientThatLeaves(t *testing.T) {
	arrived := make(chan struct{})
	upstream := lbtest.Record(t, func(c *lbtest.Recording) {
		_, _ = c.Head()
		close(arrived)
		_, _ = io.Copy(io.Discard, c)
	})
	r, c := startTLS(t, "HTTP/2.0", nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+r.addr+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-arrived
		leave()
	}()
	if resp, err := c.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("answered %s", resp.Status)
	}
	upstream.Only()
}

// The limits an operator gets who sets none.
func TestDefaultLimits(t *testing.T) {
	o := DefaultServerOptions()
	for name, row := range map[string][2]any{
		"header timeout":            {o.Timeouts.Header, 10 * time.Second},
		"read timeout":              {o.Timeouts.Read, 30 * time.Second},
		"write timeout":             {o.Timeouts.Write, time.Minute},
		"idle timeout":              {o.Timeouts.Idle, 2 * time.Minute},
		"dial timeout":              {o.Timeouts.Dial, 5 * time.Second},
		"response timeout":          {o.Timeouts.Response, time.Minute},
		"tunnel timeout":            {o.Timeouts.Tunnel, time.Hour},
		"bytes of a head":           {o.MaxHeaderBytes, 32 << 10},
		"fields":                    {o.MaxHeaderFields, 100},
		"requests in hand":          {o.MaxConnsPerTarget, 1024},
		"wait for a busy target":    {o.TargetWait, 100 * time.Millisecond},
		"bytes of an answer's head": {h1.DefaultPoolOptions().Limits.HeadBytes, 64 << 10},
	} {
		if row[0] != row[1] {
			t.Errorf("%s: %v, want %v", name, row[0], row[1])
		}
	}
	if o.MaxConns < 1 || o.MaxConns > 1<<30 {
		t.Errorf("%d connections, want a number the descriptors suffice for", o.MaxConns)
	}
}

// A target that is spoken to encrypted has to show a certificate of someone who
// is trusted.
func TestTargetWithAnUnknownCertificate(t *testing.T) {
	// The upstream is a server of ours, by its self-signed certificate.
	upstream, _ := startTLS(t, "HTTP/1.1", nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	o := DefaultServerOptions()
	pool := h1.NewPool(upstream.addr, poolOptions(target.Key{Scheme: "https"}, &o))
	defer pool.CloseIdle()
	ans, err := pool.Send(t.Context(), &h1.Call{Method: "GET", Host: "h", Path: "/x"})
	if err == nil {
		ans.Close()
		t.Fatal("an unknown certificate is taken")
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("%v, want that the certificate is not known", err)
	}
}
