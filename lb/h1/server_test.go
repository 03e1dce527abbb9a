package h1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// echo answers with the method, the path and the body.
func echo(in *Inbound) {
	body, err := io.ReadAll(&in.Body)
	status := 200
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		status = refusal.Status
	}
	text := fmt.Sprintf("%s %s %s", in.Request.Method(), in.Request.Path(), body)
	_ = in.Begin(status, nil, int64(len(text)))
	_, _ = io.WriteString(in, text)
	_ = in.End(nil)
}

func startServer(t testing.TB, handle func(*Inbound), edit ...func(*Options)) (*Server, string) {
	t.Helper()
	o := DefaultOptions()
	for _, e := range edit {
		e(&o)
	}
	s := NewServer(o, handle)
	addr := listen(t, s)
	t.Cleanup(s.Close)
	return s, addr
}

func TestPipelining(t *testing.T) {
	_, addr := startServer(t, echo)
	c := newClient(t, addr)
	var all strings.Builder
	const n = 500
	for i := range n {
		fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d", i, i)
		fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n%03d\r\n0\r\n\r\n", i, i)
	}
	go c.send(all.String())
	for i := range n {
		want := fmt.Sprintf("POST /%d %03d", i, i)
		c.wants("POST", 200, want)
		c.wants("POST", 200, want)
	}
}

func TestLargeHeadsAndBodies(t *testing.T) {
	_, addr := startServer(t, echo)
	c := newClient(t, addr)
	for _, size := range []int{10, 3 << 10, 5 << 10, 30 << 10} {
		for _, length := range []int{0, 1, 5000, 40 << 10, 300 << 10} {
			body := strings.Repeat("x", length)
			raw := fmt.Sprintf("POST /x HTTP/1.1\r\nHost: a\r\nX: %s\r\nContent-Length: %d\r\n\r\n%s", strings.Repeat("a", size), length, body)
			go c.send(raw)
			c.wants("POST", 200, "POST /x "+body)
		}
	}
}

func TestClosing(t *testing.T) {
	_, addr := startServer(t, echo)
	for _, test := range []struct {
		name, raw  string
		connection string
		closed     bool
	}{
		{"close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + smuggled, "close", true},
		{"HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "close", true},
		{"HTTP/1.0 kept", "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", "keep-alive", false},
		{"kept", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", false},
	} {
		c := newClient(t, addr)
		c.send(test.raw)
		head := c.head()
		if strings.Contains(head, "Connection: "+test.connection) != (test.connection != "") {
			t.Errorf("%s: the head is %q", test.name, head)
		}
		if _, err := io.CopyN(io.Discard, c.r, int64(len("GET / "))); err != nil {
			t.Fatal(err)
		}
		if test.closed {
			c.closed()
			continue
		}
		c.send("GET /more HTTP/1.1\r\nHost: a\r\n\r\n")
		c.wants("GET", 200, "GET /more ")
	}
}

func TestExpectContinue(t *testing.T) {
	ask := "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
	t.Run("asked", func(t *testing.T) {
		_, addr := startServer(t, echo)
		c := newClient(t, addr)
		c.send(ask)
		if head := c.head(); head != "HTTP/1.1 100 Continue\r\n\r\n" {
			t.Errorf("the client is told %q", head)
		}
		c.send("hello")
		c.wants("POST", 200, "POST / hello")
		c.send(ask + "hello") // does not wait, and need not be told
		c.wants("POST", 200, "POST / hello")
	})
	t.Run("not asked", func(t *testing.T) {
		_, addr := startServer(t, func(in *Inbound) {
			_ = in.Begin(413, nil, 0)
			if n, err := in.Body.Read(make([]byte, 1)); n > 0 || err == nil {
				t.Errorf("the body is read although it was refused: %d, %v", n, err)
			}
			_ = in.End(nil)
		})
		c := newClient(t, addr)
		c.send(ask)
		if resp := c.wants("POST", 413, ""); !resp.Close {
			t.Error("the connection is kept, though a body may come")
		}
		c.send("GET /") // the body, or what looks like a request
		c.closed()
	})
	t.Run("other", func(t *testing.T) {
		_, addr := startServer(t, echo)
		c := newClient(t, addr)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n")
		c.send("hello")
		c.wants("POST", 200, "POST / hello")
		c.send("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		c.send("hello")
		c.wants("POST", 200, "POST / hello")
	})
}

// What is left of a body nobody read is discarded, or the connection closed: it
// is never taken for a request.
func TestBodiesNobodyReads(t *testing.T) {
	_, addr := startServer(t, func(in *Inbound) {
		_ = in.Begin(404, nil, 0)
		_ = in.End(nil)
	})
	c := newClient(t, addr)
	body := strings.Repeat(smuggled, 1000)
	c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	if resp := c.wants("POST", 404, ""); resp.Close {
		t.Error("a small body closes the connection")
	}
	c.send(request)
	c.wants("GET", 404, "")

	c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", maxDiscard+1, body))
	if resp := c.wants("POST", 404, ""); !resp.Close {
		t.Error("a large body does not close the connection")
	}
	c.closed()

	c = newClient(t, addr)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + smuggled)
	if resp := c.wants("POST", 404, ""); !resp.Close {
		t.Error("a body of unknown length does not close the connection")
	}
	c.closed()
}

func TestHandlersThatErr(t *testing.T) {
	for name, handle := range map[string]func(*Inbound){
		"no answer": func(*Inbound) {},
		"no end": func(in *Inbound) {
			_ = in.Begin(200, nil, -1)
			_, _ = io.WriteString(in, "hello")
		},
		"too short": func(in *Inbound) {
			_ = in.Begin(200, nil, 6)
			_, _ = io.WriteString(in, "hello")
			if err := in.End(nil); !errors.Is(err, errBodyLength) {
				t.Errorf("a body too short ends with %v", err)
			}
		},
		"too long": func(in *Inbound) {
			_ = in.Begin(200, nil, 4)
			if _, err := io.WriteString(in, "hello"); !errors.Is(err, errBodyLength) {
				t.Errorf("a body too long is written with %v", err)
			}
		},
	} {
		_, addr := startServer(t, handle)
		c := newClient(t, addr)
		c.send(request + smuggled)
		rest, _ := io.ReadAll(c.r)
		if got := string(rest); strings.Count(got, "HTTP/1.1") > 1 || strings.HasSuffix(got, "0\r\n\r\n") {
			t.Errorf("%s: the client got %q", name, got)
		}
	}
}

// A handler cannot break the answer's head, whatever it puts in.
func TestFieldsSent(t *testing.T) {
	_, addr := startServer(t, func(in *Inbound) {
		for _, bad := range []Field{{"X", "a\r\nY: b"}, {"X", "a\nb"}, {"X", "\x00"}, {"X Y", "a"}, {"X:", "a"}, {"", "a"}, {"X\r\n", "a"}} {
			if err := in.Begin(200, []Field{bad}, 0); err == nil {
				t.Errorf("%q is sent", bad)
			}
			if err := in.Inform(103, []Field{bad}); err == nil {
				t.Errorf("%q is sent in an interim answer", bad)
			}
		}
		_ = in.Begin(200, []Field{{"Content-Length", "9"}, {"connection", "x"}, {"Transfer-Encoding", "x"}, {"Keep-Alive", "x"},
			{"Upgrade", "x"}, {"Date", "then"}, {"X", "y"}}, 0)
		_ = in.End(nil)
	})
	c := newClient(t, addr)
	c.send(request)
	if head := c.head(); head != "HTTP/1.1 200 OK\r\nDate: then\r\nX: y\r\nContent-Length: 0\r\n\r\n" {
		t.Errorf("the head is %q", head)
	}
}

// Whatever a handler says of its length, a 204 announces none (RFC 9110 §8.6), and
// neither it nor a 304 has a body.
func TestBodilessStatuses(t *testing.T) {
	_, addr := startServer(t, func(in *Inbound) {
		status := 204
		if in.Request.Path() == "/304" {
			status = 304
		}
		_ = in.Begin(status, nil, 5)
		_, _ = io.WriteString(in, "hello")
		_ = in.End(nil)
	})
	c := newClient(t, addr)
	for path, announced := range map[string]bool{"/204": false, "/304": true} {
		for range 2 {
			c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			if head := c.head(); strings.Contains(head, "\r\nContent-Length: 5\r\n") != announced || strings.Contains(head, "Transfer-Encoding") {
				t.Errorf("%s: the head is %q", path, head)
			}
		}
	}
}

func TestServesTLS(t *testing.T) {
	pair := httptest.NewTLSServer(nil)
	pair.Close()
	s := NewServer(DefaultOptions(), func(in *Inbound) {
		if in.TLS() == nil || !in.TLS().HandshakeComplete {
			t.Error("the state of TLS is missing")
		}
		echo(in)
	})
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(tls.NewListener(l, &tls.Config{Certificates: pair.TLS.Certificates})) }()
	c := newClient(t, l.Addr().String())
	c.nc = tls.Client(c.nc, &tls.Config{InsecureSkipVerify: true})
	c.r.Reset(c.nc)
	body := strings.Repeat("x", 100<<10)
	for range 3 {
		go c.send(fmt.Sprintf("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		c.wants("POST", 200, "POST /x "+body)
	}
	c.send("GET / HTTP/1.1\r\n\r\n")
	c.wants("GET", 400, "400 bad request\n")
	c.closed() // with a goodbye, or this is an error
	s.Drain()
	l.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestDrain(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	s, addr := startServer(t, func(in *Inbound) {
		if in.Request.Path() == "/slow" {
			close(arrived)
			<-answer
		}
		echo(in)
	})
	idle, fresh, busy := newClient(t, addr), newClient(t, addr), newClient(t, addr)
	idle.send(request)
	idle.wants("GET", 200, "GET /x ")
	busy.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
	<-arrived

	drained := make(chan error)
	go func() { drained <- s.Shutdown(context.Background()) }()
	idle.closed()
	fresh.closed()
	close(answer)
	busy.send("hello") // the body still comes
	if resp := busy.wants("POST", 200, "POST /slow hello"); !resp.Close {
		t.Error("an answer of a server that drains does not close the connection")
	}
	busy.closed()
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestShutdownGivesUp(t *testing.T) {
	arrived := make(chan struct{})
	s, addr := startServer(t, func(in *Inbound) {
		close(arrived)
		<-in.Context().Done()
	})
	c := newClient(t, addr)
	c.send(request)
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the context ended", err)
	}
	s.Close()
	if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
		t.Errorf("the client got %q", rest)
	}
}

func TestUpgrade(t *testing.T) {
	_, addr := startServer(t, func(in *Inbound) {
		tunnel, err := in.Upgrade(in.Request.Upgrade(), []Field{{"X", "y"}})
		if err != nil {
			t.Error(err)
			return
		}
		all, err := io.ReadAll(tunnel)
		if err != nil {
			t.Error(err)
		}
		if _, err := fmt.Fprintf(tunnel, "got %q", all); err != nil {
			t.Error(err)
		}
	})
	c := newClient(t, addr)
	c.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\nearly ")
	if head := c.head(); head != "HTTP/1.1 101 Switching Protocols\r\nX: y\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n" {
		t.Errorf("the head is %q", head)
	}
	c.send("late")
	closeWrite(c.nc)
	if rest, err := io.ReadAll(c.r); string(rest) != `got "early late"` || err != nil {
		t.Errorf("the client got %q, %v", rest, err)
	}
}

func TestClientGone(t *testing.T) {
	gone := make(chan error)
	_, addr := startServer(t, func(in *Inbound) {
		for in.Abandoned() == nil {
			time.Sleep(time.Millisecond)
		}
		gone <- context.Cause(in.Context())
	})
	c := newClient(t, addr)
	c.send(request + "GET /behind-this-the-end-is-hidden")
	c.nc.Close()
	if err := <-gone; !errors.Is(err, ErrClientGone) {
		t.Errorf("%v, want %v", err, ErrClientGone)
	}
}
