package lb

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// What refuses connections costs nobody a request, with a body or without.
func TestHTTP2TargetRetries(t *testing.T) {
	good := h2cBackend(t, echo)
	r := start(t, nil, testRoute{prefix: "/", backends: []string{"h2c://" + lbtest.Refusing(t), good}})
	for range 4 {
		for _, method := range []string{"GET", "POST"} {
			request, _ := http.NewRequest(method, r.url("/"), strings.NewReader("text"))
			resp, err := client(t).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || !strings.HasSuffix(string(body), "text") {
				t.Errorf("%s %s %q", method, resp.Status, body)
			}
		}
	}
	if r.Metrics().Retries == 0 {
		t.Error("nothing was tried again")
	}
}

func TestHTTP2TargetTimeouts(t *testing.T) {
	backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	})
	r := start(t, func(o *ServerOptions) { o.Timeouts.Response = 30 * time.Millisecond }, testRoute{prefix: "/", backends: []string{backend}})
	if status, _ := r.get("/"); status != http.StatusGatewayTimeout {
		t.Errorf("a silent target is a %d", status)
	}
	// It may use another protocol than was thought.
	r = start(t, nil, testRoute{prefix: "/", backends: []string{"h2c://" + httpBackend(t, echo)}})
	if status, _ := r.get("/"); status != http.StatusBadGateway {
		t.Errorf("a target that does not speak HTTP/2 is a %d", status)
	}
}

// The requests in flight to a target are bounded, though they share a connection.
func TestHTTP2TargetIsBusy(t *testing.T) {
	begun, release := make(chan struct{}, 2), make(chan struct{})
	backend := h2cBackend(t, func(http.ResponseWriter, *http.Request) {
		begun <- struct{}{}
		<-release
	})
	r := start(t, func(o *ServerOptions) { o.MaxConnsPerTarget, o.TargetWait = 2, time.Millisecond }, testRoute{prefix: "/", backends: []string{backend}})
	done := make(chan int, 2)
	for range 2 {
		go func() {
			resp, err := client(t).Get(r.url("/"))
			if err != nil {
				done <- 0
				return
			}
			resp.Body.Close()
			done <- resp.StatusCode
		}()
	}
	<-begun
	<-begun
	if status, _ := r.get("/"); status != http.StatusServiceUnavailable {
		t.Errorf("a third one is a %d", status)
	}
	close(release)
	if a, b := <-done, <-done; a != http.StatusOK || b != http.StatusOK {
		t.Errorf("%d and %d", a, b)
	}
	if m := r.Metrics().Targets[0]; m.Busy != 1 || m.Failures != 0 {
		t.Errorf("%+v", m)
	}
	if status, _ := r.get("/"); status != http.StatusOK {
		t.Errorf("behind that, %d", status)
	}
}

// A call of gRPC may be silent for longer than timeouts of others are.
func TestHTTP2TargetPatience(t *testing.T) {
	pause := make(chan struct{})
	backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-pause:
		case <-r.Context().Done():
		}
		io.Copy(w, r.Body)
	})
	_, c, url := startWire(t, "h2c", func(o *ServerOptions) {
		o.Timeouts.Read, o.Timeouts.Response = 20*time.Millisecond, 20*time.Millisecond
	}, testRoute{prefix: "/", backends: []string{backend}})
	post := func(kind string) (status int, text string) {
		body, more := io.Pipe()
		time.AfterFunc(150*time.Millisecond, func() {
			select {
			case pause <- struct{}{}:
			case <-t.Context().Done():
			}
			io.WriteString(more, "late")
			more.Close()
		})
		resp, err := c.Post(url, kind, body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(got)
	}
	if status, got := post("application/grpc+proto"); status != http.StatusOK || got != "late" {
		t.Errorf("%d %q", status, got)
	}
	if status, _ := post("text/plain"); status != http.StatusRequestTimeout {
		t.Errorf("what is not gRPC is a %d", status)
	}
}

// gRPC needs HTTP/2 of a target with TLS as well; all else takes HTTP/1.1.
func TestTargetWithTLSAndGRPC(t *testing.T) {
	backend := lbtest.HTTPS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	old := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	old.Config.ErrorLog = log.New(t.Output(), "", 0)
	old.StartTLS()
	defer old.Close()
	r := start(t, nil, testRoute{prefix: "/", backends: []string{"https://" + backend}},
		testRoute{prefix: "/old", backends: []string{"https://" + old.Listener.Addr().String()}})
	post := func(path, kind string) string {
		resp, err := client(t).Post(r.url(path), kind, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return fmt.Sprint(resp.StatusCode, " ", string(text))
	}
	if got := post("/", "application/grpc"); got != "200 HTTP/2.0" {
		t.Error(got)
	}
	if got := post("/", "text/plain"); got != "200 HTTP/1.1" {
		t.Error(got)
	}
	if got := post("/old", "application/grpc"); got != "502 502 bad gateway\n" {
		t.Error(got)
	}
}

// Each request to a target that is to be told of the client has a connection with
// a PROXY header of its own.
func TestHTTP2TargetIsToldOfTheClient(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	behind := &behindProxy{Listener: s.Listener}
	s.Listener = behind
	s.Start()
	defer s.Close()
	backend := "h2c://" + behind.Addr().String()
	r := start(t, nil, testRoute{prefix: "/", backends: []string{backend}, change: func(r *Route) { r.balancer = &spec.LoadBalancer{Proxy: &spec.ProxyProtocol{Version: 1}} }})
	for range 2 {
		if status, text := r.get("/"); status != http.StatusOK {
			t.Fatal(status, text)
		}
	}
	eventually(t, "the connections are closed", func() bool { return r.Metrics().Targets[0].Open == 0 })
	behind.mu.Lock()
	defer behind.mu.Unlock()
	if len(behind.headers) != 2 {
		t.Errorf("%q", behind.headers)
	}
}

// behindProxy takes PROXY headers off the connections it accepts.
type behindProxy struct {
	net.Listener
	mu      sync.Mutex
	headers []string
}

func (l *behindProxy) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	var line []byte
	for one := make([]byte, 1); !bytes.HasSuffix(line, []byte("\n")); line = append(line, one...) {
		if _, err := nc.Read(one); err != nil {
			return nil, err
		}
	}
	if bytes.HasPrefix(line, []byte("PROXY TCP4 127.0.0.1 ")) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.headers = append(l.headers, string(line))
	}
	return nc, nil
}

// The time of a route is for all of a request over HTTP/2, too.
func TestHTTP2TargetTimeAsAWhole(t *testing.T) {
	backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
		var err error
		switch r.URL.Path {
		case "/endless":
			for piece := make([]byte, 64<<10); err == nil; {
				_, err = w.Write(piece)
			}
		case "/stuck":
			io.WriteString(w, "12345")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	limit := &spec.LoadBalancer{RequestTimeout: 50 * time.Millisecond, ResponseTimeout: time.Hour}
	for _, wire := range wires {
		t.Run(wire, func(t *testing.T) {
			r, c, url := startWire(t, wire, nil, testRoute{prefix: "/", backends: []string{backend, backend}, balance: limit})
			for _, kind := range []string{"text/plain", "application/grpc"} {
				resp, err := c.Post(url+"/silent", kind, strings.NewReader("x"))
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusGatewayTimeout {
					t.Errorf("without an answer: %s", resp.Status)
				}
			}
			for _, path := range []string{"/endless", "/stuck"} {
				resp, err := c.Get(url + path)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); resp.StatusCode != http.StatusOK || err == nil {
					t.Errorf("%s: %s, and then %v, want an answer that is cut off", path, resp.Status, err)
				}
				resp.Body.Close()
			}
			eventually(t, "all are counted", func() bool { return r.Metrics().Late == 4 && r.Metrics().InFlight == 0 })
		})
	}
}

// Whoever does not take an answer holds up neither others on the connection nor
// more of it than a buffer.
func TestHTTP2TargetBackPressure(t *testing.T) {
	var sent atomic.Int64
	backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/much" {
			echo(w, r)
			return
		}
		for piece := make([]byte, 64<<10); r.Context().Err() == nil; sent.Add(int64(len(piece))) {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{backend}})
	for range 4 {
		nc := hold(t, r.addr)
		io.WriteString(nc, "GET /much HTTP/1.1\r\nHost: h\r\n\r\n")
	}
	still := func() bool {
		before := sent.Load()
		time.Sleep(100 * time.Millisecond) // for what is on its way; a wrong answer is asked for again
		return before > 0 && sent.Load() == before
	}
	eventually(t, "nothing is sent any more", still)
	if status, _ := r.get("/x"); status != http.StatusOK {
		t.Errorf("another one on the connection is a %d", status)
	}
}
