//go:build !race

package h1

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

// looped is a connection on which the same bytes come again for each write that
// ends an exchange.
type looped struct {
	scripted
	raw string
}

func (l *looped) Read(p []byte) (int, error)  { return copy(p, l.raw), nil }
func (l *looped) Write(p []byte) (int, error) { return len(p), nil }

const browser = "GET /static/app.js?v=3 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) " +
	"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n" +
	"Accept-Language: en-US,en;q=0.9\r\nCache-Control: no-cache\r\nConnection: keep-alive\r\nCookie: session=0123456789abcdef; theme=dark\r\n" +
	"Referer: https://www.example.com/\r\n\r\n"

const upload = "POST /upload HTTP/1.1\r\nHost: www.example.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

const served = ok + "Server: x\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Type: text/plain\r\nETag: \"0123\"\r\n" +
	"Content-Length: 5\r\n\r\nhello"

var hello = []byte("hello")

func noAllocs(t *testing.T, name string, f func()) {
	t.Helper()
	f() // the first time may
	if n := testing.AllocsPerRun(1000, f); n > 0 {
		t.Errorf("%s allocates %v times", name, n)
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	limits := DefaultLimits()
	head, answer := []byte(browser), []byte(served)
	var r Request
	noAllocs(t, "parsing a request", func() {
		r.reset()
		if n, refusal := r.parse(head, &limits); n == 0 || refusal != nil {
			t.Fatal(n, refusal)
		}
	})
	var a response
	noAllocs(t, "parsing an answer", func() {
		a.reset()
		if n, refusal := a.parse(answer, "GET", &limits); n == 0 || refusal != nil {
			t.Fatal(n, refusal)
		}
	})
	var fields []Field
	noAllocs(t, "looking at a request", func() {
		fields = r.Fields.AppendEndToEnd(fields[:0])
		if r.Fields.Get("cookie") == "" || r.Host() != "www.example.com" || r.Path() != "/static/app.js" || r.Upgrade() != "" {
			t.Fatal("not understood")
		}
		for name, value := range r.Fields.All() {
			if name == value {
				t.Fatal("not understood")
			}
		}
	})
}

// loopedConn is a server's connection on which the same request comes for ever.
func loopedConn(handle func(*Inbound), raw string) *conn {
	s := NewServer(DefaultOptions(), handle)
	return newConn(s, &looped{raw: raw})
}

func TestServingAllocatesNothing(t *testing.T) {
	fields := []Field{{"Content-Type", "text/plain"}}
	c := loopedConn(func(in *Inbound) {
		_ = in.Begin(200, fields, 5)
		_, _ = in.Write(hello)
		_ = in.End(nil)
	}, browser)
	defer c.close()
	noAllocs(t, "serving", func() {
		if !c.serveOne() {
			t.Fatal("the connection is closed")
		}
	})
}

// loopedForwarder forwards to an upstream that answers the same for ever.
func loopedForwarder() *forwarder {
	o := DefaultPoolOptions()
	o.Dial = func(context.Context, string, string) (net.Conn, error) { return &looped{raw: served}, nil }
	return &forwarder{pool: NewPool("upstream:80", o)}
}

func TestForwardingAllocatesNothing(t *testing.T) {
	f := loopedForwarder()
	defer f.pool.CloseIdle()
	for name, raw := range map[string]string{
		"a GET":               browser,
		"a POST":              strings.Replace(browser[:len(browser)-2], "GET", "POST", 1) + "Content-Length: 5\r\n\r\nhello",
		"an HTTP/1.0 request": strings.Replace(browser, "HTTP/1.1", "HTTP/1.0", 1),
	} {
		c := loopedConn(f.handle, raw)
		noAllocs(t, "forwarding "+name, func() {
			if !c.serveOne() {
				t.Fatalf("%s: the connection is closed", name)
			}
		})
		c.close()
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	c := loopedConn(func(in *Inbound) {
		n, err := in.Body.WriteTo(io.Discard)
		if n != 5 || err != nil {
			t.Fatal(n, err)
		}
		_ = in.Begin(200, nil, -1)
		_, _ = in.Write(hello)
		_ = in.End(nil)
	}, upload)
	defer c.close()
	noAllocs(t, "decoding and encoding chunks", func() {
		if !c.serveOne() {
			t.Fatal("the connection is closed")
		}
	})
}

func BenchmarkParseRequest(b *testing.B) {
	limits, head := DefaultLimits(), []byte(browser)
	var r Request
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		r.reset()
		if _, refusal := r.parse(head, &limits); refusal != nil {
			b.Fatal(refusal)
		}
	}
}

func BenchmarkParseAnswer(b *testing.B) {
	limits, head := DefaultLimits(), []byte(served)
	var r response
	b.SetBytes(int64(len(head)))
	b.ReportAllocs()
	for b.Loop() {
		r.reset()
		if _, refusal := r.parse(head, "GET", &limits); refusal != nil {
			b.Fatal(refusal)
		}
	}
}

// BenchmarkForward is all the work on an exchange but for the kernel's.
func BenchmarkForward(b *testing.B) {
	f := loopedForwarder()
	defer f.pool.CloseIdle()
	c := loopedConn(f.handle, browser)
	defer c.close()
	b.ReportAllocs()
	for b.Loop() {
		if !c.serveOne() {
			b.Fatal("the connection is closed")
		}
	}
}

func BenchmarkDecodeChunks(b *testing.B) {
	raw := []byte(strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 8) + "0\r\n\r\n")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		var c chunks
		for rest := raw; c.state != chunksEnd; {
			_, n, refusal := c.decode(rest)
			if rest = rest[n:]; refusal != nil {
				b.Fatal(refusal)
			}
		}
	}
}
