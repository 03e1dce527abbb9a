package lb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// A head that does not come in time is answered 408, if any of it came; and the
// connection closed.
func TestSlowHeadIsA408(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(empty))
	r := start(t, func(o *ServerOptions) {
		o.Timeouts.Header, o.Timeouts.Idle = 200*time.Millisecond, 2*time.Second
	},
		testRoute{prefix: "/", backends: []string{upstream.Addr}})
	for sent, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: h\r\nX-": "HTTP/1.1 408 ", "G": "HTTP/1.1 408 ", "": "",
	} {
		got := r.raw(sent)
		if want == "" && got != "" || !strings.HasPrefix(got, want) || want != "" && !strings.Contains(got, "\r\nConnection: close\r\n") {
			t.Errorf("%q is answered %q", sent, got)
		}
	}
	if n := len(upstream.All()); n > 0 {
		t.Errorf("%d connections upstream", n)
	}
}

// A thousand clients that trickle their heads delay nobody.
func TestThousandSlowHeads(t *testing.T) {
	slow := 1000
	if testing.Short() {
		slow = 100
	}
	r := start(t, func(o *ServerOptions) { o.Timeouts.Header = 2 * time.Second },
		testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	conns := make([]net.Conn, slow)
	for i := range conns {
		nc, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(2 * time.Minute))
		_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\nHost: h\r\n")
		conns[i] = nc
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			for _, nc := range conns {
				_, _ = fmt.Fprintf(nc, "X-%d: y\r\n", i) // fails when it was closed
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	c := client(t)
	for range 300 {
		resp, err := c.Get(r.url("/x"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || err != nil {
			t.Errorf("%s, %v beside slow clients", resp.Status, err)
		}
	}
	for _, nc := range conns {
		// What it goes on to send may have the end look like a reset.
		if got, err := io.ReadAll(nc); !strings.HasPrefix(string(got), "HTTP/1.1 408 ") || err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("a slow client gets %q, %v", got, err)
		}
	}
	cancel()
	wg.Wait()
	eventually(t, "the slow connections are gone", func() bool { return openConns(r) <= 1 })
}

// openConns counts the connections of clients over HTTP/1.1.
func openConns(r *rig) (n int) {
	for _, e := range r.entries {
		n += e.http1.Conns()
	}
	return n
}

// Who says nothing is closed without a word: between requests, and where a
// handshake should come.
func TestSilentConnectionsAreClosed(t *testing.T) {
	change := func(o *ServerOptions) {
		o.Timeouts.Idle, o.Timeouts.Header = 2*time.Second, 2*time.Second
	}
	route := testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}}
	plain := start(t, change, route)
	c := plain.dial()
	c.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
	var length int
	head := c.head()
	_, after, _ := strings.Cut(head, "Content-Length: ")
	_, _ = fmt.Sscan(after, &length)
	c.body(length)
	c.closed()
	encrypted, _ := startTLS(t, "HTTP/1.1", change, route)
	silent := encrypted.dial()
	silent.closed()
}
