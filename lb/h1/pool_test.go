package h1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// pipeDialer connects to the other end of a pipe, once.
func pipeDialer(nc net.Conn) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) { return nc, nil }
}

func newTestPool(t testing.TB, addr string, edit ...func(*PoolOptions)) *Pool {
	o := DefaultPoolOptions()
	for _, e := range edit {
		e(&o)
	}
	p := NewPool(addr, o)
	t.Cleanup(p.CloseIdle)
	return p
}

// get sends a GET and returns the body of its answer.
func (p *Pool) testGet(t testing.TB, call Call) (string, error) {
	call.Method, call.Host, call.Path = "GET", "a", "/"
	a, err := p.Send(t.Context(), &call)
	if err != nil {
		return "", err
	}
	defer a.Close()
	body, err := io.ReadAll(&a.Body)
	return string(body), err
}

func TestConnectionsAreReused(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(ok+"Content-Length: 2\r\n\r\nok"))
	p := newTestPool(t, upstream.Addr)
	for range 10 {
		if body, err := p.testGet(t, Call{}); body != "ok" || err != nil {
			t.Fatalf("%q, %v", body, err)
		}
	}
	if open, idle := p.Conns(); open != 1 || idle != 1 || len(upstream.All()) != 1 {
		t.Errorf("%d connections open, %d idle, %d made, want 1 of each", open, idle, len(upstream.All()))
	}
	if body, err := p.testGet(t, Call{Fresh: true}); body != "ok" || err != nil {
		t.Fatalf("%q, %v", body, err)
	}
	if n := len(upstream.All()); n != 2 {
		t.Errorf("%d connections made, want a fresh one", n)
	}
	p.CloseIdle()
	if open, idle := p.Conns(); open != 0 || idle != 0 {
		t.Errorf("%d connections open, %d idle, want none", open, idle)
	}
}

// A connection the upstream closed while it was idle costs no request.
func TestDeadConnectionsAreNotUsed(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.SayOnce(ok+"Content-Length: 2\r\n\r\nok"))
	p := newTestPool(t, upstream.Addr)
	for i := range 5 {
		// A POST, for it must not need a retry.
		a, err := p.Send(t.Context(), &Call{Method: "POST", Host: "a", Path: "/", Body: strings.NewReader("x"), Length: 1})
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if body, err := io.ReadAll(&a.Body); string(body) != "ok" || err != nil {
			t.Errorf("%q, %v", body, err)
		}
		a.Close()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			p.mu.Lock()
			dead := len(p.idle) == 0 || !p.idle[0].probe.silent()
			p.mu.Unlock()
			if dead || time.Now().After(deadline) {
				break
			}
		}
	}
}

func TestHowFarItGot(t *testing.T) {
	// The near end of a connection refuses others, and is nobody else's port.
	refusing, err := net.Dial("tcp", lbtest.Record(t, func(*lbtest.Recording) {}).Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer refusing.Close()
	for _, test := range []struct {
		name  string
		addr  string
		call  Call
		want  Progress
		check func(*SendError) bool
	}{
		{"refused", refusing.LocalAddr().String(), Call{}, NotConnected, func(e *SendError) bool { return !e.Timeout() }},
		{"closed at once", lbtest.Record(t, func(r *lbtest.Recording) { _, _ = r.Head() }).Addr, Call{}, BodySent,
			func(e *SendError) bool { return errors.Is(e.Err, errAnswerNone) && !e.Reused }},
		{"half a head", lbtest.Record(t, lbtest.SayOnce("HTTP/1.1 2")).Addr, Call{}, Answering,
			func(e *SendError) bool { return errors.Is(e.Err, errAnswerCut) }},
		{"malformed call", lbtest.Record(t, lbtest.Say("")).Addr, Call{Fields: []Field{{"X", "\n"}}}, NothingSent,
			func(e *SendError) bool { return errors.Is(e.Err, errField) }},
		{"body fails", lbtest.Record(t, lbtest.Say("")).Addr, Call{Body: failing{}, Length: 5}, PartSent,
			func(e *SendError) bool { return errors.Is(e.Client, errTest) }},
		{"body too short", lbtest.Record(t, lbtest.Say("")).Addr, Call{Body: strings.NewReader("x"), Length: 5}, PartSent,
			func(e *SendError) bool { return errors.Is(e.Client, errBodyLength) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTestPool(t, test.addr)
			_, err := p.testGet(t, test.call)
			failed, ok := errors.AsType[*SendError](err)
			if !ok || failed.Progress != test.want || !test.check(failed) {
				t.Errorf("%+v, want progress %d", err, test.want)
			}
			if open, _ := p.Conns(); open != 0 {
				t.Errorf("%d connections are open", open)
			}
		})
	}
}

var errTest = errors.New("test")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errTest }

func TestMaxConns(t *testing.T) {
	answer := make(chan struct{})
	upstream := lbtest.Record(t, func(r *lbtest.Recording) {
		for {
			if _, err := r.Head(); err != nil {
				return
			}
			<-answer
			_, _ = io.WriteString(r, ok+"Content-Length: 2\r\n\r\nok")
		}
	})
	p := newTestPool(t, upstream.Addr, func(o *PoolOptions) { o.MaxConns, o.MaxWait = 2, time.Hour })
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if body, err := p.testGet(t, Call{}); body != "ok" || err != nil {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
	waiting := func() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.waiting) }
	for waiting() < 4 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errTest)
	if _, err := p.Send(ctx, &Call{Method: "GET", Host: "a", Path: "/"}); !errors.Is(err, errTest) {
		t.Errorf("%v, want the context's cause", err)
	}
	close(answer)
	wg.Wait()
	if open, idle := p.Conns(); open != 2 || idle != 2 || len(upstream.All()) != 2 {
		t.Errorf("%d connections open, %d idle, %d made, want 2 of each", open, idle, len(upstream.All()))
	}
}

func TestNoConnectionInTime(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(ok+"Content-Length: 0\r\n\r\n"))
	p := newTestPool(t, upstream.Addr, func(o *PoolOptions) { o.MaxConns, o.MaxWait = 1, time.Millisecond })
	a, err := p.Send(t.Context(), &Call{Method: "GET", Host: "a", Path: "/"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.testGet(t, Call{}); !errors.Is(err, ErrBusy) {
		t.Errorf("%v, want %v", err, ErrBusy)
	}
	a.Close()
	if _, err := p.testGet(t, Call{Fresh: true}); err != nil { // in place of the idle one
		t.Errorf("%v, though a connection is free", err)
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := DefaultPoolOptions()
		o.MaxIdle, o.IdleTimeout = 2, time.Minute
		var wg sync.WaitGroup
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			wg.Go(func() {
				buffer := make([]byte, 1000)
				for {
					if _, err := server.Read(buffer); err != nil {
						return
					}
					_, _ = io.WriteString(server, ok+"Content-Length: 0\r\n\r\n")
				}
			})
			return client, nil
		}
		p := NewPool("upstream:80", o)
		var answers []*Answer
		for range 3 {
			a, err := p.Send(t.Context(), &Call{Method: "GET", Host: "a", Path: "/"})
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, a)
		}
		for i, a := range answers {
			a.Close()
			if open, idle := p.Conns(); idle != min(i+1, 2) || open != min(3, 4-i) {
				t.Errorf("after %d: %d open, %d idle", i+1, open, idle)
			}
			time.Sleep(20 * time.Second)
		}
		for _, want := range []int{1, 0} { // 60 and 80 seconds after the first
			time.Sleep(time.Second)
			synctest.Wait()
			if open, idle := p.Conns(); open != want || idle != want {
				t.Errorf("%d open, %d idle, want %d", open, idle, want)
			}
			time.Sleep(19 * time.Second)
		}
		wg.Wait()
	})
}

// An answer may come before the end of the request, or be the end of it.
func TestEarlyAnswer(t *testing.T) {
	upstream := lbtest.Record(t, func(r *lbtest.Recording) {
		_, _ = r.Head()
		_, _ = io.WriteString(r, ok+"Content-Length: 5\r\n\r\nearly")
		_, _ = io.Copy(io.Discard, r.Buffer)
	})
	f := startForwarder(t, upstream.Addr)
	c := newClient(t, f.addr)
	c.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome")
	if resp := c.wants("POST", 200, "early"); !resp.Close {
		t.Error("the connection is kept")
	}
	c.send(smuggled)
	c.closed()
	if got := upstream.Only().Text(); strings.HasSuffix(got, "smuggled") {
		t.Errorf("the upstream got %q", got)
	}
	if open, _ := f.pool.Conns(); open != 0 {
		t.Errorf("%d connections are kept", open)
	}
}

// Both ways at once: each part of the body is answered before the next is sent.
func TestFullDuplex(t *testing.T) {
	upstream := lbtest.Record(t, func(r *lbtest.Recording) {
		_, _ = r.Head()
		_, _ = io.WriteString(r, ok+"Transfer-Encoding: chunked\r\n\r\n")
		for {
			size, err := r.Buffer.ReadString('\n')
			if err != nil {
				return
			}
			data, _ := r.Buffer.ReadString('\n')
			_, _ = io.WriteString(r, size+data)
			if size == "0\r\n" {
				return
			}
		}
	})
	f := startForwarder(t, upstream.Addr)
	c := newClient(t, f.addr)
	c.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	c.head()
	for i := range 10 {
		chunk := fmt.Sprintf("2\r\n%02d\r\n", i)
		c.send(chunk)
		got := make([]byte, len(chunk))
		if _, err := io.ReadFull(c.r, got); string(got) != chunk || err != nil {
			t.Fatalf("%q, %v, want %q", got, err, chunk)
		}
	}
	c.send("0\r\n\r\n")
	if rest, err := io.ReadAll(c.r); string(rest) != "0\r\n\r\n" || err != nil {
		t.Errorf("the answer ends with %q, %v", rest, err)
	}
}

func TestClientThatLeavesEndsTheCall(t *testing.T) {
	upstream := lbtest.Record(t, func(r *lbtest.Recording) {
		_, _ = r.Head()
		_, _ = io.Copy(io.Discard, r.Buffer) // until the connection is closed
	})
	f := startForwarder(t, upstream.Addr)
	c := newClient(t, f.addr)
	c.send(request)
	for len(upstream.All()) == 0 {
		time.Sleep(time.Millisecond)
	}
	c.nc.Close()
	upstream.Only()
}

func TestTunnels(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		status       int
	}{
		{"taken", "HTTP/1.1 101 x\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\nearly", 101},
		{"another", "HTTP/1.1 101 x\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n", 502},
		{"declined", "HTTP/1.1 426 x\r\nContent-Length: 0\r\n\r\n", 426},
	} {
		t.Run(test.name, func(t *testing.T) {
			upstream := lbtest.Record(t, func(r *lbtest.Recording) {
				if head, _ := r.Head(); !strings.Contains(head, "Upgrade: websocket\r\nConnection: Upgrade\r\n") {
					t.Errorf("the upstream is asked %q", head)
				}
				_, _ = io.WriteString(r, test.answer)
				if test.status == 101 {
					rest, _ := io.ReadAll(r.Buffer)
					_, _ = fmt.Fprintf(r, " got %q", rest)
				}
			})
			f := startForwarder(t, upstream.Addr)
			c := newClient(t, f.addr)
			c.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			if head := c.head(); !strings.HasPrefix(head, fmt.Sprintf("HTTP/1.1 %d ", test.status)) {
				t.Errorf("the head is %q", head)
			}
			if test.status != 101 {
				c.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") // goes on as HTTP
				c.wants("OPTIONS", 200, "")
				return
			}
			c.send("frames")
			closeWrite(c.nc)
			if rest, err := io.ReadAll(c.r); string(rest) != `early got "frames"` || err != nil {
				t.Errorf("the client got %q, %v", rest, err)
			}
		})
	}
}
