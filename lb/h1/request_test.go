package h1

import (
	"strings"
	"testing"
)

// parseAll parses a head at once, and then once more byte by byte: both must
// come to the same end.
func parseAll(t testing.TB, raw string, limits Limits) (*Request, int, *Refusal) {
	t.Helper()
	head := []byte(raw)
	r := new(Request)
	n, refusal := r.parse(head, &limits)

	slow := new(Request)
	for i := range len(raw) {
		m, err := slow.parse(head[:i+1], &limits)
		if m == 0 && err == nil {
			continue
		}
		// The start of a line may be enough to refuse it, for another reason.
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

const get = "GET / HTTP/1.1\r\nHost: a\r\n"

var refusedRequests = []struct {
	name, raw string
	want      *Refusal
}{
	{"LF alone behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", errBareLF},
	{"LF alone behind a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", errBareLF},
	{"LF alone as the empty line", get + "\n", errBareLF},
	{"CR alone as a line end", "GET / HTTP/1.1\rHost: a\r\n\r\n", errVersion},
	{"CR in a value", get + "X: a\rb\r\n\r\n", errFieldValue},
	{"CR before CR LF", get + "X: a\r\r\n\r\n", errFieldValue},
	{"NUL in a value", get + "X: a\x00b\r\n\r\n", errFieldValue},
	{"NUL far in a value", get + "X: 12345678\x00b\r\n\r\n", errFieldValue},
	{"DEL in a value", get + "X: 1234567\x7f\r\n\r\n", errFieldValue},
	{"escape in a value", get + "X: \x1b[0m\r\n\r\n", errFieldValue},

	{"folded line", get + "X: a\r\n b\r\n\r\n", errFold},
	{"folded line with a tab", get + "X: a\r\n\tb\r\n\r\n", errFold},
	{"white space before the first field", "GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", errFold},
	{"white space as an empty line", get + " \r\n\r\n", errFold},
	{"space before the colon", get + "X : a\r\n\r\n", errFieldName},
	{"tab before the colon", get + "X\t: a\r\n\r\n", errFieldName},
	{"empty name", get + ": a\r\n\r\n", errFieldName},
	{"name with a bracket", get + "X[: a\r\n\r\n", errFieldName},
	{"name above ASCII", get + "X\xe9: a\r\n\r\n", errFieldName},
	{"name with NUL", get + "X\x00: a\r\n\r\n", errFieldName},
	{"no colon", get + "X\r\n\r\n", errFieldName},
	{"length spelled with an underscore", get + "Content_Length: 5\r\n\r\n", errLookalike},
	{"coding spelled with an underscore", get + "Transfer_Encoding: chunked\r\n\r\n", errLookalike},

	{"no version", "GET /\r\n\r\n", errRequestLine},
	{"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", errRequestLine},
	{"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", errTargetByte},
	{"two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", errTargetByte},
	{"tabs", "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", errRequestLine},
	{"space at the start", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", errVersion},
	{"spaces only", "   \r\n\r\n", errMethod},
	{"two empty lines first", "\r\n\r\n" + get + "\r\n", errRequestLine},
	{"method with a colon", "G:T / HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"method too long", strings.Repeat("A", 65) + " / HTTP/1.1\r\nHost: a\r\n\r\n", errMethod},
	{"a TLS record", "\x16\x03\x01\x02\x00\x01", errMethod},
	{"version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", errVersion},
	{"version 1.1x", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n", errVersion},
	{"version 1.11", "GET / HTTP/1.11\r\nHost: a\r\n\r\n", errVersion},
	{"version 01.01", "GET / HTTP/01.01\r\nHost: a\r\n\r\n", errVersion},
	{"version 1", "GET / HTTP/1\r\nHost: a\r\n\r\n", errVersion},
	{"version with a space", "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", errVersion},
	{"version 2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", errVersion505},
	{"version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", errVersion505},
	{"version 0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", errVersion505},

	{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", errNoConnect},
	{"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", errNoTrace},

	{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", errTargetByte},
	{"DEL in the target", "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", errTargetByte},
	{"tab in the target", "GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", errTargetByte},
	{"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", errTargetByte},
	{"bad percent", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", errTargetEscape},
	{"cut percent", "GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n", errTargetEscape},
	{"target @evil", "GET @evil HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"target :80", "GET :80 HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"target evil:80", "GET evil:80 HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"target without a slash", "GET foo HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"target of another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"target without an authority", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", errTarget},
	{"target with user information", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", errHost},

	{"no Host", "GET / HTTP/1.1\r\n\r\n", errHostMissing},
	{"no Host with an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", errHostMissing},
	{"two Hosts", get + "Host: b\r\n\r\n", errHostTwice},
	{"two equal Hosts", get + "host: a\r\n\r\n", errHostTwice},
	{"absolute target and another Host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", errHostMismatch},
	{"absolute target and another port", "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", errHostMismatch},
	{"absolute https target and port 80", "GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", errHostMismatch},

	{"length and chunks", get + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", errLengthCoding},
	{"chunks and length", get + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", errLengthCoding},
	{"two lengths", get + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", errLengthTwice},
	{"two equal lengths", get + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", errLengthTwice},
	{"chunks with HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", errCoding10},
	{"two codings", get + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", errCodingTwice},
	{"unknown coding", get + "Transfer-Encoding: gzip\r\n\r\n", errCoding501},
	{"xchunked", get + "Transfer-Encoding: xchunked\r\n\r\n", errCoding501},
}

func TestRequestsRefused(t *testing.T) {
	for _, test := range refusedRequests {
		t.Run(test.name, func(t *testing.T) {
			if _, _, refusal := parseAll(t, test.raw, DefaultLimits()); refusal != test.want {
				t.Errorf("%q: %v, want %v", test.raw, refusal, test.want)
			}
		})
	}
}

func TestLengthsRefused(t *testing.T) {
	for _, value := range []string{
		"", "+5", "-1", "-0", "0x5", "0o5", "1_0", "5.0", "1 0", "5, 5", "5,6", "5,", "abc", "5;", "\"5\"",
		"9223372036854775808", "18446744073709551621", "99999999999999999999", "5\xa0", "٥",
	} {
		if _, _, refusal := parseAll(t, get+"Content-Length: "+value+"\r\n\r\n", DefaultLimits()); refusal != errLength {
			t.Errorf("Content-Length %q: %v", value, refusal)
		}
	}
}

func TestCodingsRefused(t *testing.T) {
	for _, value := range []string{
		"", "identity", "chunked, chunked", "chunked, gzip", "gzip, chunked", ", chunked", "chunked,", "chunked;a=b",
		"\"chunked\"", "chunked chunked", "chunked\xa0",
	} {
		if _, _, refusal := parseAll(t, get+"Transfer-Encoding: "+value+"\r\n\r\n", DefaultLimits()); refusal != errCoding {
			t.Errorf("Transfer-Encoding %q: %v", value, refusal)
		}
	}
	for _, value := range []string{"\x0bchunked", "\x0cchunked", "chunked\x00"} {
		if _, _, refusal := parseAll(t, get+"Transfer-Encoding: "+value+"\r\n\r\n", DefaultLimits()); refusal != errFieldValue {
			t.Errorf("Transfer-Encoding %q: %v", value, refusal)
		}
	}
}

func TestHostsRefused(t *testing.T) {
	for _, host := range []string{
		"", ":80", "a b", "a, b", "a,b", "a/b", "a?b", "a#b", "u@a", "a\\b", "a:0", "a:65536", "a:080000", "a:", "a:x", "a:+1", "a:-1",
		"[::1", "::1", "[::1]x", "[]", "[1.2.3.4]", "[::1%25eth0]", "[fe80::1%eth0]", ".", "a..", "a%41", "a\"", "ä",
	} {
		if _, _, refusal := parseAll(t, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n", DefaultLimits()); refusal != errHost {
			t.Errorf("Host %q: %v", host, refusal)
		}
	}
}

func TestHostsAccepted(t *testing.T) {
	for _, test := range []struct {
		sent, host string
		port       uint16
		dotted     bool
	}{
		{"example.com", "example.com", 0, false},
		{"Example.COM:8080", "example.com", 8080, false},
		{"example.com.:1", "example.com", 1, true},
		{"10.0.0.1:65535", "10.0.0.1", 65535, false},
		{"[2001:DB8::1]:443", "[2001:db8::1]", 443, false},
		{"[::1]", "[::1]", 0, false},
		{"a_b-c~d", "a_b-c~d", 0, false},
	} {
		r, _, refusal := parseAll(t, "GET / HTTP/1.1\r\nHost: "+test.sent+"\r\n\r\n", DefaultLimits())
		if refusal != nil {
			t.Errorf("Host %q: %v", test.sent, refusal)
			continue
		}
		if r.Host() != test.host || r.Port() != test.port || r.Dotted() != test.dotted || r.Authority() != test.sent {
			t.Errorf("Host %q: %q, %d, %v, %q", test.sent, r.Host(), r.Port(), r.Dotted(), r.Authority())
		}
	}
}

func TestTargetsAccepted(t *testing.T) {
	for _, test := range []struct{ line, path, query, authority string }{
		{"GET / HTTP/1.1", "/", "", "a"},
		{"GET /x?y=z?# HTTP/1.1", "", "", ""},
		{"GET /x?y=/z HTTP/1.1", "/x", "?y=/z", "a"},
		{"GET /x? HTTP/1.1", "/x", "?", "a"},
		{"GET //x//%2e/%20 HTTP/1.1", "//x//%2e/%20", "", "a"},
		{"GET /\xc3\xa4?\xff HTTP/1.1", "/\xc3\xa4", "?\xff", "a"},
		{"GET http://a HTTP/1.1", "/", "", "a"},
		{"GET HTTP://A:80?q HTTP/1.1", "/", "?q", "A:80"},
		{"GET https://A:443/x?q HTTP/1.1", "/x", "?q", "A:443"},
		{"OPTIONS * HTTP/1.1", "", "", "a"},
		{"get /x HTTP/1.1", "/x", "", "a"},
		{"M-SEARCH /x HTTP/1.0", "/x", "", "a"},
	} {
		r, n, refusal := parseAll(t, test.line+"\r\nHost: a\r\n\r\nbody", DefaultLimits())
		if test.authority == "" {
			if refusal == nil {
				t.Errorf("%q is accepted", test.line)
			}
			continue
		}
		if refusal != nil {
			t.Errorf("%q: %v", test.line, refusal)
			continue
		}
		if r.Path() != test.path || r.Query() != test.query || r.Authority() != test.authority {
			t.Errorf("%q: %q, %q, %q", test.line, r.Path(), r.Query(), r.Authority())
		}
		if want := len(test.line) + len("\r\nHost: a\r\n\r\n"); n != want {
			t.Errorf("%q: the head has %d bytes, want %d", test.line, n, want)
		}
		if method, _, _ := strings.Cut(test.line, " "); r.Method() != method {
			t.Errorf("%q: the method is %q", test.line, r.Method())
		}
	}
}

func TestRequestsAccepted(t *testing.T) {
	for _, test := range []struct {
		name, raw string
		check     func(r *Request) bool
	}{
		{"one empty line first", "\r\n" + get + "\r\n", func(r *Request) bool { return r.Method() == "GET" }},
		{"no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", func(r *Request) bool { return r.Authority() == "" && !r.persists() }},
		{"absolute target in HTTP/1.0", "GET http://b/ HTTP/1.0\r\n\r\n", func(r *Request) bool { return r.Authority() == "b" }},
		{"keep-alive in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", (*Request).persists},
		{"persistent", get + "\r\n", func(r *Request) bool { return r.persists() && r.Length() == 0 && !r.HasBody() }},
		{"close", get + "Connection: x, CLOSE\r\n\r\n", func(r *Request) bool { return !r.persists() }},
		{"length", get + "Content-Length: \t007 \r\n\r\n", func(r *Request) bool { return r.Length() == 7 }},
		{"greatest length", get + "Content-Length: 9223372036854775807\r\n\r\n", func(r *Request) bool { return r.Length() == 1<<63-1 }},
		{"length 0", get + "Content-Length: 0\r\n\r\n", func(r *Request) bool { return !r.HasBody() }},
		{"chunks", get + "Transfer-Encoding:\tCHUNKED \r\n\r\n", func(r *Request) bool { return r.Length() == -1 && r.HasBody() }},
		{"upgrade", get + "Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n\r\n",
			func(r *Request) bool { return r.Upgrade() == "websocket" }},
		{"upgrade not nominated", get + "Upgrade: websocket\r\n\r\n", func(r *Request) bool { return r.Upgrade() == "" }},
		{"upgrade in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
			func(r *Request) bool { return r.Upgrade() == "" }},
		{"trailers", get + "TE: gzip;q=1, trailers\r\n\r\n", (*Request).TakesTrailers},
		{"tab and high bytes in a value", get + "X: a\tb \xe4\xff\r\n\r\n",
			func(r *Request) bool { return r.Fields.Get("x") == "a\tb \xe4\xff" }},
		{"empty value", get + "X:\r\n\r\n", func(r *Request) bool { return r.Fields.Get("x") == "" && r.Fields.Len() == 2 }},
	} {
		r, _, refusal := parseAll(t, test.raw, DefaultLimits())
		if refusal != nil || !test.check(r) {
			t.Errorf("%s: %q is not understood: %v", test.name, test.raw, refusal)
		}
	}
}

func TestRequestSwitches(t *testing.T) {
	limits := DefaultLimits()
	limits.AllowTrace, limits.AllowLengthWithChunks = true, true
	if _, _, refusal := parseAll(t, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", limits); refusal != nil {
		t.Errorf("TRACE: %v", refusal)
	}
	r, _, refusal := parseAll(t, get+"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", limits)
	if refusal != nil || r.Length() != -1 || r.persists() {
		t.Errorf("length with chunks: %v, length %d, persists %v", refusal, r.Length(), r.persists())
	}
}

func TestRequestLimits(t *testing.T) {
	limits := Limits{HeadBytes: 100, Fields: 3}
	for _, test := range []struct {
		name, raw string
		want      *Refusal
	}{
		{"target", "GET /" + strings.Repeat("a", 100) + " HTTP/1.1\r\nHost: a\r\n\r\n", errTargetLong},
		{"target without an end", "GET /" + strings.Repeat("a", 100), errTargetLong},
		{"method", strings.Repeat("G", 100), errMethod},
		{"value", get + "X: " + strings.Repeat("a", 100) + "\r\n\r\n", errHeadLong},
		{"value without an end", get + "X: " + strings.Repeat("a", 100), errHeadLong},
		{"fields", get + "X: a\r\nX: a\r\nX: a\r\n\r\n", errFieldCount},
		{"at the limit", get + "X: " + strings.Repeat("a", 100-len(get)-len("X: \r\n\r\n")) + "\r\n\r\n", nil},
		{"above the limit", get + "X: " + strings.Repeat("a", 101-len(get)-len("X: \r\n\r\n")) + "\r\n\r\n", errHeadLong},
	} {
		if _, _, refusal := parseAll(t, test.raw, limits); refusal != test.want {
			t.Errorf("%s: %v, want %v", test.name, refusal, test.want)
		}
	}
}

func TestEndToEndFields(t *testing.T) {
	r, _, refusal := parseAll(t, get+"Connection: close, X-Secret, Content-Length, x-forwarded-for\r\nConnection: ,X-More\r\n"+
		"Keep-Alive: 5\r\nProxy-Connection: x\r\nProxy-Authorization: x\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\n"+
		"HTTP2-Settings: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\nx-secret: 1\r\nX-Forwarded-For: 1\r\nX-More: 1\r\n"+
		"Date: now\r\nAccept: a\r\nAccept: b\r\n\r\n", DefaultLimits())
	if refusal != nil {
		t.Fatal(refusal)
	}
	var got []string
	for _, f := range r.Fields.AppendEndToEnd(nil) {
		got = append(got, f.Name+"="+f.Value)
	}
	if want := "Date=now Accept=a Accept=b"; strings.Join(got, " ") != want {
		t.Errorf("end to end are %q, want %q", got, want)
	}
	if r.Length() != 3 {
		t.Errorf("a nominated Content-Length is %d, want 3", r.Length())
	}
}
