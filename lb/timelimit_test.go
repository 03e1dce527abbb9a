package lb

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// The time of a route is for all of a request, whatever of it takes so long: the
// head of the answer, an answer that never pauses, or a body of the client's.
func TestTimeOfARequestAsAWhole(t *testing.T) {
	silent := rawBackend(t, func(_ string, _ net.Conn, r *bufio.Reader) { _, _ = r.ReadByte() })
	endless := rawBackend(t, func(_ string, nc net.Conn, _ *bufio.Reader) {
		_, err := io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")
		for piece := make([]byte, 64<<10); err == nil; {
			_, err = nc.Write(piece)
		}
	})
	stuck := rawBackend(t, func(_ string, nc net.Conn, r *bufio.Reader) {
		_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
		_, _ = r.ReadByte()
	})
	limit := &spec.LoadBalancer{RequestTimeout: 100 * time.Millisecond, ResponseTimeout: time.Hour}
	r := start(t, nil,
		testRoute{prefix: "/silent", backends: []string{silent, silent, silent}, balance: limit},
		testRoute{prefix: "/endless", backends: []string{endless}, balance: limit},
		testRoute{prefix: "/stuck", backends: []string{stuck}, balance: limit},
		testRoute{prefix: "/quick", backends: []string{httpBackend(t, echo)}, balance: limit},
	)
	if status, body := r.get("/silent"); status != http.StatusGatewayTimeout {
		t.Errorf("without an answer: %d %q", status, body)
	}
	for n, path := range []string{"/endless", "/stuck"} {
		resp, err := client(t).Get(r.url(path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); resp.StatusCode != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %s, and then %v, want an answer that is cut off", path, resp.Status, err)
		}
		resp.Body.Close()
		eventually(t, "it is counted", func() bool { return r.Metrics().Late == uint64(n+2) })
	}
	slow, end := io.Pipe()
	defer end.Close()
	resp, err := client(t).Post(r.url("/silent"), "text/plain", slow)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("with a body that does not end: %s", resp.Status)
	}
	for range 3 { // the connection is as good as before
		if status, _ := r.get("/quick"); status != http.StatusOK {
			t.Errorf("a quick one: %d", status)
		}
	}
	if m := r.Metrics(); m.Late != 4 {
		t.Errorf("%d requests are counted as late, want 4", m.Late)
	}
}

// All tries share the time, and what was upgraded in time has all of it.
func TestTimeOfTriesAndOfTunnels(t *testing.T) {
	waits := func() string {
		return rawBackend(t, func(_ string, nc net.Conn, r *bufio.Reader) {
			_ = nc.SetReadDeadline(time.Now().Add(70 * time.Millisecond))
			_, _ = r.ReadByte()
		})
	}
	tunnel := rawBackend(t, func(_ string, nc net.Conn, r *bufio.Reader) {
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, _ := r.ReadString('\n')
		_, _ = io.WriteString(nc, line)
	})
	balance := &spec.LoadBalancer{
		RequestTimeout: 100 * time.Millisecond, Retries: &spec.Retries{Attempts: 8}, Outlier: &spec.Outlier{Off: true},
	}
	r := start(t, nil,
		testRoute{prefix: "/tries", backends: []string{waits(), waits(), waits(), waits(), waits(), waits()}, balance: balance},
		testRoute{prefix: "/tunnel", backends: []string{tunnel}, balance: balance},
	)
	if status, body := r.get("/tries"); status != http.StatusGatewayTimeout {
		t.Errorf("%d %q", status, body)
	}
	if retries := r.Metrics().Retries; retries > 1 {
		t.Errorf("%d further tries in a time that is enough for one", retries)
	}
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, "GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	from := bufio.NewReader(nc)
	if line, err := from.ReadString('\n'); !strings.Contains(line, " 101 ") {
		t.Fatalf("%q, %v", line, err)
	}
	time.Sleep(3 * balance.RequestTimeout) // much longer than it would be allowed
	_, _ = io.WriteString(nc, "still here\n")
	all, err := io.ReadAll(from)
	if !strings.HasSuffix(string(all), "still here\n") {
		t.Errorf("%q, %v", all, err)
	}
}

// Targets that speak HTTP/2 have no more time than others.
func TestTimeOfARequestToHTTP2(t *testing.T) {
	backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/endless" {
			for piece := make([]byte, 1024); r.Context().Err() == nil; {
				_, _ = w.Write(piece)
			}
		}
		if r.URL.Path != "/quick" {
			<-r.Context().Done()
		}
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{backend}, balance: &spec.LoadBalancer{RequestTimeout: 100 * time.Millisecond}})
	if status, _ := r.get("/silent"); status != http.StatusGatewayTimeout {
		t.Errorf("a silent target is a %d", status)
	}
	resp, err := client(t).Get(r.url("/endless"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); resp.StatusCode != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%s, and then %v, want an answer that is cut off", resp.Status, err)
	}
	if status, _ := r.get("/quick"); status != http.StatusOK {
		t.Errorf("a quick one: %d", status)
	}
}
