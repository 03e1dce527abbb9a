package lb

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/match"
)

const (
	smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	okay     = "HTTP/1.1 200 OK\r\n"
	empty    = okay + "Content-Length: 0\r\n\r\n"
)

// post is a request with framing fields and a body.
func post(fields ...string) string {
	return "POST /x HTTP/1.1\r\nHost: h\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
}

func chunked(body string) string { return post("Transfer-Encoding: chunked") + body }

// each makes a request of every value.
func each(format string, values ...string) []string {
	var requests []string
	for _, v := range values {
		requests = append(requests, fmt.Sprintf(format, v))
	}
	return requests
}

// refusedClasses are the requests that are refused for their heads, by class.
// Whatever follows them is no request.
var refusedClasses = []struct {
	class    string
	statuses string // those allowed
	requests []string
}{
	{"CL.TE and TE.CL", "400", []string{
		post("Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n",
		post("Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n",
		post("Content-Length: 0", "transfer-encoding: CHUNKED") + "0\r\n\r\n",
	}},
	{"TE.TE", "400 501", slices.Concat(
		each("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:%s\r\n\r\n0\r\n\r\n",
			" xchunked", " gzip", " identity", " \"chunked\"", " chunked;q=1", " chunked, chunked", " ,chunked", " chunked,", " gzip, chunked",
			" chunked, gzip", " \x0bchunked", " chunked\x00", " chunked\xa0", "", " chunked chunked"),
		[]string{
			post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + "0\r\n\r\n",
			post("Transfer-Encoding: chunked", "Transfer-encoding: cow") + "0\r\n\r\n",
			post("Transfer_Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n",
		})},
	{"TE in HTTP 1.0", "400", []string{
		"POST /x HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST /x HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
	}},
	{"Content-Length", "400", slices.Concat(
		each("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %s\r\n\r\nhello", "+5", "-5", "0x5", "5_0", "", "5.0", "5 0", "5, 5", "5, 6", "5,",
			"9223372036854775808", "18446744073709551621", "\"5\"", "5;"),
		[]string{
			post("Content-Length: 5", "Content-Length: 0") + "hello",
			post("Content-Length: 5", "Content-Length: 5") + "hello",
			post("Content_Length: 5") + "hello",
		})},
	{"bare LF", "400", []string{
		"GET / HTTP/1.1\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\n",
	}},
	{"bare CR and NUL", "400", []string{
		"GET / HTTP/1.1\rHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nX: y\r\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nX\x00: a\r\n\r\n", "GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n",
	}},
	{"obs-fold", "400", []string{
		"GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\tz\r\n\r\n",
		"GET / HTTP/1.1\r\n Host: h\r\nHost: h\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
	}},
	{"field name", "400", each("GET / HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", "X : y", "X\t: y", ": y", "X[: y", "X\xe9: y", "X y: z", "X", "\"X\": y", "X(): y")},

	{"HTTP version", "400 505", []string{
		"GET /\r\n", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "GET / HTTP/1.1x\r\nHost: h\r\n\r\n", "GET / HTTP/1.11\r\nHost: h\r\n\r\n",
		"GET / http/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", "PRI /x HTTP/2.0\r\n\r\nSM\r\n\r\n",
	}},
	{"request line spaces", "400", each("%s\r\nHost: h\r\n\r\n", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET\t/\tHTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ")},
	{"target bytes", "400", each("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", "/a b", "/a\x01", "/a\x00", "/a\x7f", "/a#b", "/a?b#c")},
	{"method bytes", "400", each("%s / HTTP/1.1\r\nHost: h\r\n\r\n", "G:T", "GE\x00T", "G(T", "G\xe9T", strings.Repeat("A", 100))},
	{"CONNECT and TRACE", "405", []string{"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n"}},
	{"Host", "400", slices.Concat([]string{
		"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
		"GET http://h/ HTTP/1.1\r\n\r\n",
	}, each("GET / HTTP/1.1\r\nHost: %s\r\n\r\n", "", "a b", "a,b", "a/b", "a?b", "a#b", "u@h", "a\x00b", "a\\b", "h:0", "h:65536", "h:000080", "h:x", "h:", "[::1", "[::1]x", "::1"))},
	{"absolute-form against Host", "400", []string{
		"GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://h:81/ HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
	}},
	{"target form", "400", each("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", "@evil", ":80", "evil:80", "foo", "*", "ftp://h/", "http:///x", "")},
}

// Of a request refused for its head no byte gets upstream, nor of what is behind
// it; the client has one answer, which closes.
func TestRefusedClasses(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(empty))
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	for _, c := range refusedClasses {
		t.Run(c.class, func(t *testing.T) {
			before := len(upstream.All())
			for _, request := range c.requests {
				got := r.raw(request + smuggled)
				status, _, _ := strings.Cut(strings.TrimPrefix(got, "HTTP/1.1 "), " ")
				if !slices.Contains(strings.Fields(c.statuses), status) || !strings.Contains(got, "\r\nConnection: close\r\n") ||
					strings.Count(got, "HTTP/1.1 ") != 1 {
					t.Errorf("%q is answered %q, want one %s that closes", request, got, c.statuses)
				}
			}
			for _, conn := range upstream.All()[before:] {
				t.Errorf("the upstream got %q", conn.Text())
			}
		})
	}
	if r.get("/proper"); len(upstream.All()) == 0 {
		t.Error("the upstream records nothing")
	}
}

// brokenBodies are chunked bodies that break, by class.
var brokenBodies = []struct {
	class  string
	bodies []string
}{
	{"chunk size", []string{
		"0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "1_0\r\nhello world!!!!!\r\n0\r\n\r\n",
		" 5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n", "00000000000000005\r\nhello\r\n0\r\n\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n",
		"8000000000000000\r\nhello", "5 \r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\nx\r\n\r\n",
	}},
	{"chunk line end", []string{
		"5\nhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n", "5\rX\r\nhello\r\n0\r\n\r\n", "5;\nhello\r\n0\r\n\r\n", "5;a\nhello\r\n0\r\n\r\n",
		"5;a\rX\r\nhello\r\n0\r\n\r\n", "5;a\x00\r\nhello\r\n0\r\n\r\n", "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\n\n", "5\r\nhello\r\n0\r\n\n",
		"5;" + strings.Repeat("a", 20<<10) + "\r\nhello\r\n0\r\n\r\n", strings.Repeat("1;"+strings.Repeat("a", 1000)+"\r\nx\r\n", 20) + "0\r\n\r\n",
	}},
	{"chunk data end", []string{
		"5\r\nhello!\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhelloX\n0\r\n\r\n", "5\r\nhello\rX0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhell\r\n0\r\n\r\n",
	}},
	{"trailer section", []string{
		"0\r\nX : y\r\n\r\n", "0\r\nX: y\r\n z\r\n\r\n", "0\r\nX: \x00\r\n\r\n", "0\r\nX: y\n\r\n", "0\r\nX\r\n\r\n",
		"0\r\nX: " + strings.Repeat("y", 20<<10) + "\r\n\r\n", "0\r\n" + strings.Repeat("X: y\r\n", 200) + "\r\n",
	}},
}

// Of a chunked body that breaks the upstream sees a body that is cut, and then
// the end of the connection; the client gets a 400 that closes.
func TestBrokenBodies(t *testing.T) {
	for _, c := range brokenBodies {
		t.Run(c.class, func(t *testing.T) {
			for _, body := range c.bodies {
				testBrokenBody(t, body, func(c *wireClient) { _, _ = io.WriteString(c.nc, smuggled) }, "HTTP/1.1 400 ")
			}
		})
	}
	t.Run("early end", func(t *testing.T) {
		for _, body := range []string{"5", "5\r\nhel", "5\r\nhello\r\n", "0\r\n", "0\r\nX: y"} {
			testBrokenBody(t, body, func(c *wireClient) { _ = c.nc.CloseWrite() }, "HTTP/1.1 400 ")
		}
	})
	t.Run("reset inside a chunk", func(t *testing.T) {
		testBrokenBody(t, "5\r\nhel", func(c *wireClient) {
			_ = c.nc.SetLinger(0)
			c.nc.Close()
		}, "")
	})
}

func testBrokenBody(t *testing.T, body string, then func(*wireClient), want string) {
	t.Helper()
	upstream := lbtest.Record(t, func(c *lbtest.Recording) { _, _ = io.Copy(io.Discard, c) })
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	c := r.dial()
	c.send(chunked("2\r\nok\r\n"))
	eventually(t, "the upstream has the start of the body", func() bool {
		conns := upstream.All()
		return len(conns) == 1 && strings.HasSuffix(conns[0].Text(), "2\r\nok\r\n")
	})
	// Written in the background: the server may stop reading.
	go func() {
		_, _ = io.WriteString(c.nc, body)
		then(c)
	}()
	if got := c.rest(); want != "" && (!strings.HasPrefix(got, want) || !strings.Contains(got, "\r\nConnection: close\r\n") ||
		strings.Count(got, "HTTP/1.1 ") != 1) {
		t.Errorf("%.80q is answered %q", body, got)
	}
	_, got, _ := strings.Cut(upstream.Only().Text(), "\r\n\r\n")
	if strings.Contains(got, "\r\n0\r\n") || strings.Contains(got, "smuggled") || strings.Contains(got, ";") {
		t.Errorf("the body %.80q reaches the upstream as %q", body, got)
	}
	c.nc.Close() // else the server waits a while for it
	r.stop()
}

// A body belongs to its request, whatever the method, and is forwarded framed as
// it came.
func TestBodiesOfAllMethods(t *testing.T) {
	for framing, body := range map[string]string{
		fmt.Sprintf("Content-Length: %d\r\n", len(smuggled)): smuggled,
		"Transfer-Encoding: chunked\r\n":                     fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled),
	} {
		upstream := lbtest.Record(t, func(c *lbtest.Recording) {
			for {
				head, err := c.Head()
				if err != nil {
					return
				}
				if !strings.Contains(head, "\r\n"+framing) {
					t.Errorf("the upstream got %q", head)
					return
				}
				_, _ = io.CopyN(io.Discard, c.Buffer, int64(len(body)))
				_, _ = io.WriteString(c, empty)
			}
		})
		r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
		c := r.dial()
		methods := []string{"GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "M-SEARCH"}
		for _, method := range methods {
			c.send(method + " /x HTTP/1.1\r\nHost: h\r\n" + framing + "\r\n" + body)
			if head := c.head(); !strings.HasPrefix(head, okay) {
				t.Errorf("%s: %q", method, head)
			}
		}
		c.nc.Close()
		r.stop()
		// An answer that is faster than the end of its request costs the connection.
		var got strings.Builder
		for _, conn := range upstream.All() {
			got.WriteString(conn.Text())
		}
		if strings.Count(got.String(), "\r\n\r\n"+body) != len(methods) {
			t.Errorf("the upstream got %q", &got)
		}
	}
}

// Trailers never become fields of the head, and pass only where they are asked
// for, without those that frame, route or authenticate.
func TestTrailersOfRequests(t *testing.T) {
	hostile := "5\r\nhello\r\n0\r\nX: y\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\nHost: evil\r\nAuthorization: evil\r\n" +
		"Cookie: evil\r\nX-Forwarded-For: evil\r\nConnection: evil\r\n\r\n"
	for asked, want := range map[string]string{"": "5\r\nhello\r\n0\r\n\r\n", "TE: trailers\r\n": "5\r\nhello\r\n0\r\nX: y\r\n\r\n"} {
		upstream := lbtest.Record(t, func(c *lbtest.Recording) {
			head, _ := c.Head()
			for !strings.HasSuffix(c.Text(), "\r\n\r\n") || c.Text() == head {
				if _, err := c.Buffer.ReadByte(); err != nil {
					return
				}
			}
			_, _ = io.WriteString(c, empty)
		})
		r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
		got := r.raw("POST /x HTTP/1.1\r\nHost: h\r\n" + asked + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + hostile)
		if !strings.HasPrefix(got, okay) {
			t.Errorf("answered %q", got)
		}
		r.stop()
		sent := upstream.Only().Text()
		if !strings.HasSuffix(sent, "\r\n\r\n"+want) || strings.Contains(sent, "evil") {
			t.Errorf("with %q the upstream got %q, want it to end with %q", asked, sent, want)
		}
	}
}

// No field and no target can choose where a request goes.
func TestIsNoOpenProxy(t *testing.T) {
	evil := lbtest.Record(t, lbtest.Say(empty))
	proper := lbtest.Record(t, lbtest.Say(empty))
	// Of a host that is not asked for, whatever other fields say.
	inner := testRoute{prefix: "inner", backends: []string{evil.Addr}, change: func(r *Route) { r.Match = match.Host{Name: "inner.test"} }}
	r := start(t, nil, testRoute{prefix: "/", backends: []string{proper.Addr}}, inner)
	_, port, _ := net.SplitHostPort(evil.Addr)
	requests := []string{
		"GET /x HTTP/1.1\r\nHost: " + evil.Addr + "\r\n",
		"GET http://" + evil.Addr + "/x HTTP/1.1\r\nHost: " + evil.Addr + "\r\n",
		"GET /x HTTP/1.1\r\nHost: h:" + port + "\r\n",
		"GET //" + evil.Addr + "/x HTTP/1.1\r\nHost: h\r\n",
	}
	for _, name := range []string{"X-Forwarded-Host", "X-Host", "X-Forwarded-Server", "Forwarded"} {
		requests = append(requests, "GET /x HTTP/1.1\r\nHost: h\r\n"+name+": "+evil.Addr+"\r\n", "GET /x HTTP/1.1\r\nHost: h\r\n"+name+": inner.test\r\n")
	}
	for _, name := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Original-Host", "Destination"} {
		requests = append(requests, "GET /x HTTP/1.1\r\nHost: h\r\n"+name+": http://"+evil.Addr+"/evil\r\n")
	}
	for _, request := range requests {
		if got := r.raw(request + "Connection: close\r\n\r\n"); !strings.HasPrefix(got, okay) {
			t.Errorf("%q is answered %q", request, got)
		}
	}
	if n := len(evil.All()); n > 0 {
		t.Errorf("%d connections to where requests pointed", n)
	}
	var seen int
	for _, c := range proper.All() {
		seen += strings.Count(c.Text(), "GET /")
		if strings.Contains(c.Text(), "GET /evil") {
			t.Errorf("the target was rewritten: %q", c.Text())
		}
	}
	if seen != len(requests) {
		t.Errorf("the upstream saw %d of %d requests", seen, len(requests))
	}
}
