package h1

import (
	"io"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

// However a request is malformed: it gets one answer, which says why and closes
// the connection; no upstream sees a byte of it, nor of what is behind it.
func TestRefusalsEndTheConnection(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(ok+"Content-Length: 0\r\n\r\n"))
	reasons := make(chan string, 1)
	f := startForwarder(t, upstream.Addr, func(o *Options, _ *PoolOptions) {
		o.Refused = func(r *Refused) { reasons <- r.Refusal.Reason }
	})
	cases := refusedRequests
	for _, value := range []string{"+5", "5, 5", "5 5"} {
		cases = append(cases, struct {
			name, raw string
			want      *Refusal
		}{"length " + value, get + "Content-Length: " + value + "\r\n\r\nhello", errLength})
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			c := newClient(t, f.addr)
			c.send(test.raw + smuggled)
			resp, _, err := c.answer("GET")
			if resp.StatusCode != test.want.Status || !resp.Close || err != nil {
				t.Errorf("the answer is %d, close %v, %v, want %d", resp.StatusCode, resp.Close, err, test.want.Status)
			}
			c.closed()
			if reason := <-reasons; reason != test.want.Reason {
				t.Errorf("the reason is %q, want %q", reason, test.want.Reason)
			}
		})
	}
	if n := len(upstream.All()); n > 0 {
		t.Errorf("the upstream has %d connections", n)
	}
}

// Even a refusal has no body behind the head if that is what was asked for.
func TestRefusalOfHEAD(t *testing.T) {
	_, addr := startServer(t, echo)
	c := newClient(t, addr)
	c.send("HEAD / HTTP/1.1\r\n\r\n")
	if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 400 ") {
		t.Errorf("the head is %q", head)
	}
	c.closed()
}

// A chunked body that breaks is answered 400, and the upstream sees a body that
// is cut off.
func TestBrokenChunksStayBroken(t *testing.T) {
	for _, test := range refusedChunks {
		t.Run(test.name, func(t *testing.T) {
			upstream := lbtest.Record(t, func(r *lbtest.Recording) { _, _ = io.Copy(io.Discard, r.Buffer) })
			f := startForwarder(t, upstream.Addr)
			c := newClient(t, f.addr)
			raw := "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + test.raw
			if test.want == errBodyCut {
				c.send(raw)
				closeWrite(c.nc)
			} else {
				c.send(raw + smuggled)
			}
			resp, _, _ := c.answer("POST")
			if resp.StatusCode != 400 || !resp.Close {
				t.Errorf("the answer is %d, close %v", resp.StatusCode, resp.Close)
			}
			c.closed()
			got := upstream.Only().Text()
			if strings.HasSuffix(got, "\r\n0\r\n\r\n") || strings.Contains(got, "smuggled") {
				t.Errorf("the upstream got %q", got)
			}
		})
	}
}

// What is forwarded is made anew from what was parsed.
func TestForwardedAnew(t *testing.T) {
	for _, test := range []struct{ name, raw, want string }{
		{"head", "\r\nGET http://A/x%41/?q= HTTP/1.1\r\nhost:\tA:80 \r\nX:   y\t \r\nConnection: x-drop\r\nX-Drop: 1\r\n\r\n",
			"GET /x%41/?q= HTTP/1.1\r\nHost: A\r\nX: y\r\n\r\n"},
		{"high bytes in the target", "GET /\xc3\xa4?\xff HTTP/1.1\r\nHost: a\r\n\r\n", "GET /%C3%A4?%FF HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"length", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length, Host\r\nContent-Length: 0005\r\n\r\nhello",
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"},
		{"body of GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
			"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"},
		{"chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n05;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"trailers", "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\nHost: b\r\n" +
			"Authorization: c\r\nX-Forwarded-For: d\r\nContent-Length: 9\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE\r\n\r\n0\r\nX: y\r\n\r\n"},
		{"h2c", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"POST without a body", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			enough := make(chan struct{})
			upstream := lbtest.Record(t, func(r *lbtest.Recording) {
				for len(r.Text()) < len(test.want) {
					if _, err := r.Buffer.ReadByte(); err != nil {
						return
					}
				}
				_, _ = r.Write([]byte(ok + "Content-Length: 0\r\nConnection: close\r\n\r\n"))
				<-enough
			})
			f := startForwarder(t, upstream.Addr)
			c := newClient(t, f.addr)
			c.send(test.raw)
			c.wants("GET", 200, "")
			close(enough)
			if got := upstream.Only().Text(); got != test.want {
				t.Errorf("the upstream got\n%q, want\n%q", got, test.want)
			}
		})
	}
}
