package h1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is an upstream that records what it is sent, byte for byte.
type recorder struct {
	addr string

	mu    sync.Mutex
	conns []*recording
}

type recording struct {
	net.Conn
	r *bufio.Reader

	mu   sync.Mutex
	got  bytes.Buffer
	done chan struct{} // closed when serve has returned and the peer closed
}

func (r *recording) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.mu.Lock()
	r.got.Write(p[:n])
	r.mu.Unlock()
	return n, err
}

func (r *recording) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got.String()
}

// readHead reads a head off the connection.
func (r *recording) readHead() (string, error) {
	var head strings.Builder
	for {
		line, err := r.r.ReadString('\n')
		if head.WriteString(line); err != nil || line == "\r\n" {
			return head.String(), err
		}
	}
}

// say answers every head with the text.
func say(text string) func(*recording) {
	return func(r *recording) {
		for {
			if _, err := r.readHead(); err != nil {
				return
			}
			if _, err := io.WriteString(r, text); err != nil {
				return
			}
		}
	}
}

// sayAndClose answers one head with the text and closes the connection.
func sayAndClose(text string) func(*recording) {
	return func(r *recording) {
		if _, err := r.readHead(); err == nil {
			_, _ = io.WriteString(r, text)
		}
	}
}

// newRecorder starts an upstream that has each connection served by serve, and
// then read to its end.
func newRecorder(t testing.TB, serve func(*recording)) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &recorder{addr: l.Addr().String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			r := &recording{Conn: nc, done: make(chan struct{})}
			r.r = bufio.NewReader(r)
			u.mu.Lock()
			u.conns = append(u.conns, r)
			u.mu.Unlock()
			wg.Go(func() {
				defer close(r.done)
				defer nc.Close()
				serve(r)
				closeWrite(nc)
				_, _ = io.Copy(io.Discard, r)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		u.mu.Lock()
		for _, r := range u.conns {
			r.Close()
		}
		u.mu.Unlock()
		wg.Wait()
	})
	return u
}

func (u *recorder) all() []*recording {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]*recording(nil), u.conns...)
}

// only is the one connection there is to be, once it has ended.
func (u *recorder) only(t *testing.T) *recording {
	t.Helper()
	conns := u.all()
	for deadline := time.Now().Add(20 * time.Second); len(conns) == 0 && time.Now().Before(deadline); conns = u.all() {
		time.Sleep(time.Millisecond) // it may not be accepted yet
	}
	if len(conns) != 1 {
		t.Fatalf("the upstream has %d connections, want 1", len(conns))
	}
	select {
	case <-conns[0].done:
	case <-time.After(20 * time.Second):
		t.Fatal("the connection to the upstream stays open")
	}
	return conns[0]
}

// client talks to a server in raw bytes.
type client struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func newClient(t testing.TB, addr string) *client {
	nc := dial(t, addr)
	return &client{t, nc, bufio.NewReader(nc)}
}

func (c *client) send(raw string) {
	c.t.Helper()
	if _, err := io.WriteString(c.nc, raw); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one answer. The body's error is part of it.
func (c *client) answer(method string) (resp *http.Response, body string, err error) {
	c.t.Helper()
	resp, err = http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// wants checks an answer with a whole body.
func (c *client) wants(method string, status int, body string) *http.Response {
	c.t.Helper()
	resp, got, err := c.answer(method)
	if resp.StatusCode != status || got != body || err != nil {
		c.t.Errorf("the answer is %d %q, %v, want %d %q (%v)", resp.StatusCode, got, err, status, body, resp.Header)
	}
	return resp
}

// informed reads the final answer behind any number of interim ones.
func (c *client) informed() *http.Response {
	c.t.Helper()
	for {
		if resp, _, _ := c.answer("GET"); resp.StatusCode >= 200 {
			return resp
		}
	}
}

// closed checks that there is nothing more to come.
func (c *client) closed() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); len(rest) > 0 || err != nil {
		c.t.Errorf("the connection goes on with %q, %v", rest, err)
	}
}
