package lb

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluiceproxy/sluice/internal/capture"
	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// malformedClasses are what upstreams say that is no answer, by class.
var malformedClasses = []struct {
	class   string
	answers []string
}{
	{"length", []string{
		okay + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", okay + "Content-Length: 5, 6\r\n\r\nhello", okay + "Content-Length: 5, 5\r\n\r\nhello",
		okay + "Content-Length: +5\r\n\r\nhello", okay + "Content-Length: -5\r\n\r\nhello", okay + "Content-Length:\r\n\r\n", okay + "Content-Length: x\r\n\r\n",
		okay + "Content-Length: 9223372036854775808\r\n\r\n", okay + "Content-Length: 18446744073709551621\r\n\r\nhello", okay + "Content-Length: 0x5\r\n\r\nhello",
	}},
	{"coding", []string{
		okay + "Transfer-Encoding: gzip\r\n\r\nhello", okay + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", okay + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		okay + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", okay + "Transfer-Encoding: identity\r\n\r\nhello",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", okay + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
	}},
	{"not HTTP", []string{
		"garbage\r\n\r\n", "<html>hello</html>", "\x15\x03\x01\x00\x02\x02\x28", "", "\r\n\r\n", "HTTP/1.1", okay, okay + "X: ", "SSH-2.0-x\r\n",
		"ICY 200 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n",
	}},
	{"status", []string{
		"HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 99999 x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 20 x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 abc x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 +20 x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 1000 x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 x\r\nContent-Length: 0\r\n\r\n",
	}},
	{"response splitting", []string{
		"HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 O\rX: evil\r\nContent-Length: 0\r\n\r\n", okay + "X: a\rSet-Cookie: evil\r\nContent-Length: 0\r\n\r\n",
		okay + "X: a\x00b\r\nContent-Length: 0\r\n\r\n", okay + "X y: evil\r\nContent-Length: 0\r\n\r\n", okay + "X : evil\r\nContent-Length: 0\r\n\r\n",
		okay + "evil\r\nContent-Length: 0\r\n\r\n", okay + "X: a\r\n evil: b\r\nContent-Length: 0\r\n\r\n", okay + ": evil\r\nContent-Length: 0\r\n\r\n",
	}},
	{"unasked 101", []string{
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nevil", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
	}},
	{"interim flood", []string{
		strings.Repeat("HTTP/1.1 102 Processing\r\nX: y\r\n\r\n", 5000) + empty, strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 5000) + empty,
		"HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\nhello" + empty,
	}},
	{"huge head", []string{
		okay + "X: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", okay + strings.Repeat("X: y\r\n", 20_000) + "\r\n",
	}},
}

// A malformed answer becomes a 502 of our own, nothing of it is passed on, the
// client's connection goes on, the upstream's is closed.
func TestMalformedClasses(t *testing.T) {
	for _, c := range malformedClasses {
		t.Run(c.class, func(t *testing.T) {
			for _, answer := range c.answers {
				testMalformed(t, answer)
			}
		})
	}
}

func testMalformed(t *testing.T, answer string) {
	t.Helper()
	// A POST, for which there is one try. The first answer counts.
	var conns atomic.Int32
	upstream := lbtest.Record(t, func(c *lbtest.Recording) {
		if conns.Add(1) > 1 {
			lbtest.Say(okay + "Content-Length: 6\r\n\r\nproper")(c)
			return
		}
		lbtest.SayOnce(answer)(c)
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	defer r.stop()
	client := r.dial()
	client.send(post("Content-Length: 2") + "hi")
	head := client.head()
	for strings.HasPrefix(head, "HTTP/1.1 102 ") { // those before the one too many
		head = client.head()
	}
	const text = "502 bad gateway\n"
	if !strings.HasPrefix(head, "HTTP/1.1 502 ") || !strings.Contains(head, fmt.Sprintf("\r\nContent-Length: %d\r\n", len(text))) ||
		strings.Contains(head, "evil") || strings.Contains(head, "Connection: close") {
		t.Errorf("%.80q is passed on as %q", answer, head)
	}
	if body := client.body(len(text)); body != text {
		t.Errorf("%.80q is passed on with the body %q", answer, body)
	}
	upstream.Only()
	client.send("GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if rest := client.rest(); !strings.HasPrefix(rest, okay) || !strings.HasSuffix(rest, "\r\n\r\nproper") {
		t.Errorf("behind %.80q the next answer is %q", answer, rest)
	}
	if n := r.Metrics().Panics; n != 0 {
		t.Errorf("%.80q: %d panics", answer, n)
	}
}

// An answer with length and chunks is read by its chunks, goes on without the
// length, and is the connection's last.
func TestAnswerWithLengthAndChunks(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(okay+"Content-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	c := r.dial()
	c.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
	if head := c.head(); strings.Contains(head, "Content-Length") || c.body(len("5\r\nhello\r\n0\r\n\r\n")) != "5\r\nhello\r\n0\r\n\r\n" {
		t.Errorf("the answer is %q", head)
	}
	upstream.Only()
}

// An answer that is cut is seen to be cut, told of in the log with what was sent,
// and never tried again.
func TestCutAnswers(t *testing.T) {
	for class, answer := range map[string]string{
		"shorter than its length":  okay + "Content-Length: 10\r\n\r\nhello",
		"chunks without their end": okay + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"chunks that break":        okay + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n",
		"chunk cut":                okay + "Transfer-Encoding: chunked\r\n\r\nA\r\nhello",
	} {
		for _, protocol := range tlsWires {
			t.Run(class+" "+protocol, func(t *testing.T) {
				upstream := lbtest.Record(t, lbtest.SayOnce(answer))
				var log capture.Buffer
				r, c := startTLS(t, protocol, func(o *ServerOptions) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) },
					testRoute{prefix: "/", backends: []string{upstream.Addr}})
				resp, err := c.Get("https://" + r.addr + "/x")
				if err == nil { // else it was cut before the head had gone out
					var body []byte
					body, err = io.ReadAll(resp.Body)
					resp.Body.Close()
					if resp.Proto != protocol || string(body) != "hello" || err == nil {
						t.Errorf("%s %q, error %v; want the part and an error", resp.Proto, body, err)
					}
				}
				if protocol == "HTTP/2.0" && !strings.Contains(fmt.Sprint(err), "INTERNAL_ERROR") {
					t.Errorf("the stream ends with %v", err)
				}
				if n := strings.Count(upstream.Only().Text(), "GET /x"); n != 1 {
					t.Errorf("%d tries, want 1", n)
				}
				r.stop()
				if !strings.Contains(log.String(), "after 5 bytes") {
					t.Errorf("the log is %q", log.String())
				}
			})
		}
	}
}

// An answer of any framing that breaks off with a reset is seen to be cut.
func TestResetAnswers(t *testing.T) {
	for class, answer := range map[string]string{
		"by length": okay + "Content-Length: 10\r\n\r\nhello", "by chunks": okay + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "by close": okay + "\r\nhello",
	} {
		t.Run(class, func(t *testing.T) {
			passed := make(chan struct{})
			upstream := lbtest.Record(t, func(c *lbtest.Recording) {
				_, _ = c.Head()
				_, _ = io.WriteString(c, answer)
				<-passed
				resetConn(c)
			})
			r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
			c := r.dial()
			c.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
			head := c.head()
			close(passed)
			rest := c.rest()
			if !strings.HasPrefix(head, okay) || !strings.Contains(rest, "hello") || strings.HasSuffix(rest, "0\r\n\r\n") || strings.Contains(rest, "HTTP/1.1 ") {
				t.Errorf("the client gets %q, then %q", head, rest)
			}
			if n := len(upstream.All()); n != 1 {
				t.Errorf("%d tries, want 1", n)
			}
		})
	}
}

// Trailers pass to who asked for them, and with gRPC, without those that frame,
// route or authenticate.
func TestTrailersOfAnswers(t *testing.T) {
	const trailers = "X: y\r\nContent-Length: 9\r\nSet-Cookie: evil\r\nX-Forwarded-For: evil\r\nConnection: evil\r\n"
	for _, row := range []struct{ asked, fields, want string }{
		{"", "", ""},
		{"TE: gzip\r\n", "", ""},
		{"TE: trailers\r\n", "", "X: y\r\n"},
		{"", "Content-Type: application/grpc+proto\r\n", "X: y\r\n"},
	} {
		upstream := lbtest.Record(t, lbtest.Say(okay+row.fields+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"+trailers+"\r\n"))
		r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
		got := r.raw("GET /x HTTP/1.1\r\nHost: h\r\n" + row.asked + "Connection: close\r\n\r\n")
		if !strings.HasPrefix(got, okay) || !strings.HasSuffix(got, "\r\n\r\n5\r\nhello\r\n0\r\n"+row.want+"\r\n") {
			t.Errorf("asked with %q, %q: the answer is %q", row.asked, row.fields, got)
		}
	}
}

// What an upstream says behind an answer, or unasked, is nobody's answer.
func TestBytesBehindAnAnswer(t *testing.T) {
	wrong := okay + "Content-Length: 5\r\n\r\nwrong"
	for class, answer := range map[string]string{
		"behind a length":  okay + "Content-Length: 5\r\n\r\nhello" + wrong,
		"behind chunks":    okay + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + wrong,
		"behind a 204":     "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n" + wrong,
		"behind a 304":     "HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n" + wrong,
		"one byte":         okay + "Content-Length: 5\r\n\r\nhello!",
		"behind no length": okay + "Content-Length: 0\r\n\r\n" + wrong,
	} {
		t.Run(class, func(t *testing.T) {
			upstream := lbtest.Record(t, lbtest.Say(answer))
			r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
			c := client(t)
			for range 3 {
				resp, err := c.Post(r.url("/x"), "text/plain", nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || strings.Contains(string(body), "wrong") || len(body) > 5 {
					t.Errorf("the answer is %s %q, %v", resp.Status, body, err)
				}
				if resp.StatusCode == http.StatusNoContent && resp.Header.Get("Content-Length") != "" {
					t.Errorf("a 204 has the length %s", resp.Header.Get("Content-Length"))
				}
			}
			if n := len(upstream.All()); n != 3 {
				t.Errorf("%d connections for 3 requests", n)
			}
		})
	}
}

func TestBodyOfAnAnswerToHEAD(t *testing.T) {
	upstream := lbtest.Record(t, lbtest.Say(okay+"Content-Length: 5\r\n\r\nhello"))
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	c := r.dial()
	for range 3 {
		c.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n")
		if head := c.head(); !strings.HasPrefix(head, okay) || !strings.Contains(head, "\r\nContent-Length: 5\r\n") {
			t.Errorf("the head is %q", head)
		}
	}
	if n := len(upstream.All()); n != 3 {
		t.Errorf("%d connections for 3 requests", n)
	}
}

// An answer may come before the request's end; what follows of its body is body.
func TestEarlyAnswerKeepsTheBodyABody(t *testing.T) {
	upstream := lbtest.Record(t, func(c *lbtest.Recording) {
		_, _ = c.Head()
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
		_, _ = io.Copy(io.Discard, c)
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	c := r.dial()
	// One part of the body never comes: with all of it, the upstream's connection might be kept.
	c.send(fmt.Sprintf("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", 11*len(smuggled)))
	if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 413 ") || !strings.Contains(head, "\r\nConnection: close\r\n") || c.body(3) != "big" {
		t.Errorf("the answer is %q", head)
	}
	for range 10 {
		_, _ = io.WriteString(c.nc, smuggled)
	}
	if rest := c.rest(); rest != "" {
		t.Errorf("then comes %q", rest)
	}
	// Some of the body may have been passed on before the answer was through.
	got := upstream.Only().Text()
	if _, body, _ := strings.Cut(got, "\r\n\r\n"); len(body) > 10*len(smuggled) || !strings.HasPrefix(strings.Repeat(smuggled, 10), body) {
		t.Errorf("the upstream got %q", got)
	}
}

// A head without end is not read further than the limit.
func TestHugeAnswerHeadsAreNotReadToTheirEnd(t *testing.T) {
	const size = 64 << 20 // more than the kernel buffers between two sockets
	wrote := make(chan int, 1)
	upstream := lbtest.Record(t, func(c *lbtest.Recording) {
		_, _ = c.Head()
		n, _ := c.Write(append([]byte(okay), bytes.Repeat([]byte("X: y\r\n"), size/6)...))
		wrote <- n
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	if got := r.raw("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 502 ") {
		t.Errorf("answered %.80q", got)
	}
	if n := <-wrote; n > size/2 {
		t.Errorf("the upstream got rid of %d bytes of a head", n)
	}
}

// An idle connection that died as the request was sent: tried once more where
// that can do no harm, and a POST not at all.
func TestConnectionThatDiesAsItIsUsed(t *testing.T) {
	for name, want := range map[string]struct{ status, tries int }{
		"GET": {200, 2}, "HEAD": {200, 2}, "OPTIONS": {200, 2}, "DELETE": {200, 2}, "PUT": {200, 2}, "POST": {502, 1}, "PATCH": {502, 1},
		"PUT with body": {502, 1}, "POST with body": {502, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var conns atomic.Int32
			upstream := lbtest.Record(t, func(c *lbtest.Recording) {
				first := conns.Add(1) == 1
				for i := 0; ; i++ {
					head, err := c.Head()
					if err != nil || first && i == 1 {
						return // in place of the second answer
					}
					if strings.Contains(head, "Content-Length: 2") {
						_, _ = io.CopyN(io.Discard, c.Buffer, 2)
					}
					_, _ = io.WriteString(c, empty)
				}
			})
			r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
			c := r.dial()
			c.send("GET /warm HTTP/1.1\r\nHost: h\r\n\r\n")
			c.head()
			method, rest, _ := strings.Cut(name, " ")
			body := ""
			if rest != "" {
				body = "hi"
			}
			c.send(fmt.Sprintf("%s /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", method, len(body), body))
			if head := c.head(); !strings.HasPrefix(head, fmt.Sprintf("HTTP/1.1 %d ", want.status)) {
				t.Errorf("the answer is %q", head)
			}
			tries := 0
			for _, conn := range upstream.All() {
				tries += strings.Count(conn.Text(), method+" /x ")
			}
			if tries != want.tries {
				t.Errorf("%d tries, want %d", tries, want.tries)
			}
		})
	}
}

// Close-delimited answers arrive whole.
func TestAnswerUntilClose(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 64<<10)
	upstream := lbtest.Record(t, lbtest.SayOnce(okay+"\r\n"+body))
	r := start(t, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	if status, got := r.get("/x"); status != 200 || got != body {
		t.Errorf("%d, %d bytes of %d", status, len(got), len(body))
	}
}
