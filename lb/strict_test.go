package lb

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// What could be read as another request than it was routed as, or as more than
// one, is refused, the connection is closed, and nothing of it gets upstream.
func TestAmbiguousRequestsDoNotReachTheUpstream(t *testing.T) {
	seen := make(chan string, 10)
	address := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- fmt.Sprintf("%s %s %s %q", r.Method, r.Host, r.RequestURI, body)
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{address}})
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	tests := []struct{ name, request string }{
		{"length and chunks", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n"},
		{"signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nbody"},
		{"length with underscore", "POST / HTTP/1.1\r\nHost: h\r\nContent_Length: 4\r\n\r\n"},
		{"coding twice", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"disguised coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"},
		{"coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"two hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"},
		{"another authority", "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"bare LF", "GET / HTTP/1.1\nHost: h\r\n\r\n"},
		{"bare LF in the head", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"},
		{"bare CR", "GET / HTTP/1.1\r\nHost: h\r\nX: y\rZ: z\r\n\r\n"},
		{"folded line", "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n"},
		{"space before the colon", "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n"},
		{"NUL", "GET / HTTP/1.1\r\nHost: h\r\nX: \x00\r\n\r\n"},
		{"long chunk size", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"},
	}
	for _, test := range tests {
		got := r.raw(test.request + smuggled)
		if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "\r\nConnection: close\r\n") ||
			strings.Count(got, "HTTP/1.1 ") != 1 {
			t.Errorf("%s: %q, want one 400 that closes", test.name, got)
		}
	}
	if len(seen) != 0 {
		t.Errorf("the upstream saw %s", <-seen)
	}
	// The upstream does record.
	if r.get("/proper"); len(seen) != 1 {
		t.Errorf("the upstream saw %d proper requests, want 1", len(seen))
	}
}

func TestRefusedRequestsAreCounted(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/"})
	r.raw("GET / HTTP/1.1\r\n\r\n")
	for _, m := range r.Metrics().Routes {
		if m.Route == "" && m.Classes[4] == 1 {
			return
		}
	}
	t.Errorf("%+v, want one answer of class 4 without a route", r.Metrics().Routes)
}
