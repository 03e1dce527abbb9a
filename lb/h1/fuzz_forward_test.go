package h1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// A head as strict as they come, which is what an upstream must be sent whatever
// the client sent.
var strictHead = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+ (/[!-\"$-~]*|\\*) HTTP/1\\.1\r\nHost: [!-~]*\r\n" +
	"([-!#$%&'*+.^_`|~0-9A-Za-z]+: [^\x00-\x08\n-\x1f\x7f]*\r\n)*\r\n$")

// The requests an upstream sees are those net/http finds in the client's bytes,
// in order, each with its own answer, and not one more.
func FuzzForward(f *testing.F) {
	for _, test := range refusedRequests {
		f.Add([]byte(test.raw+smuggled), uint8(0))
	}
	for _, test := range refusedChunks {
		f.Add([]byte(get+"Transfer-Encoding: chunked\r\n\r\n"+test.raw+smuggled), uint8(3))
	}
	f.Add([]byte(get+"Content-Length: 5\r\n\r\nhello"+request+"HEAD http://A.b:80/x?y HTTP/1.1\r\nHost: a.B\r\n\r\n"+smuggled), uint8(0))
	f.Add([]byte(get+"Transfer-Encoding: chunked\r\nTE: trailers\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\nHost: b\r\n\r\n\r\n"+smuggled), uint8(2))
	f.Add([]byte("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"+get+"Connection: X, Content-Length\r\nX: y\r\nContent-Length: 1\r\n\r\nx"+request), uint8(9))
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"+smuggled), uint8(80))
	f.Fuzz(func(t *testing.T, raw []byte, step uint8) {
		u := &strictUpstream{t: t}
		answers := u.forward(raw, int(step))
		sent := readerOf(raw)
		n := 0
		for len(answers.rest()) > 0 {
			method, want, wantBody, wantErr := nextRequest(sent)
			resp, body := answers.next(t, method)
			at := resp.Header.Get("X-Seen")
			switch {
			case at == "" && (resp.StatusCode >= 400 || want != nil && want.RequestURI == "*"):
			case wantErr != nil:
				if !strings.Contains(wantErr.Error(), "bad trailer key") {
					t.Fatalf("answered %d, though net/http finds no request: %v", resp.StatusCode, wantErr)
				}
				return
			case at != fmt.Sprint(n) || n >= len(u.seen):
				t.Fatalf("request %d has the answer of %q of %d", n, at, len(u.seen))
			default:
				compareForwarded(t, want, wantBody, u.seen[n])
				if method != "HEAD" && body != wantBody {
					t.Errorf("the answer is %q, want %q", body, wantBody)
				}
				n++
			}
			if rest := answers.rest(); resp.Close && len(rest) > 0 {
				t.Fatalf("behind an answer that closes: %q", rest)
			}
		}
		if n != len(u.seen) {
			t.Errorf("the upstream saw %d requests, the client %d answers", len(u.seen), n)
		}
	})
}

// nextRequest is net/http's reading of what comes next. The method is known even
// of what is no request if it is HEAD, which is answered without a body.
func nextRequest(r *bufio.Reader) (method string, _ *http.Request, body string, _ error) {
	if b, _ := r.Peek(2); string(b) == "\r\n" {
		_, _ = r.Discard(2)
	}
	if b, _ := r.Peek(5); string(b) == "HEAD " {
		method = "HEAD"
	}
	req, err := http.ReadRequest(r)
	if err != nil {
		return method, nil, "", err
	}
	all, err := io.ReadAll(req.Body)
	return req.Method, req, string(all), err
}

// compareForwarded compares what the client sent with what the upstream got.
func compareForwarded(t *testing.T, want *http.Request, wantBody string, got *seenRequest) {
	if got.Method != want.Method || got.Host != want.Host || got.ContentLength != want.ContentLength || got.body != wantBody {
		t.Errorf("the upstream got %s %q %d %q, want %s %q %d %q", got.Method, got.Host, got.ContentLength, got.body,
			want.Method, want.Host, want.ContentLength, wantBody)
	}
	if path := max(want.URL.Path, "/"); got.URL.Path != path {
		t.Errorf("the upstream got the path %q, want %q", got.URL.Path, path)
	}
	if query := string(appendEscaped(nil, want.URL.RawQuery)); got.URL.RawQuery != query {
		t.Errorf("the upstream got the query %q, want %q", got.URL.RawQuery, query)
	}
	if te := got.Header.Get("TE"); te != "" && te != "trailers" {
		t.Errorf("the upstream got TE %q", te)
	}
	if up := got.Header.Get("Upgrade"); up != "" && !strings.EqualFold(up, "websocket") {
		t.Errorf("the upstream got Upgrade %q", up)
	}
	drop := []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Upgrade", "Http2-Settings", "Expect", "Content-Length", "Cache-Control"}
	for name := range strings.SplitSeq(strings.Join(want.Header["Connection"], ","), ",") {
		if name = textproto.CanonicalMIMEHeaderKey(strings.Trim(name, " \t")); name != "Date" && got.Header.Get(name) != "" && name != "Te" && name != "Upgrade" &&
			name != "Content-Length" && name != "Connection" {
			t.Errorf("%s is nominated and passed on", name)
		}
		want.Header.Del(name)
	}
	for _, name := range drop {
		want.Header.Del(name)
		got.Header.Del(name)
	}
	if fmt.Sprintf("%q", got.Header) != fmt.Sprintf("%q", want.Header) { // maps are printed in order
		t.Errorf("the upstream got %q, want %q", got.Header, want.Header)
	}
	for name := range got.Trailer {
		if strings.Join(got.Trailer[name], ",") != strings.Join(want.Trailer[name], ",") || isPrivileged(name) || kindOf(name) != other {
			t.Errorf("the upstream got the trailer %s: %q", name, got.Trailer[name])
		}
	}
}

// strictUpstream serves what it is sent if that is well-formed to the last byte.
type strictUpstream struct {
	t       *testing.T
	serving sync.WaitGroup
	mu      sync.Mutex
	seen    []*seenRequest // whole ones
}

type seenRequest struct {
	*http.Request
	body string
}

// forward has a forwarder to the upstream serve a client that sends raw in pieces
// and then the end.
func (u *strictUpstream) forward(raw []byte, step int) *answered {
	o := DefaultPoolOptions()
	o.Dial = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		u.serving.Go(func() { u.serve(server) })
		return client, nil
	}
	f := &forwarder{pool: NewPool("upstream:80", o)}
	client := newHeard(raw, step)
	newConn(NewServer(DefaultOptions(), f.handle), client).serve()
	f.pool.CloseIdle()
	u.serving.Wait()
	return &answered{bufio.NewReaderSize(&client.heard, client.heard.Len()+16)}
}

func (u *strictUpstream) serve(nc net.Conn) {
	defer nc.Close()
	for r := lbtest.NewRecording(nc); ; {
		head, err := r.Head()
		if err != nil {
			if head != "" {
				u.t.Errorf("the upstream got half a head: %q", head)
			}
			return
		}
		if !strictHead.MatchString(head) {
			u.t.Errorf("the upstream got the head %q", head)
		}
		// net/http looks no further than its buffer for the end of trailers.
		in := bufio.NewReaderSize(io.MultiReader(strings.NewReader(head), r.Buffer), 64<<10)
		req, err := http.ReadRequest(in)
		if err != nil {
			u.t.Errorf("the upstream got %q: %v", head, err)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				u.t.Errorf("the upstream got a body that is not just cut: %v", err)
			}
			return
		}
		if in.Buffered() > 0 || r.Buffer.Buffered() > 0 {
			u.t.Errorf("the upstream got more than the request %q", head)
		}
		u.mu.Lock()
		n := len(u.seen)
		u.seen = append(u.seen, &seenRequest{req, string(body)})
		u.mu.Unlock()
		if req.Method == "HEAD" {
			body = nil
		}
		if _, err := fmt.Fprintf(nc, "%sX-Seen: %d\r\nContent-Length: %d\r\n\r\n%s", ok, n, len(body), body); err != nil {
			return
		}
	}
}

// heard is a client that sends what it was given and keeps what it is told.
type heard struct {
	scripted
	heard bytes.Buffer
}

func newHeard(raw []byte, step int) *heard {
	h := &heard{scripted: scripted{end: io.EOF}}
	text := string(raw)
	for ; step > 0 && len(text) > step; text = text[step:] {
		h.pieces = append(h.pieces, text[:step])
	}
	if text != "" {
		h.pieces = append(h.pieces, text)
	}
	return h
}

func (h *heard) Write(p []byte) (int, error) { return h.heard.Write(p) }

// answered is what a client was told.
type answered struct{ r *bufio.Reader }

func (a *answered) rest() []byte {
	rest, _ := a.r.Peek(a.r.Size())
	return rest
}

// next is the next final answer, which must be whole.
func (a *answered) next(t *testing.T, method string) (*http.Response, string) {
	resp, body, err := a.nextCut(t, method)
	if err != nil {
		t.Fatalf("the client got half an answer: %v", err)
	}
	return resp, body
}

func (a *answered) nextCut(t *testing.T, method string) (*http.Response, string, error) {
	for {
		rest := a.rest()
		resp, err := http.ReadResponse(a.r, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("the client got %q: %v", rest, err)
		}
		body, err := io.ReadAll(resp.Body)
		if resp.StatusCode >= 200 {
			return resp, string(body), err
		}
	}
}

// Whatever an upstream says to one request: the client is told what net/http
// makes of it, or 502, or visibly a part; and the next request has its own answer.
func FuzzPassOn(f *testing.F) {
	for _, test := range refusedAnswers {
		f.Add([]byte(test.raw), false)
	}
	for _, test := range refusedChunks {
		f.Add([]byte(ok+"Transfer-Encoding: chunked\r\n\r\n"+test.raw), false)
	}
	wrong := ok + "Content-Length: 5\r\n\r\nwrong"
	f.Add([]byte(ok+"Content-Length: 5\r\n\r\nhello"+wrong), false)
	f.Add([]byte(ok+"Content-Length: 5\r\n\r\nhello"+wrong), true)
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"+wrong), false)
	f.Add([]byte("HTTP/1.0 200 OK\n\nhello"), false)
	f.Fuzz(func(t *testing.T, raw []byte, head bool) {
		if len(raw) > 8<<10 {
			return // is to arrive as a whole
		}
		method := "GET"
		if head {
			method = "HEAD"
		}
		answers := passOn(t, raw, method)
		resp, body, err := answers.nextCut(t, method)
		if resp.Header.Get("X-Error") == "" || resp.StatusCode != 502 {
			comparePassedOn(t, raw, method, resp, body, err)
		}
		if err != nil {
			if rest := answers.rest(); len(rest) > 0 {
				t.Fatalf("behind an answer that is cut: %q", rest)
			}
			return
		}
		if resp, body := answers.next(t, "GET"); resp.StatusCode != 200 || body != "proper" {
			t.Errorf("the next answer is %d %q", resp.StatusCode, body)
		}
		if rest := answers.rest(); len(rest) > 0 {
			t.Errorf("there is a third answer: %q", rest)
		}
	})
}

// passOn sends two requests through a forwarder whose upstream answers the first
// one with raw and closes the connection.
func passOn(t *testing.T, raw []byte, method string) *answered {
	o := DefaultPoolOptions()
	var serving sync.WaitGroup
	answer := raw
	o.Dial = func(context.Context, string, string) (net.Conn, error) {
		client, server := socketPair(t)
		say := answer
		answer = []byte(ok + "Content-Length: 6\r\n\r\nproper")
		serving.Go(func() {
			defer server.Close()
			if _, err := lbtest.NewRecording(server).Head(); err == nil {
				_, _ = server.Write(say)
			}
		})
		return client, nil
	}
	f := &forwarder{pool: NewPool("upstream:80", o)}
	client := newHeard([]byte(method+" /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"), 0)
	newConn(NewServer(DefaultOptions(), f.handle), client).serve()
	f.pool.CloseIdle()
	serving.Wait()
	return &answered{bufio.NewReaderSize(&client.heard, client.heard.Len()+16)}
}

// socketPair has, unlike a pipe, bytes that wait to be read.
func socketPair(t *testing.T) (a, b net.Conn) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "socketpair")
		if ends[i], err = net.FileConn(file); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	return ends[0], ends[1]
}

func comparePassedOn(t *testing.T, raw []byte, method string, got *http.Response, body string, err error) {
	r := bufio.NewReader(bytes.NewReader(raw))
	for {
		want, wantErr := http.ReadResponse(r, &http.Request{Method: method})
		if wantErr != nil {
			if !strings.Contains(wantErr.Error(), "bad trailer key") {
				t.Fatalf("%q is passed on as %d, net/http refuses it: %v", raw, got.StatusCode, wantErr)
			}
			return
		}
		wantBody, wantErr := io.ReadAll(want.Body)
		if want.StatusCode < 200 {
			continue
		}
		if got.StatusCode != want.StatusCode || !strings.HasPrefix(string(wantBody), body) && wantErr == nil {
			t.Errorf("%q is passed on as %d %q, to net/http it is %d %q", raw, got.StatusCode, body, want.StatusCode, wantBody)
		}
		if err == nil && (wantErr != nil || body != string(wantBody)) {
			t.Errorf("%q is passed on as a whole, %q, to net/http it is %q, %v", raw, body, wantBody, wantErr)
		}
		return
	}
}
