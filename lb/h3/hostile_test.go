package h3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

// What is no request is refused, and costs its stream alone unless the connection is
// out of step.
func TestRefusals(t *testing.T) {
	r := start(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		hello(w, r)
	}, nil)
	const malformed = "stream H3_MESSAGE_ERROR"
	long := strings.Repeat("x", 4000)
	for text, want := range map[string]string{
		string(usualHead("GET")): "200",
		string(usualHead("GET", "x-a: 1", "cookie: a=b", "cookie: c=d")):                               "200",
		string(usualHead("GET", "host: h3.test")):                                                      "200",
		string(usualHead("GET", "te: trailers")):                                                       "200",
		string(usualHead("PUT", "content-length: 2")) + "\x00\x02ok":                                   "200",
		string(usualHead("PUT")) + "\x00\x01o\x00\x01k":                                                "200",
		string(usualHead("GET", "host: other.test")):                                                   malformed,
		string(usualHead("GET", "host: h3.test", "host: h3.test")):                                     malformed,
		string(usualHead("GET", "X-Upper: 1")):                                                         malformed,
		string(usualHead("GET", "connection: close")):                                                  malformed,
		string(usualHead("GET", "keep-alive: 1")):                                                      malformed,
		string(usualHead("GET", "proxy-connection: close")):                                            malformed,
		string(usualHead("GET", "transfer-encoding: chunked")):                                         malformed,
		string(usualHead("GET", "upgrade: websocket")):                                                 malformed,
		string(usualHead("GET", "te: gzip")):                                                           malformed,
		string(usualHead("GET", "x-a: 1\r\nx-b: 2")):                                                   malformed,
		string(usualHead("GET", "x a: 1")):                                                             malformed,
		string(usualHead("GET", ":path: /again")):                                                      malformed,
		string(usualHead("GET", ":status: 200")):                                                       malformed,
		string(usualHead("GET", ":other: 200")):                                                        malformed,
		string(usualHead("GET", "x-a: 1", ":authority: h3.test")):                                      malformed,
		string(usualHead("GE T")):                                                                      malformed,
		string(usualHead("")):                                                                          malformed,
		string(usualHead("PUT", "content-length: 2", "content-length: 3")):                             malformed,
		string(usualHead("PUT", "content-length: -2")):                                                 malformed,
		string(usualHead("PUT", "content-length: two")):                                                malformed,
		string(usualHead("PUT", "content-length: 2")) + "\x00\x03ok!":                                  malformed,
		string(usualHead("PUT", "content-length: 3")) + "\x00\x02ok":                                   "stream H3_INTERNAL_ERROR",
		string(head(":method: GET", ":scheme: https", ":path: /")):                                     malformed,
		string(head(":method: GET", ":authority: h3.test", ":scheme: https")):                          malformed,
		string(head(":method: GET", ":authority: h3.test", ":path: /")):                                "400",
		string(head(":method: GET", ":authority: h3.test", ":path: /", ":scheme: ftp")):                "400",
		string(head(":method: GET", ":authority: u@h3.test", ":path: /", ":scheme: https")):            malformed,
		string(head(":method: GET", ":authority: h3.test", ":path: x", ":scheme: https")):              malformed,
		string(head(":method: CONNECT", ":authority: h3.test", ":path: /", ":scheme: https")):          malformed,
		string(usualHead("GET", "x-a: "+long, "x-b: "+long, "x-c: "+long, "x-d: "+long, "x-e: "+long)): "431",
		"\x01\x80\x01\x00\x00":                                                                         "431", // a frame of 64 KiB
		"\x01\x05":                                                                                     "stream H3_INCOMPLETE_REQUEST",
		"\x01\x04\x00\x00\xff\xff":                                                                     "stream QPACK_DECOMPRESSION_FAILED",
		"\x00\x02ok":                                                                                   "connection H3_FRAME_UNEXPECTED", // data before a head
		"\x04\x00":                                                                                     "connection H3_FRAME_UNEXPECTED", // settings
	} {
		w := r.dial()
		s := w.open([]byte(text))
		_ = s.Close()
		if got := answer(s); got != want {
			t.Errorf("%q: %s, want %s", text[:min(len(text), 200)], got, want)
		}
		if strings.HasPrefix(want, "connection") {
			continue
		}
		s = w.open(usualHead("GET"))
		_ = s.Close()
		if got := answer(s); got != "200" {
			t.Errorf("%q costs the next request: %s", text[:min(len(text), 200)], got)
		}
		_ = w.CloseWithError(0, "")
	}
}

// Streams on which nothing more comes are few on a connection, and harm nobody else.
func TestStalledHeads(t *testing.T) {
	r := start(t, hello, nil)
	w := r.dial()
	for range streams {
		w.open([]byte("\x01\x20\x00\x00"))
	}
	if _, err := w.OpenStream(); !errors.Is(err, &quic.StreamLimitReachedError{}) {
		t.Errorf("one more stream: %v", err)
	}
	if got := r.get(r.client()); got != "hello" {
		t.Errorf("somebody else gets %q", got)
	}
}

// They keep no connection open that is idle.
func TestStalledHeadsEnd(t *testing.T) {
	w := start(t, hello, func(o *Options) { o.Idle = 10 * time.Millisecond }).dial()
	if s, err := w.OpenStream(); err == nil {
		_, _ = s.Write([]byte("\x01\x20\x00\x00"))
	}
	if got := w.closed(); got != "connection H3_NO_ERROR" {
		t.Errorf("the connection ends with %s", got)
	}
}

// Bodies that are not read are kept up to a limit, whatever their client sends.
func TestStalledBodies(t *testing.T) {
	release := make(chan struct{})
	r := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			<-release
		}
		hello(w, r)
	}, nil)
	defer close(release)
	w := r.dial()
	sent := 0
	for range 8 {
		s := w.open(usualHead("POST"))
		_ = s.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)) // what is taken is taken at once
		n, _ := s.Write(frame(frameData, make([]byte, 4<<20)))
		sent += n
	}
	if sent > 1<<20 {
		t.Errorf("%d bytes were taken of bodies that nobody reads", sent)
	}
	if got := r.get(r.client()); got != "hello" {
		t.Errorf("somebody else gets %q", got)
	}
}

// Requests that are taken back as soon as they are sent make no room for others while
// they are still worked on.
func TestRequestsThatAreTakenBack(t *testing.T) {
	var at atomic.Int64
	release := make(chan struct{})
	r := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			at.Add(1)
			defer at.Add(-1)
			<-release // it does not notice that the client is gone
		}
		hello(w, r)
	}, nil)
	w := r.dial()
	for range streams {
		s := w.open(usualHead("DELETE"))
		_ = s.Close()
		s.CancelRead(quic.StreamErrorCode(http3.ErrCodeRequestCanceled))
	}
	lbtest.Eventually(t, "all are worked on", func() bool { return at.Load() == streams })
	if _, err := w.OpenStream(); !errors.Is(err, &quic.StreamLimitReachedError{}) {
		t.Errorf("one more stream: %v", err)
	}
	if got := r.get(r.client()); got != "hello" {
		t.Errorf("somebody else gets %q", got)
	}
	close(release)
	s := w.open(usualHead("GET")) // when there is room
	_ = s.Close()
	if got := answer(s); got != "200" {
		t.Errorf("then %s", got)
	}
}

// Who asks for much and takes nothing holds up no other client.
func TestAnswersNobodyTakes(t *testing.T) {
	var waiting atomic.Int64
	r := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			hello(w, r)
			return
		}
		waiting.Add(1)
		defer waiting.Add(-1)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Second))
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				panic(http.ErrAbortHandler)
			}
		}
	}, nil)
	w := r.dial()
	var all []*quic.Stream
	for range streams {
		s := w.open(usualHead("POST"))
		_ = s.Close()
		all = append(all, s)
	}
	lbtest.Eventually(t, "they are being answered", func() bool { return waiting.Load() > 0 })
	if got := r.get(r.client()); got != "hello" {
		t.Errorf("somebody else gets %q", got)
	}
	lbtest.Eventually(t, "they are given up", func() bool { return waiting.Load() == 0 })
	for _, s := range all {
		if _, err := io.Copy(io.Discard, s); err == nil {
			t.Fatal("an answer that was cut looks whole")
		}
	}
}

// Streams and frames that are of no use are no harm.
func TestOtherStreams(t *testing.T) {
	r := start(t, hello, nil)
	w := r.dial()
	control, err := w.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = control.Write([]byte("\x00\x04\x00"))                // settings
	_, _ = control.Write(frame(0x21, []byte("for the grease"))) // RFC 9114 §7.2.8
	for range 4 {
		s, err := w.OpenUniStreamSync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.Write([]byte("\x21 of no known kind"))
	}
	s := w.open(append(frame(0x21, []byte("before a head")), usualHead("GET")...))
	_ = s.Close()
	if got := answer(s); got != "200" {
		t.Errorf("%s", got)
	}
	_, _ = control.Write([]byte("\x04\x00")) // settings again
	if got := w.closed(); got != "connection H3_FRAME_UNEXPECTED" {
		t.Errorf("the connection ends with %s", got)
	}
}

// What is not QUIC, or a part of it, is nothing.
func TestNoise(t *testing.T) {
	var failed atomic.Int64
	r := start(t, hello, func(o *Options) {
		o.Handshake = 8 * time.Second // of which half is waited for a word
		o.Failed = func(error) { failed.Add(1) }
	})
	quiet := newTap(t, "127.0.0.1", func([]byte) bool { return false }) // answers never arrive
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dialled := make(chan error, 1)
	go func() {
		_, err := quiet.dial(ctx, r.addr)
		dialled <- err
	}()
	lbtest.Eventually(t, "the connection was begun", func() bool { return r.unproven.Load() == 1 })
	cancel()
	if err := <-dialled; err == nil {
		t.Error("a connection without answers came about")
	}
	for _, text := range []string{"", "x", "GET / HTTP/1.1\r\n\r\n", "\xc0\x00\x00\x00\x01", strings.Repeat("\xff", 1200), strings.Repeat("\x40", 1200)} {
		if _, err := quiet.WriteTo([]byte(text), quiet.to(r.addr)); err != nil {
			t.Error(err)
		}
	}
	if got := r.get(r.client()); got != "hello" {
		t.Errorf("somebody else gets %q", got)
	}
	lbtest.Eventually(t, "it is given up", func() bool { return r.unproven.Load() == 0 && failed.Load() == 1 })
}
