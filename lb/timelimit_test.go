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

	"github.com/sluiceproxy/sluice/lb/h1"
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
		testRoute{prefix: "/quick", backends: []string{httpBackend(t, echo)}, balance: &spec.LoadBalancer{RequestTimeout: time.Hour}},
	)
	if status, body := r.get("/silent"); status != http.StatusGatewayTimeout {
		t.Errorf("without an answer: %d %q", status, body)
	}
	late := uint64(1)
	for _, path := range []string{"/endless", "/stuck"} {
		late += r.cutOff(path)
		eventually(t, "it is counted", func() bool { return r.Metrics().Late == late })
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
	if m := r.Metrics(); m.Late != late+1 {
		t.Errorf("%d requests are counted as late, want %d", m.Late, late+1)
	}
}

// cutOff asks for an answer that begins in time and does not end in time, and
// returns how many requests were late with that. On a busy machine some may be so
// before the answer begins.
func (r *rig) cutOff(path string) (late uint64) {
	r.t.Helper()
	var resp *http.Response
	eventually(r.t, "an answer begins in time", func() bool {
		late++
		var err error
		if resp, err = client(r.t).Get(r.url(path)); err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { resp.Body.Close() })
		return resp.StatusCode != http.StatusGatewayTimeout
	})
	if _, err := io.Copy(io.Discard, resp.Body); resp.StatusCode != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) {
		r.t.Errorf("%s: %s, and then %v, want an answer that is cut off", path, resp.Status, err)
	}
	return late
}

// All tries share the time.
func TestTimeOfTries(t *testing.T) {
	waits := func() string {
		return rawBackend(t, func(_ string, nc net.Conn, r *bufio.Reader) {
			_ = nc.SetReadDeadline(time.Now().Add(70 * time.Millisecond))
			_, _ = r.ReadByte()
		})
	}
	balance := &spec.LoadBalancer{
		RequestTimeout: 100 * time.Millisecond, Retries: &spec.Retries{Attempts: 8}, Outlier: &spec.Outlier{Off: true},
	}
	r := start(t, nil,
		testRoute{prefix: "/", backends: []string{waits(), waits(), waits(), waits(), waits(), waits()}, balance: balance})
	if status, body := r.get("/tries"); status != http.StatusGatewayTimeout {
		t.Errorf("%d %q", status, body)
	}
	if retries := r.Metrics().Retries; retries > 1 {
		t.Errorf("%d further tries in a time that is enough for one", retries)
	}
}

// A target may fail at the very end of the time, and then there is none for
// another one: what the client is told does not depend on which of both is noticed
// first.
func TestFailureWhenTimeIsOver(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{"192.0.2.1:80"}})
	pool := r.Table().routes[0].Pool
	for _, tt := range []struct {
		until  time.Duration // from now
		status int
		late   uint64
	}{{time.Hour, http.StatusBadGateway, 0}, {-1, http.StatusGatewayTimeout, 1}} {
		x := &Exchange{Reply: &discardingReply{}, ctx: t.Context(), limit: timeLimit{until: time.Now().Add(tt.until)}}
		before := r.Metrics().Late
		forwarder{r.Server}.fail(x, pool.Pick(0), &h1.SendError{Progress: h1.BodySent, Err: io.EOF})
		if x.Outcome.Status != tt.status || !errors.Is(x.Outcome.Err, io.EOF) {
			t.Errorf("%v before the end of the time: %d, %v, want %d", tt.until, x.Outcome.Status, x.Outcome.Err, tt.status)
		}
		if late := r.Metrics().Late - before; late != tt.late {
			t.Errorf("%v before the end of the time: %d are counted as late, want %d", tt.until, late, tt.late)
		}
	}
}

// What was upgraded in time has all of it.
func TestTimeOfTunnels(t *testing.T) {
	tunnel := rawBackend(t, func(_ string, nc net.Conn, r *bufio.Reader) {
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, _ := r.ReadString('\n')
		_, _ = io.WriteString(nc, line)
	})
	limit := 100 * time.Millisecond
	r := start(t, nil, testRoute{prefix: "/", backends: []string{tunnel}, balance: &spec.LoadBalancer{RequestTimeout: limit}})
	var nc *wireClient
	eventually(t, "there is an upgrade in time", func() bool {
		nc = r.dial()
		nc.send("GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		return strings.HasPrefix(nc.head(), "HTTP/1.1 101 ")
	})
	time.Sleep(3 * limit) // much longer than it would be allowed
	nc.send("still here\n")
	if rest := nc.rest(); rest != "still here\n" {
		t.Errorf("%q", rest)
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
	r := start(t, nil,
		testRoute{prefix: "/", backends: []string{backend}, balance: &spec.LoadBalancer{RequestTimeout: 100 * time.Millisecond}},
		testRoute{prefix: "/quick", backends: []string{backend}, balance: &spec.LoadBalancer{RequestTimeout: time.Hour}},
	)
	if status, _ := r.get("/silent"); status != http.StatusGatewayTimeout {
		t.Errorf("a silent target is a %d", status)
	}
	r.cutOff("/endless")
	if status, _ := r.get("/quick"); status != http.StatusOK {
		t.Errorf("a quick one: %d", status)
	}
}
