package lb

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is an upstream that keeps every byte it is sent.
type recorder struct {
	t    testing.TB
	addr string

	mu    sync.Mutex
	conns []*recording
}

// recording is one connection to a recorder.
type recording struct {
	net.Conn
	r *bufio.Reader

	mu    sync.Mutex
	got   bytes.Buffer
	reset bool
	done  chan struct{} // closed when the peer has closed
}

func (c *recording) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		c.reset = true
	}
	return n, err
}

// text is what came so far.
func (c *recording) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got.String()
}

// head reads a head; ok is false at the end of the connection.
func (c *recording) head() (head string, ok bool) {
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		b.WriteString(line)
		if err != nil {
			return b.String(), false
		}
		if line == "\r\n" {
			return b.String(), true
		}
	}
}

// record starts a recorder, which serves each connection by serve, ends its half
// of it then and reads what else comes.
func record(t testing.TB, serve func(*recording)) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &recorder{t: t, addr: l.Addr().String()}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			c := &recording{Conn: nc, done: make(chan struct{})}
			c.r = bufio.NewReader(c)
			u.mu.Lock()
			u.conns = append(u.conns, c)
			u.mu.Unlock()
			conns.Go(func() {
				defer close(c.done)
				defer nc.Close()
				serve(c)
				_ = nc.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		for _, c := range u.all() {
			c.Close()
		}
		conns.Wait()
	})
	return u
}

// saying answers every head with the text, and keeps the connection.
func saying(text string) func(*recording) {
	return func(c *recording) {
		for {
			if _, ok := c.head(); !ok {
				return
			}
			_, _ = io.WriteString(c, text)
		}
	}
}

// sayingOnce answers one head with the text and ends the connection.
func sayingOnce(text string) func(*recording) {
	return func(c *recording) {
		if _, ok := c.head(); ok {
			_, _ = io.WriteString(c, text)
		}
	}
}

func (u *recorder) all() []*recording {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]*recording(nil), u.conns...)
}

// ended is the recorder's only connection, once the peer closed it.
func (u *recorder) ended() *recording {
	u.t.Helper()
	eventually(u.t, "the upstream has a connection", func() bool { return len(u.all()) > 0 })
	conns := u.all()
	if len(conns) != 1 {
		u.t.Fatalf("the upstream has %d connections, want 1", len(conns))
	}
	select {
	case <-conns[0].done:
	case <-time.After(20 * time.Second):
		u.t.Fatal("the connection to the upstream stays open")
	}
	return conns[0]
}

// wireClient talks to a server in raw bytes.
type wireClient struct {
	t  testing.TB
	nc *net.TCPConn
	r  *bufio.Reader
}

func (r *rig) dial() *wireClient {
	r.t.Helper()
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(60 * time.Second))
	return &wireClient{r.t, nc.(*net.TCPConn), bufio.NewReader(nc)}
}

func (c *wireClient) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.nc, text); err != nil {
		c.t.Fatal(err)
	}
}

// head reads the head of an answer.
func (c *wireClient) head() string {
	c.t.Helper()
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if b.WriteString(line); err != nil {
			c.t.Fatalf("reading a head: %v, after %q", err, b.String())
		}
		if line == "\r\n" {
			return b.String()
		}
	}
}

// body reads n bytes.
func (c *wireClient) body(n int) string {
	c.t.Helper()
	b := make([]byte, n)
	if n, err := io.ReadFull(c.r, b); err != nil {
		c.t.Fatalf("reading a body: %v, after %q", err, b[:n])
	}
	return string(b)
}

// rest reads to the end of the connection.
func (c *wireClient) rest() string {
	b, _ := io.ReadAll(c.r)
	return string(b)
}

// closed checks that the connection ends and nothing more comes.
func (c *wireClient) closed() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); len(rest) > 0 || err != nil {
		c.t.Errorf("the connection goes on with %q, %v", rest, err)
	}
}
