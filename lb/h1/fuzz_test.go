package h1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
)

// What this parser accepts, net/http's must accept too, and understand to be
// the same request with the same end.
func FuzzRequest(f *testing.F) {
	for _, test := range refusedRequests {
		f.Add([]byte(test.raw))
	}
	f.Add([]byte(get + "Content-Length: 5\r\nAccept: a\r\naccept: b\r\n\r\nhello"))
	f.Add([]byte(get + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
	f.Add([]byte("\r\nOPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"))
	f.Add([]byte("GET http://A.b:80?x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, n, refusal := parseAll(t, string(raw), DefaultLimits())
		if n == 0 || refusal != nil {
			return
		}
		br := readerOf(bytes.TrimPrefix(raw, []byte("\r\n"))) // RFC 9112 §2.2 lets one be
		want, err := http.ReadRequest(br)
		if err != nil {
			if strings.Contains(err.Error(), "bad trailer key") {
				return // an announcement of trailers, which is not looked at here
			}
			t.Fatalf("%q is accepted, by net/http not: %v", raw, err)
		}
		compareRequests(t, r, want)
		compareBodies(t, string(raw[n:]), r.body, want.Body, br, &want.Trailer)
	})
}

// readerOf holds all of raw in its buffer, for net/http looks no further for the
// end of a trailer section.
func readerOf(raw []byte) *bufio.Reader {
	return bufio.NewReaderSize(bytes.NewReader(raw), len(raw)+16)
}

// compareBodies reads the body at the start of raw. If there is one as a whole,
// net/http must find the same one with the same trailers, and nothing else behind
// it.
func compareBodies(t *testing.T, raw string, f framing, want io.Reader, br *bufio.Reader, wantTrailer *http.Header) {
	b, rd := bodyOf(raw, 0, f)
	defer rd.drop()
	body, err := io.ReadAll(b)
	if err != nil {
		return
	}
	left := ""
	if f.mode != byClose {
		for err == nil {
			left += string(rd.buffered())
			rd.advance(len(rd.buffered()))
			err = rd.fill(0)
		}
	}
	wantBody, wantErr := io.ReadAll(want)
	if errors.Is(wantErr, httputil.ErrLineTooLong) {
		return // it has less patience with extensions
	}
	if wantErr != nil || !bytes.Equal(body, wantBody) {
		t.Errorf("%q has the body %q, to net/http %q, %v", raw, body, wantBody, wantErr)
	}
	if wantLeft, _ := io.ReadAll(br); left != string(wantLeft) {
		t.Errorf("%q is followed by %q, to net/http by %q", raw, left, wantLeft)
	}
	trailer := http.Header{}
	for name, values := range *wantTrailer {
		if len(values) > 0 { // else it was announced, and did not come
			trailer[name] = values
		}
	}
	compareFields(t, b.Trailer(), trailer)
}

func compareRequests(t *testing.T, r *Request, want *http.Request) {
	if r.Method() != want.Method || r.Protocol() != want.Proto {
		t.Errorf("method and protocol %q %q, want %q %q", r.Method(), r.Protocol(), want.Method, want.Proto)
	}
	if r.Authority() != want.Host {
		t.Errorf("authority %q, want %q", r.Authority(), want.Host)
	}
	if !r.IsAsterisk() {
		if path, err := url.PathUnescape(r.Path()); err != nil || path != want.URL.Path && want.URL.Path != "" {
			t.Errorf("path %q, %v, want %q", path, err, want.URL.Path)
		}
		if query := strings.TrimPrefix(r.Query(), "?"); query != want.URL.RawQuery {
			t.Errorf("query %q, want %q", query, want.URL.RawQuery)
		}
	}
	if r.Length() != want.ContentLength {
		t.Errorf("length %d, want %d", r.Length(), want.ContentLength)
	}
	if chunked := len(want.TransferEncoding) > 0; chunked != (r.Length() < 0) {
		t.Errorf("length %d, though chunked is %v", r.Length(), chunked)
	}
	if r.persists() == want.Close {
		t.Errorf("persists %v, close %v", r.persists(), want.Close)
	}
	compareFields(t, &r.Fields, want.Header, "Host", "Transfer-Encoding", "Trailer")
}

// compareFields compares all fields but those net/http keeps elsewhere.
func compareFields(t *testing.T, fields *Fields, want http.Header, without ...string) {
	got := http.Header{}
	for name, value := range fields.All() {
		name = textproto.CanonicalMIMEHeaderKey(name)
		got[name] = append(got[name], value)
	}
	for _, name := range append(without, "Cache-Control") { // made up from Pragma
		got.Del(name)
		want.Del(name)
	}
	for name, values := range got {
		if strings.Join(values, "\n") != strings.Join(want[name], "\n") {
			t.Errorf("%s is %q, want %q", name, values, want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("the fields are %q, want %q", got, want)
	}
}

// What the decoder accepts, net/http's must accept too, with the same data.
func FuzzChunks(f *testing.F) {
	for _, test := range refusedChunks {
		f.Add([]byte(test.raw))
	}
	f.Add([]byte("5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n"))
	f.Add([]byte("5;a=" + strings.Repeat("x", 5000) + "\r\nhello\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, _, _, err := readBody(t, string(raw))
		if err == nil {
			br := readerOf(append([]byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), raw...))
			want, err := http.ReadRequest(br)
			if err != nil {
				t.Fatal(err)
			}
			compareBodies(t, string(raw), framing{mode: byChunks, length: -1}, want.Body, br, &want.Trailer)
		}
		want, wantErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(raw)))
		if errors.Is(wantErr, httputil.ErrLineTooLong) {
			return
		}
		if err == nil && (wantErr != nil || string(want) != body) {
			t.Errorf("%q is accepted as %q, by net/http as %q, %v", raw, body, want, wantErr)
		}
		if !strings.HasPrefix(string(want), body) && wantErr == nil {
			t.Errorf("%q decodes to %q, by net/http to %q", raw, body, want)
		}
	})
}

// What is accepted of an answer must mean the same to net/http, and what is made
// of it must be well-formed.
func FuzzAnswer(f *testing.F) {
	for _, test := range refusedAnswers {
		f.Add([]byte(test.raw), false)
	}
	f.Add([]byte(ok+"Content-Length: 5\r\nX: y\r\n\r\nhello"), false)
	f.Add([]byte(ok+"Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), true)
	f.Add([]byte("HTTP/1.0 404\nX: y\n\n"), false)
	f.Fuzz(func(t *testing.T, raw []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		r, n, refusal := parseAnswer(t, string(raw), method, DefaultLimits())
		if n == 0 || refusal != nil {
			return
		}
		br := readerOf(raw)
		want, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			if strings.Contains(err.Error(), "bad trailer key") {
				return
			}
			t.Fatalf("%q is accepted, by net/http not: %v", raw, err)
		}
		defer want.Body.Close()
		if r.status != want.StatusCode {
			t.Errorf("status %d, want %d", r.status, want.StatusCode)
		}
		// Of a length that came along with chunks nothing is announced, not even to HEAD;
		// net/http keeps none for a 304.
		if length := r.body.length; length != want.ContentLength && r.status >= 200 && r.status != 204 && r.status != 304 && !r.unsure {
			t.Errorf("length %d, want %d", length, want.ContentLength)
		}
		compareFields(t, &r.Fields, want.Header, "Transfer-Encoding", "Trailer", "Content-Length")
		if r.status >= 200 {
			compareBodies(t, string(raw[n:]), r.body, want.Body, br, &want.Trailer)
		}

		var w writer
		w.statusLine(r.status)
		if _, err := w.fields(r.Fields.AppendEndToEnd(nil), endToEnd); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
		w.out = append(w.out, "Content-Length: 0\r\n\r\n"...)
		if _, n, refusal := parseAnswer(t, string(w.out), method, Limits{HeadBytes: 1 << 20, Fields: 101}); n != len(w.out) || refusal != nil {
			t.Errorf("%q is passed on as %q: %v", raw, w.out, refusal)
		}
	})
}
