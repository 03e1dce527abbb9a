package h1

import (
	"strings"
	"testing"
)

func parseAnswer(t testing.TB, raw, method string, limits Limits) (*response, int, *Refusal) {
	t.Helper()
	head := []byte(raw)
	r := new(response)
	n, refusal := r.parse(head, method, &limits)
	slow := new(response)
	for i := range len(raw) {
		m, err := slow.parse(head[:i+1], method, &limits)
		if m == 0 && err == nil {
			continue
		}
		if m != n || (err == nil) != (refusal == nil) {
			t.Errorf("at once: %d, %v; byte by byte: %d, %v", n, refusal, m, err)
		}
		return r, n, refusal
	}
	if n != 0 || refusal != nil {
		t.Errorf("at once: %d, %v; byte by byte it does not end", n, refusal)
	}
	return r, n, refusal
}

const ok = "HTTP/1.1 200 OK\r\n"

var refusedAnswers = []struct{ name, raw, reason string }{
	{"not HTTP", "garbage\r\n\r\n", "status-line"},
	{"HTTP/0.9", "<html>hello</html>", "status-line"},
	{"a TLS record", "\x15\x03\x01\x00\x02\x02", "status-line"},
	{"an empty line first", "\r\n" + ok + "\r\n", "status-line"},
	{"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", "status-line"},
	{"HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", "status-line"},
	{"lower case", "http/1.1 200 OK\r\n\r\n", "status-line"},
	{"no status", "HTTP/1.1\r\n\r\n", "status-line"},
	{"two spaces", "HTTP/1.1  200 OK\r\n\r\n", "status-line"},
	{"status 000", "HTTP/1.1 000 OK\r\n\r\n", "status"},
	{"status 099", "HTTP/1.1 099 OK\r\n\r\n", "status"},
	{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "status-line"},
	{"status 99999", "HTTP/1.1 99999 OK\r\n\r\n", "status-line"},
	{"status of letters", "HTTP/1.1 abc OK\r\n\r\n", "status"},
	{"signed status", "HTTP/1.1 +20 OK\r\n\r\n", "status"},
	{"NUL in the reason", "HTTP/1.1 200 O\x00K\r\n\r\n", "status-line"},
	{"CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", "status-line"},
	{"CR in a value", ok + "X: a\rSet-Cookie: b\r\n\r\n", "field"},
	{"NUL in a value", ok + "X: a\x00b\r\n\r\n", "field"},
	{"name with a space", ok + "X y: a\r\n\r\n", "field"},
	{"space before the colon", ok + "X : a\r\n\r\n", "field"},
	{"no colon", ok + "X\r\n\r\n", "field"},
	{"folded line", ok + "X: a\r\n b\r\n\r\n", "field"},
	{"two lengths", ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "length"},
	{"two lengths spelled apart", ok + "Content-Length: 5\r\nContent-Length: 05\r\n\r\n", "length"},
	{"list of lengths", ok + "Content-Length: 1, 1\r\n\r\n", "length"},
	{"signed length", ok + "Content-Length: +1\r\n\r\n", "length"},
	{"negative length", ok + "Content-Length: -1\r\n\r\n", "length"},
	{"empty length", ok + "Content-Length:\r\n\r\n", "length"},
	{"overflowing length", ok + "Content-Length: 9223372036854775808\r\n\r\n", "length"},
	{"bad length of 204", "HTTP/1.1 204 No\r\nContent-Length: x\r\n\r\n", "length"},
	{"unknown coding", ok + "Transfer-Encoding: gzip\r\n\r\n", "coding"},
	{"chunked not last", ok + "Transfer-Encoding: chunked, gzip\r\n\r\n", "coding"},
	{"two codings", ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "coding"},
	{"chunks with HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "coding"},
	{"head too large", ok + "X: " + strings.Repeat("a", 32<<10), "head-size"},
	{"too many fields", ok + strings.Repeat("X: a\r\n", 101) + "\r\n", "head-size"},
}

func TestAnswersRefused(t *testing.T) {
	for _, test := range refusedAnswers {
		t.Run(test.name, func(t *testing.T) {
			_, _, refusal := parseAnswer(t, test.raw, "GET", DefaultLimits())
			if refusal == nil || refusal.Reason != test.reason || refusal.Status != 502 {
				t.Errorf("%.60q: %v, want the reason %s", test.raw, refusal, test.reason)
			}
		})
	}
}

func TestAnswersAccepted(t *testing.T) {
	for _, test := range []struct {
		name, method, raw string
		status            int
		mode              bodyMode
		length            int64
		persists          bool
	}{
		{"length", "GET", ok + "Content-Length: 5\r\n\r\n", 200, byLength, 5, true},
		{"equal lengths", "GET", ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 200, byLength, 5, true},
		{"chunks", "GET", ok + "Transfer-Encoding: Chunked\r\n\r\n", 200, byChunks, -1, true},
		{"chunks win", "GET", ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 200, byChunks, -1, false},
		{"until close", "GET", ok + "\r\n", 200, byClose, -1, false},
		{"close", "GET", ok + "Connection: close\r\nContent-Length: 0\r\n\r\n", 200, byLength, 0, false},
		{"HEAD", "HEAD", ok + "Content-Length: 5\r\n\r\n", 200, noBody, 5, true},
		{"HEAD with chunks", "HEAD", ok + "Transfer-Encoding: chunked\r\n\r\n", 200, noBody, -1, true},
		{"204", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, noBody, -1, true},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, noBody, 5, true},
		{"103", "GET", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 103, noBody, -1, true},
		{"no reason", "GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, byLength, 0, true},
		{"empty reason", "GET", "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", 299, byLength, 0, true},
		{"status 999", "GET", "HTTP/1.1 999 \xff\r\nContent-Length: 0\r\n\r\n", 999, byLength, 0, true},
		{"LF alone", "GET", "HTTP/1.1 200 OK\nContent-Length: 5\nX: y\n\n", 200, byLength, 5, true},
		{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", 200, byLength, 5, false},
		{"HTTP/1.0 keep-alive", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", 200, byLength, 5, true},
	} {
		r, n, refusal := parseAnswer(t, test.raw, test.method, DefaultLimits())
		if refusal != nil || n != len(test.raw) {
			t.Errorf("%s: %d, %v", test.name, n, refusal)
			continue
		}
		if r.status != test.status || r.body.mode != test.mode || r.body.length != test.length || r.persists() != test.persists {
			t.Errorf("%s: status %d, body %+v, persists %v", test.name, r.status, r.body, r.persists())
		}
	}
}
