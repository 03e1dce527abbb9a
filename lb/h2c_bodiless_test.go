package lb

import (
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// An upstream of HTTP/2 can send a body where HTTP/1.1 has none: it must not
// become the next answer.
func TestHTTP2TargetBodyWhereThereIsNone(t *testing.T) {
	backend := "h2c://" + lbtest.Serve(t, lbtest.HTTP2(func(f *lbtest.Framer, head *http2.MetaHeadersFrame) {
		f.Head(head.StreamID, false, ":status: "+strings.TrimPrefix(head.PseudoValue("path"), "/"))
		f.WriteData(head.StreamID, true, []byte("HTTP/1.1 200 OK\r\nX-Smuggled: yes\r\nContent-Length: 0\r\n\r\n"))
	}))
	r := start(t, nil, testRoute{prefix: "/", backends: []string{backend}})
	for _, request := range []string{"GET /204", "GET /304", "HEAD /200", "HEAD /404"} {
		got := r.raw(request + " HTTP/1.1\r\nHost: h\r\n\r\nGET /404 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		first, second, _ := strings.Cut(got, "\r\n\r\n")
		if strings.Contains(first, "X-Smuggled") || !strings.HasPrefix(second, "HTTP/1.1 404 Not Found\r\n") {
			t.Errorf("%s: %q", request, got)
		}
	}
}
