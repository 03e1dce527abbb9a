package h3

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// What a handler sees is as net/http's server shows it over HTTP/2.
func TestRequestsAsUsual(t *testing.T) {
	type seen struct {
		proto, host, body, hostField, connect string
		length                                int64
		noBody                                bool
	}
	requests := make(chan seen, 1)
	r := start(t, func(w http.ResponseWriter, r *http.Request) {
		last := seen{r.Proto, r.Host, "", r.Header.Get("Host"), strings.Join(r.Header[":protocol"], ","), r.ContentLength, r.Body == http.NoBody}
		if r.Method != http.MethodConnect {
			body, _ := io.ReadAll(r.Body)
			last.body = string(body)
		}
		requests <- last
		hello(w, r)
	}, nil)
	const p, h = "HTTP/3.0", "h3.test"
	w := r.dial()
	for _, tt := range []struct {
		text string
		want seen
	}{
		{string(usualHead("GET")), seen{p, h, "", "", "", 0, true}},
		{string(usualHead("GET", "host: h3.test")), seen{p, h, "", "", "", 0, true}},
		{string(usualHead("DELETE")) + "\x00\x02ok", seen{p, h, "ok", "", "", -1, false}},
		{string(usualHead("POST")) + "\x00\x02ok", seen{p, h, "ok", "", "", -1, false}},
		{string(usualHead("POST", "content-length: 2")) + "\x00\x02ok", seen{p, h, "ok", "", "", 2, false}},
		{string(usualHead("POST", "content-length: 0")), seen{p, h, "", "", "", 0, true}},
		{string(head(":method: CONNECT", ":scheme: https", ":authority: h3.test", ":path: /", ":protocol: websocket")), seen{p, h, "", "", "websocket", -1, false}},
	} {
		s := w.open([]byte(tt.text))
		_ = s.Close()
		if got, last := answer(s), <-requests; got != "200" || last != tt.want {
			t.Errorf("%q: %s, %+v, want %+v", tt.text, got, last, tt.want)
		}
	}
}

// A request that does not say whether it has a body is asked for it, for a while.
func TestHeadsThatAreLeftOpen(t *testing.T) {
	r := start(t, hello, func(o *Options) { o.Body = 50 * time.Millisecond })
	w := r.dial()
	if got := answer(w.open(usualHead("GET"))); got != "408" {
		t.Errorf("%s", got)
	}
	if got := answer(w.open(usualHead("POST"))); got != "200" {
		t.Errorf("one that may have a body: %s", got)
	}
}

// A body that the client holds back is asked for when somebody reads it.
func TestContinue(t *testing.T) {
	r := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Early", "1")
		if r.Header.Get("Expect") != "" {
			t.Error("the handler is to see to it")
		}
		if r.URL.Path == "/" {
			_, _ = io.Copy(w, r.Body)
		}
		hello(w, r)
	}, nil)
	w := r.dial()
	s := w.open(usualHead("PUT", "expect: 100-continue", "content-length: 2"))
	if got := answer(s); got != "100" {
		t.Fatalf("at first %s", got)
	}
	_, _ = s.Write(frame(frameData, []byte("ok")))
	_ = s.Close()
	if got := answer(s); got != "200" {
		t.Errorf("then %s", got)
	}
	s = w.open(head(":method: PUT", ":scheme: https", ":authority: h3.test", ":path: /unread", "expect: 100-continue", "content-length: 2"))
	if got := answer(s); got != "200" {
		t.Errorf("if nobody reads it: %s", got)
	}
}

// A connection that is used no more is closed, and the client told before.
func TestIdleConnections(t *testing.T) {
	release := make(chan struct{})
	r := start(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		hello(w, r)
	}, func(o *Options) { o.Idle = 10 * time.Millisecond })
	w := r.dial()
	s := w.open(usualHead("GET")) // after which it is not idle
	_ = s.Close()
	told := w.goAway()
	select {
	case <-told:
		// It was told before the request had come.
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if got := answer(s); got != "200" && got != "stream H3_REQUEST_REJECTED" {
		t.Errorf("%s", got)
	}
	<-told
	if got := w.closed(); got != "connection H3_NO_ERROR" {
		t.Errorf("the connection ends with %s", got)
	}
}

// goAway is closed when the server has said that no more requests should come.
func (w *wire) goAway() <-chan struct{} {
	told := make(chan struct{})
	go func() {
		defer close(told)
		control, err := w.AcceptUniStream(context.Background())
		if err != nil {
			return
		}
		var all []byte
		for b := make([]byte, 64); ; {
			n, err := control.Read(b)
			if all = append(all, b[:n]...); err != nil || strings.Contains(string(all), "\x07\x01") {
				return
			}
		}
	}()
	return told
}

// A client has to open another connection after so many requests, or so long, and is
// told in time.
func TestLimitsOfConnections(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"requests": func(o *Options) { o.Requests = 1 },
		"age":      func(o *Options) { o.Age = time.Nanosecond },
	} {
		r := start(t, hello, change)
		w := r.dial()
		told := w.goAway()
		s := w.open(usualHead("GET"))
		_ = s.Close()
		if got := answer(s); got != "200" {
			t.Errorf("%s: %s", name, got)
		}
		<-told
		if s, err := w.OpenStream(); err == nil { // else it is closed by now
			_, _ = s.Write(usualHead("GET"))
			if got := answer(s); got != "stream H3_REQUEST_REJECTED" && !strings.HasPrefix(got, "connection") {
				t.Errorf("%s: one more request: %s", name, got)
			}
		}
		if got := w.closed(); got != "connection H3_NO_ERROR" {
			t.Errorf("%s: the connection ends with %s", name, got)
		}
	}
}

// Clients that may not come in are told so, and each that came in goes out.
func TestWhoIsLetIn(t *testing.T) {
	full := errors.New("full")
	var places, inside atomic.Int64
	var noPlace, noEntry atomic.Bool
	r := start(t, hello, func(o *Options) {
		o.Reserve = func(netip.AddrPort) (func(), error) {
			if noPlace.Load() {
				return nil, full
			}
			places.Add(1)
			return func() { places.Add(-1) }, nil
		}
		o.Enter = func(netip.AddrPort) error {
			if noEntry.Load() {
				return full
			}
			inside.Add(1)
			return nil
		}
		o.Exit = func(netip.AddrPort) { inside.Add(-1) }
	})
	w := r.dial()
	lbtest.Eventually(t, "it is inside", func() bool { return places.Load() == 1 && inside.Load() == 1 })
	noPlace.Store(true)
	_, err := quic.DialAddr(t.Context(), r.addr, clientTLS(), nil)
	if refused, ok := errors.AsType[*quic.TransportError](err); !ok || refused.ErrorCode != quic.ConnectionRefused {
		t.Errorf("without a place: %v", err)
	}
	noPlace.Store(false)
	noEntry.Store(true)
	if got := r.dial().closed(); got != "connection H3_EXCESSIVE_LOAD" {
		t.Errorf("one too many: %s", got)
	}
	_ = w.CloseWithError(0, "")
	lbtest.Eventually(t, "all are gone", func() bool { return places.Load() == 0 && inside.Load() == 0 })
}

// Who shuts down serves what is in flight, and tells all of it.
func TestShutdown(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	r := start(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		hello(w, r)
	}, nil)
	idle, busy := r.dial(), r.client()
	var wg sync.WaitGroup
	wg.Go(func() {
		if got := r.get(busy); got != "hello" {
			t.Errorf("in flight: %q", got)
		}
	})
	<-arrived
	told := idle.goAway()
	wg.Go(func() {
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
	<-told
	if got := idle.closed(); got != "connection H3_NO_ERROR" {
		t.Errorf("the idle connection ends with %s", got)
	}
	close(release)
	wg.Wait()
}

// There is no 0-RTT, even for clients that would use it.
func TestNoEarlyData(t *testing.T) {
	r := start(t, hello, nil)
	config := clientTLS()
	sessions := make(chan struct{}, 8)
	config.ServerName = "h3.test"
	config.ClientSessionCache = &telling{tls.NewLRUClientSessionCache(1), sessions}
	connect := func() (used, resumed bool) {
		qc, err := quic.DialAddrEarly(t.Context(), r.addr, config, &quic.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer qc.CloseWithError(0, "")
		<-qc.HandshakeComplete()
		<-sessions
		return qc.ConnectionState().Used0RTT, qc.ConnectionState().TLS.DidResume
	}
	connect()
	if used, resumed := connect(); used || !resumed {
		t.Errorf("0-RTT %v, resumed %v", used, resumed)
	}
}

// telling tells of each session that is put into it.
type telling struct {
	tls.ClientSessionCache
	of chan<- struct{}
}

func (c *telling) Put(key string, s *tls.ClientSessionState) {
	c.ClientSessionCache.Put(key, s)
	if s != nil {
		c.of <- struct{}{}
	}
}
