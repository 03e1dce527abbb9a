package lb

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// slowBackend answers a request for /slow, the arrival of which it tells, when it is
// told to, and others at once.
func slowBackend(t *testing.T) (address string, arrived <-chan struct{}, answer func()) {
	came, release := make(chan struct{}), make(chan struct{})
	address = httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(came)
			<-release
		}
		_, _ = io.WriteString(w, "served")
	})
	return address, came, sync.OnceFunc(func() { close(release) })
}

// An HTTP/2 client is told to go away, has its streams served to their end, and
// no goroutine stays behind; TestMain sees to the latter.
func TestDrainOverHTTP2(t *testing.T) {
	address, arrived, answer := slowBackend(t)
	defer answer()
	r, c := startTLS(t, "HTTP/2.0", nil, testRoute{prefix: "/", backends: []string{address}})
	get := func(path string) (string, error) {
		resp, err := c.Get("https://" + r.addr + path)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp.Proto + " " + string(body), err
	}
	if body, err := get("/x"); body != "HTTP/2.0 served" || err != nil {
		t.Fatalf("%q, %v", body, err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if body, err := get("/slow"); body != "HTTP/2.0 served" || err != nil {
			t.Errorf("in flight: %q, %v", body, err)
		}
	})
	<-arrived
	wg.Go(r.stop)
	// Told to go away, the client opens another connection, which is refused.
	eventually(t, "the client is told to go away", func() bool {
		_, err := get("/x")
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	answer()
	wg.Wait()
	if r.err != nil {
		t.Error(r.err)
	}
}

// An HTTP/2 client is told to go away at once, not when the last request of another
// client over HTTP/1.1 is answered.
func TestDrainTellsAtOnce(t *testing.T) {
	address, arrived, answer := slowBackend(t)
	defer answer()
	r, c := startTLS(t, "HTTP/2.0", nil, testRoute{prefix: "/", backends: []string{address}})
	get := func(c *http.Client, path string) error {
		resp, err := c.Get("https://" + r.addr + path)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if err := get(c, "/x"); err != nil {
		t.Fatal(err)
	}
	old := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer old.CloseIdleConnections()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := get(&http.Client{Transport: old}, "/slow"); err != nil {
			t.Error(err)
		}
	})
	<-arrived
	wg.Go(r.stop)
	eventually(t, "the client is told to go away", func() bool {
		return errors.Is(get(c, "/x"), syscall.ECONNREFUSED)
	})
	answer()
	wg.Wait()
	if r.err != nil {
		t.Error(r.err)
	}
}

// Connections made before the server stops are served, whether they were accepted
// by then or not, and their requests read.
func TestDrainServesTheBacklog(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	var clients []*wireClient
	for range 200 {
		c := r.dial()
		c.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
		clients = append(clients, c)
	}
	r.stop()
	for i, c := range clients {
		if got := c.rest(); !strings.HasPrefix(got, okay) || strings.Count(got, "HTTP/1.1 ") != 1 {
			t.Fatalf("client %d gets %q", i, got)
		}
	}
	if r.err != nil {
		t.Error(r.err)
	}
}
