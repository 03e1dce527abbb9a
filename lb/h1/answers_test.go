package h1

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

const request = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

// Whatever an upstream says that is no answer: the client gets a well-formed 502,
// nothing of it is passed on, and the client's connection is still good.
func TestMalformedAnswersAre502(t *testing.T) {
	cases := append([]struct{ name, raw, reason string }{
		{"nothing", "", "cut"},
		{"half a head", ok + "Content-", "cut"},
		{"unasked 101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "upgrade"},
		{"flood of interim answers", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 4000), "head-size"},
		{"interim answer with a body", "HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\nhello" + ok, "status-line"},
	}, refusedAnswers...)
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			raw := test.raw
			if raw == ok+"X: "+strings.Repeat("a", 32<<10) || test.name == "too many fields" {
				raw = ok + strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 100) + "\r\n"
			}
			upstream := lbtest.Record(t, lbtest.SayOnce(raw))
			f := startForwarder(t, upstream.Addr)
			c := newClient(t, f.addr)
			for range 2 {
				c.send(request)
				resp := c.informed()
				if resp.StatusCode != 502 || resp.Close || !strings.Contains(resp.Header.Get("X-Error"), test.reason) {
					t.Errorf("the answer is %d, close %v, %q", resp.StatusCode, resp.Close, resp.Header)
				}
			}
			if open, _ := f.pool.Conns(); open != 0 {
				t.Errorf("%d connections are kept", open)
			}
		})
	}
}

func TestCutAnswersLookCut(t *testing.T) {
	for _, test := range []struct{ name, raw, body string }{
		{"short of its length", ok + "Content-Length: 10\r\n\r\nhello", "hello"},
		{"chunks without an end", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello"},
		{"chunks with garbage", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n", "hello"},
		{"chunk too long", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n", "hello"},
		{"overflowing chunk", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nFFFFFFFFFFFFFFFFF\r\n", "hello"},
		{"a last line of LF", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\n", "hello"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := startForwarder(t, lbtest.Record(t, lbtest.SayOnce(test.raw)).Addr)
			c := newClient(t, f.addr)
			c.send(request)
			resp, body, err := c.answer("GET")
			if resp.StatusCode != 200 || body != test.body || err == nil {
				t.Errorf("the answer is %d %q, %v", resp.StatusCode, body, err)
			}
			// HTTP/1.0 has no other sign than a reset.
			c = newClient(t, f.addr)
			c.send("GET /x HTTP/1.0\r\nHost: a\r\n\r\n")
			if rest, err := io.ReadAll(c.r); err == nil && !strings.Contains(string(rest), "Content-Length: 10") {
				t.Errorf("to HTTP/1.0 it looks whole: %q", rest)
			}
		})
	}
}

func TestBodilessAnswers(t *testing.T) {
	for _, test := range []struct{ method, raw, want string }{
		{"HEAD", ok + "Content-Length: 5\r\n\r\nhello", "Content-Length: 5\r\n"},
		{"HEAD", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ""},
		{"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", ""},
		{"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", "Content-Length: 5\r\n"},
	} {
		upstream := lbtest.Record(t, lbtest.Say(test.raw))
		f := startForwarder(t, upstream.Addr)
		c := newClient(t, f.addr)
		for range 3 {
			c.send(test.method + " /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
			head := c.head()
			if strings.Contains(head, "Content-Length") != (test.want != "") || !strings.Contains(head, test.want) {
				t.Errorf("%s, %q: the head is %q", test.method, test.raw, head)
			}
		}
		if n := len(upstream.All()); n != 3 {
			t.Errorf("%s, %q: %d connections, want one for each request", test.method, test.raw, n)
		}
	}
}

// head reads a head; if there were a body, the next one would show it.
func (c *client) head() string {
	c.t.Helper()
	var head strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("reading a head: %v, after %q", err, head.String())
		}
		if head.WriteString(line); line == "\r\n" {
			if !strings.HasPrefix(head.String(), "HTTP/1.1 ") {
				c.t.Fatalf("the head is %q", head.String())
			}
			return head.String()
		}
	}
}

func TestBytesBehindAnAnswerAreDropped(t *testing.T) {
	var conns atomic.Int32
	upstream := lbtest.Record(t, func(r *lbtest.Recording) {
		lbtest.Say(fmt.Sprintf("%sContent-Length: 1\r\n\r\n%d%sContent-Length: 5\r\n\r\nwrong", ok, conns.Add(1), ok))(r)
	})
	f := startForwarder(t, upstream.Addr)
	c := newClient(t, f.addr)
	for i := range 3 {
		c.send(request)
		c.wants("GET", 200, fmt.Sprint(i+1))
	}
}

func TestUnaskedAnswerOnAnIdleConnection(t *testing.T) {
	more, said := make(chan struct{}), make(chan struct{})
	var conns atomic.Int32
	upstream := lbtest.Record(t, func(r *lbtest.Recording) {
		if conns.Add(1) == 1 {
			_, _ = r.Head()
			_, _ = io.WriteString(r, ok+"Content-Length: 5\r\n\r\nfirst")
			<-more
			_, _ = io.WriteString(r, ok+"Content-Length: 5\r\n\r\nwrong")
			close(said)
			_, _ = r.Head()
			return
		}
		lbtest.Say(ok + "Content-Length: 6\r\n\r\nsecond")(r)
	})
	f := startForwarder(t, upstream.Addr)
	c := newClient(t, f.addr)
	c.send(request)
	c.wants("GET", 200, "first")
	close(more)
	<-said
	// Loopback: what was written has arrived. POST, for it must not need a retry.
	c.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
	c.wants("POST", 200, "second")
	if got := upstream.All()[0].Text(); strings.Contains(got, "POST") {
		t.Errorf("the first connection got %q", got)
	}
}

func TestInterimAnswers(t *testing.T) {
	interim := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: y\r\n\r\n"
	upstream := lbtest.Record(t, lbtest.Say("HTTP/1.1 100 Continue\r\n\r\n"+strings.Repeat(interim, 8)+ok+"Content-Length: 2\r\n\r\nok"))
	f := startForwarder(t, upstream.Addr)
	c := newClient(t, f.addr)
	c.send(request)
	for range 5 {
		if head := c.head(); head != "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" {
			t.Errorf("the interim answer is %q", head)
		}
	}
	c.wants("GET", 200, "ok")
	c.send("GET /x HTTP/1.0\r\nHost: a\r\n\r\n")
	c.wants("GET", 200, "ok")
	c.closed()
}

func TestAnswersPassWhole(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 100<<10/16)
	for _, test := range []struct{ name, raw, body string }{
		{"length", ok + "Content-Length: 5\r\n\r\nhello", "hello"},
		{"big", fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", ok, len(big), big), big},
		{"chunks", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\nX: y\r\n\r\n", "hello world"},
		{"big chunk", fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", ok, len(big), big), big},
		{"until close", ok + "\r\n" + big, big},
		{"empty until close", ok + "\r\n", ""},
		{"status 299", "HTTP/1.1 299 x\r\nContent-Length: 1\r\n\r\nx", "x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := startForwarder(t, lbtest.Record(t, lbtest.SayOnce(test.raw)).Addr)
			c := newClient(t, f.addr)
			for range 2 {
				c.send(request)
				resp, body, err := c.answer("GET")
				if body != test.body || err != nil || resp.Close || resp.Header.Get("Date") == "" {
					t.Errorf("the answer has %d bytes of %d, %v, %v", len(body), len(test.body), err, resp.Header)
				}
			}
			c.send("GET /x HTTP/1.0\r\nHost: a\r\n\r\n")
			resp, body, err := c.answer("GET")
			if body != test.body || err != nil || len(resp.TransferEncoding) > 0 {
				t.Errorf("to HTTP/1.0: %d bytes of %d, %v", len(body), len(test.body), err)
			}
			c.closed()
		})
	}
}

func TestTrailersOfAnswers(t *testing.T) {
	raw := ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: y\r\nSet-Cookie: z\r\n\r\n"
	f := startForwarder(t, lbtest.Record(t, lbtest.Say(raw)).Addr)
	c := newClient(t, f.addr)
	c.send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n")
	if resp := c.wants("GET", 200, ""); resp.Trailer.Get("X-Sum") != "y" || resp.Trailer.Get("Set-Cookie") != "" {
		t.Errorf("the trailers are %v", resp.Trailer)
	}
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if resp := c.wants("GET", 200, ""); len(resp.Trailer) > 0 {
		t.Errorf("the trailers are %v, though none were asked for", resp.Trailer)
	}
}
