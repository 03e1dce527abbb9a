package h1

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// serveInBubble serves one end of a pipe and has the test talk at the other,
// in synthetic time.
func serveInBubble(t *testing.T, handle func(*Inbound), test func(nc net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(DefaultOptions(), handle)
		client, server := net.Pipe()
		go s.ServeConn(server)
		test(client)
		client.Close()
		s.Close()
	})
}

// closedAfter reads to the end and tells when that came.
func closedAfter(nc net.Conn, began time.Time) (rest string, after time.Duration) {
	all, _ := io.ReadAll(nc)
	return string(all), time.Since(began)
}

func TestSlowHead(t *testing.T) {
	serveInBubble(t, echo, func(nc net.Conn) {
		_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\n")
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			for { // a line each second does not help
				if _, err := io.WriteString(nc, "X: y\r\n"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		rest, after := closedAfter(nc, began)
		if !strings.HasPrefix(rest, "HTTP/1.1 408 ") || !strings.Contains(rest, "Connection: close\r\n") {
			t.Errorf("the client got %q", rest)
		}
		if after < 10*time.Second || after > 11*time.Second {
			t.Errorf("closed after %v, want 10s", after)
		}
		wg.Wait()
	})
}

func TestIdle(t *testing.T) {
	serveInBubble(t, echo, func(nc net.Conn) {
		r := bufio.NewReader(nc)
		for range 3 { // quick, and later than buffers are held
			_, _ = io.WriteString(nc, request)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := io.ReadAll(resp.Body); string(body) != "GET /x " {
				t.Errorf("the answer is %q", body)
			}
			time.Sleep(time.Minute)
		}
		rest, after := closedAfter(nc, time.Now())
		if rest != "" || after != time.Minute {
			t.Errorf("closed after %v with %q, want another minute", after, rest)
		}
	})
}

func TestIdleConnectionHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(DefaultOptions(), echo)
		client, server := net.Pipe()
		c := newConn(s, server)
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.serve()
		}()
		go func() { _, _ = io.Copy(io.Discard, client) }()
		_, _ = io.WriteString(client, request)
		time.Sleep(2 * patience)
		synctest.Wait()
		if c.in != nil || c.rd.buf != nil || c.rd.held != nil || c.w.out != nil {
			t.Errorf("an idle connection holds %v, %d, %d, %d", c.in, len(c.rd.buf), len(c.rd.held), cap(c.w.out))
		}
		client.Close()
		<-done
	})
}

func TestSlowBody(t *testing.T) {
	serveInBubble(t, echo, func(nc net.Conn) {
		_, _ = io.WriteString(nc, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
		for range 5 { // slow, but it goes on
			time.Sleep(20 * time.Second)
			_, _ = io.WriteString(nc, "x")
		}
		rest, after := closedAfter(nc, time.Now())
		if !strings.HasPrefix(rest, "HTTP/1.1 408 ") || !strings.HasSuffix(rest, "POST / xxxxx") {
			t.Errorf("the client got %q", rest)
		}
		if after != 30*time.Second {
			t.Errorf("closed after %v, want 30s", after)
		}
	})
}

func TestClientThatDoesNotRead(t *testing.T) {
	var after atomic.Int64
	serveInBubble(t, func(in *Inbound) {
		began := time.Now()
		_ = in.Begin(200, nil, -1)
		for after.Load() == 0 {
			if _, err := in.Write(make([]byte, 64<<10)); err != nil {
				after.Store(int64(time.Since(began)))
			}
		}
	}, func(nc net.Conn) {
		_, _ = io.WriteString(nc, request)
		time.Sleep(2 * time.Minute)
		if after := time.Duration(after.Load()); after < time.Minute || after > 70*time.Second {
			t.Errorf("gave up after %v, want a minute or an eighth more", after)
		}
	})
}

// upstreamInBubble gives a call to an upstream at the other end of a pipe.
func upstreamInBubble(t *testing.T, call *Call, edit func(*PoolOptions), upstream func(net.Conn)) (after time.Duration, err error) {
	synctest.Test(t, func(t *testing.T) {
		o := DefaultPoolOptions()
		edit(&o)
		client, server := net.Pipe()
		o.Dial = pipeDialer(client)
		p := NewPool("upstream:80", o)
		go upstream(server)
		began := time.Now()
		a, sendErr := p.Send(t.Context(), call)
		after, err = time.Since(began), sendErr
		if err == nil {
			_, err = io.Copy(io.Discard, &a.Body)
			after = time.Since(began)
			a.Close()
		}
		p.CloseIdle()
		server.Close()
	})
	return after, err
}

func TestUpstreamThatDoesNotAnswer(t *testing.T) {
	after, err := upstreamInBubble(t, &Call{Method: "GET", Host: "a", Path: "/"}, func(*PoolOptions) {}, func(nc net.Conn) {
		_, _ = io.Copy(io.Discard, nc)
	})
	failed, ok := errors.AsType[*SendError](err)
	if !ok || !failed.Timeout() || failed.Progress != BodySent || after != time.Minute {
		t.Errorf("%v after %v, want a timeout after a minute", err, after)
	}
}

// An upstream is let go within a second of the client.
func TestClientThatLeavesWhileNothingIsAnswered(t *testing.T) {
	watch := &watchFor{stays: 5 * time.Second}
	synctest.Test(t, func(*testing.T) { watch.began = time.Now() })
	call := &Call{Method: "GET", Host: "a", Path: "/", Watch: watch}
	after, err := upstreamInBubble(t, call, func(*PoolOptions) {}, func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
	if !errors.Is(err, ErrClientGone) || after < watch.stays || after > watch.stays+time.Second {
		t.Errorf("%v after %v, want that the client left after %v", err, after, watch.stays)
	}
}

// A server that is out of descriptors neither gives up nor tries without a pause,
// and serves within a second of getting some.
func TestOutOfDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &starved{until: time.Now().Add(time.Hour), conn: make(chan net.Conn, 1), closed: make(chan struct{})}
		client, server := net.Pipe()
		l.conn <- server
		s := NewServer(DefaultOptions(), echo)
		ended := make(chan error, 1)
		began := time.Now()
		go func() { ended <- s.Serve(l) }()
		_, _ = io.WriteString(client, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		answer, after := closedAfter(client, began)
		if !strings.HasPrefix(answer, "HTTP/1.1 200 ") || after > time.Hour+time.Second {
			t.Errorf("%.30q after %v, want 200 within a second of the hour", answer, after)
		}
		if tries := l.tries.Load(); tries > 3700 {
			t.Errorf("%d tries in an hour, want about one a second", tries)
		}
		s.Drain()
		close(l.closed)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		s.Close()
	})
}

// starved is a listener that has no descriptor left until some time.
type starved struct {
	until  time.Time
	tries  atomic.Int64
	conn   chan net.Conn
	closed chan struct{}
}

func (l *starved) Accept() (net.Conn, error) {
	if l.tries.Add(1); time.Now().Before(l.until) {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	select {
	case nc := <-l.conn:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *starved) Close() error   { return nil }
func (l *starved) Addr() net.Addr { return &net.TCPAddr{} }

func TestUpstreamThatStalls(t *testing.T) {
	stall := func(nc net.Conn) {
		_, _ = nc.Read(make([]byte, 1000))
		_, _ = io.WriteString(nc, ok+"Content-Length: 5\r\n\r\nh")
		_, _ = io.Copy(io.Discard, nc)
	}
	call := &Call{Method: "GET", Host: "a", Path: "/"}
	after, err := upstreamInBubble(t, call, func(o *PoolOptions) { o.BodyTimeout = 7 * time.Second }, stall)
	if !errors.Is(err, errAnswerStuck) || after != 7*time.Second {
		t.Errorf("%v after %v, want a timeout after 7s", err, after)
	}
	// Without a timeout, as event streams need, the client's leaving ends it.
	watch := &watchFor{time.Now(), time.Hour}
	call.Watch = watch
	synctest.Test(t, func(*testing.T) { watch.began = time.Now() })
	after, err = upstreamInBubble(t, call, func(*PoolOptions) {}, stall)
	if !errors.Is(err, ErrClientGone) || after < time.Hour || after > time.Hour+time.Second {
		t.Errorf("%v after %v, want that the client left after an hour", err, after)
	}
}

// watchFor is a client that leaves.
type watchFor struct {
	began time.Time
	stays time.Duration
}

func (w *watchFor) Abandoned() error {
	if time.Since(w.began) < w.stays {
		return nil
	}
	return ErrClientGone
}
