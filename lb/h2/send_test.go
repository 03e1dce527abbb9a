package h2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/h1"
)

// startUpstream starts an upstream that has answer called for each request, by its
// head, and announces settings.
func startUpstream(t *testing.T, answer func(f *lbtest.Framer, head *http2.MetaHeadersFrame), settings ...http2.Setting) string {
	t.Helper()
	return lbtest.Serve(t, lbtest.HTTP2(answer, settings...))
}

// startUpstreamBehind starts one that is told something first.
func startUpstreamBehind(t *testing.T, preface string, answer func(f *lbtest.Framer, head *http2.MetaHeadersFrame)) string {
	t.Helper()
	return lbtest.Serve(t, func(nc *net.TCPConn) {
		if _, err := io.ReadFull(nc, make([]byte, len(preface))); err == nil {
			lbtest.HTTP2(answer)(nc)
		}
	})
}

func newPool(t *testing.T, address string, change func(*h1.PoolOptions)) *Pool {
	o := h1.DefaultPoolOptions()
	if change != nil {
		change(&o)
	}
	p := NewPool(address, o)
	t.Cleanup(func() {
		p.CloseIdle()
		for began := time.Now(); p.Conns() > 0 && time.Since(began) < 20*time.Second; {
			time.Sleep(time.Millisecond)
			p.CloseIdle()
		}
	})
	return p
}

func get(path string) *h1.Call { return &h1.Call{Method: "GET", Host: "h", Path: path} }

// What is no proper answer is an error, and nothing of it an answer.
func TestAnswersThatAreNone(t *testing.T) {
	many := []string{":status: 200"}
	for n := range 600 {
		many = append(many, fmt.Sprintf("x-%d: y", n))
	}
	for name, lines := range map[string][]string{
		"status 42":           {":status: 42"},
		"status 1000":         {":status: 1000"},
		"status of letters":   {":status: abc"},
		"no status":           {"x: y"},
		"lengths that differ": {":status: 200", "content-length: 1", "content-length: 2"},
		"no length":           {":status: 200", "content-length: +1"},
		"line feed":           {":status: 200", "x: a\nb"},
		"upper case":          {":status: 200", "X-Upper: y"},
		"too many":            many,
		"too long":            {":status: 200", "x: " + strings.Repeat("y", 100<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, startUpstream(t, func(f *lbtest.Framer, head *http2.MetaHeadersFrame) {
				f.Head(head.StreamID, true, lines...)
			}), nil)
			a, err := p.Send(t.Context(), get("/"))
			if err == nil {
				a.Close()
				t.Fatal("it is taken for an answer")
			}
			failed, ok := errors.AsType[*h1.SendError](err)
			if !ok || failed.Timeout() || failed.Client != nil || failed.Progress < h1.PartSent {
				t.Errorf("%#v", err)
			}
		})
	}
}

// What was told of a failed call decides whether it is made again.
func TestHowFarACallGot(t *testing.T) {
	closes := startUpstream(t, func(f *lbtest.Framer, _ *http2.MetaHeadersFrame) { f.Conn.Close() })
	resets := startUpstream(t, func(f *lbtest.Framer, head *http2.MetaHeadersFrame) {
		f.WriteRSTStream(head.StreamID, http2.ErrCodeInternal)
	})
	refused := lbtest.Refusing(t)
	for name, test := range map[string]struct {
		address  string
		call     *h1.Call
		progress h1.Progress
		read     bool
	}{
		"no connection":        {refused, get("/"), h1.NotConnected, false},
		"nothing of a body":    {refused, post("text"), h1.NotConnected, false},
		"closed":               {closes, get("/"), h1.BodySent, false},
		"reset":                {resets, get("/"), h1.BodySent, false},
		"reset behind a body":  {resets, post("text"), h1.BodySent, true},
		"not fit for the wire": {resets, get("/ /"), h1.NotConnected, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newPool(t, test.address, nil).Send(t.Context(), test.call)
			failed, ok := errors.AsType[*h1.SendError](err)
			if !ok || failed.BodyRead != test.read || failed.Client != nil {
				t.Fatalf("%#v", err)
			}
			// The reset may come before the one who sent the body was told that he has.
			if failed.Progress != test.progress && (!test.read || failed.Progress != h1.PartSent) {
				t.Errorf("%d, want %d: %v", failed.Progress, test.progress, err)
			}
			if errors.Is(err, h1.ErrCall) != (name == "not fit for the wire") {
				t.Error(err)
			}
		})
	}
}

func post(body string) *h1.Call {
	return &h1.Call{Method: "POST", Host: "h", Path: "/", Body: strings.NewReader(body), Length: int64(len(body))}
}

// Text of a call lies in buffers that are used for other requests afterwards.
func TestTextOfACallIsNotKept(t *testing.T) {
	heads := make(chan []hpack.HeaderField, 2)
	p := newPool(t, startUpstream(t, func(f *lbtest.Framer, head *http2.MetaHeadersFrame) {
		heads <- head.Fields
		f.Head(head.StreamID, true, ":status: 200")
	}), nil)
	buffer := []byte("X-Name value GET h /path ?query")
	view := unsafe.String(unsafe.SliceData(buffer), len(buffer)) // as package h1 has it
	call := &h1.Call{
		Fields: []h1.Field{{Name: view[:6], Value: view[7:12]}}, Method: view[13:16], Host: view[17:18], Path: view[19:24], Query: view[25:31],
	}
	for range 2 { // the second head is of indexes into the first
		copy(buffer, "X-Name value GET h /path ?query")
		a, err := p.Send(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
		copy(buffer, strings.Repeat("*", len(buffer)))
	}
	want := fmt.Sprint(<-heads)
	if got := fmt.Sprint(<-heads); got != want || strings.Contains(got, "*") || !strings.Contains(got, "x-name") {
		t.Errorf("%s\nbehind\n%s", got, want)
	}
}

// An answer that does not begin in time is given up; one that has begun is not.
func TestHeadTimeout(t *testing.T) {
	p := newPool(t, startUpstream(t, func(f *lbtest.Framer, head *http2.MetaHeadersFrame) {
		if head.PseudoValue("path") == "/slow" {
			f.Head(head.StreamID, false, ":status: 200")
			time.Sleep(1500 * time.Millisecond) // longer than it may take to begin
			f.WriteData(head.StreamID, true, []byte("late"))
		}
	}), func(o *h1.PoolOptions) { o.HeadTimeout = time.Second }) // long enough for a busy machine to begin
	_, err := p.Send(t.Context(), get("/never"))
	if failed, ok := errors.AsType[*h1.SendError](err); !ok || !failed.Timeout() || failed.Progress != h1.BodySent {
		t.Errorf("%#v", err)
	}
	a, err := p.Send(t.Context(), get("/slow"))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var body bytes.Buffer
	if _, err := a.WriteTo(&body); err != nil || body.String() != "late" {
		t.Errorf("%q, %v", &body, err)
	}
}

// The body of a request that nobody needs any more is woken, and left alone.
func TestBodyIsLeftAlone(t *testing.T) {
	p := newPool(t, startUpstream(t, func(f *lbtest.Framer, head *http2.MetaHeadersFrame) {
		f.Head(head.StreamID, true, ":status: 200")
		f.WriteRSTStream(head.StreamID, http2.ErrCodeNo)
	}), nil)
	body := &waitingBody{woken: make(chan struct{})}
	a, err := p.Send(t.Context(), &h1.Call{Method: "POST", Host: "h", Path: "/early", Body: body, Length: -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.WriteTo(io.Discard); err != nil || a.Err() != nil {
		t.Errorf("%v, %v", err, a.Err())
	}
	a.Close()
	if body.reads != body.ended || body.interrupts != body.resumes {
		t.Errorf("%+v", body)
	}
}

// waitingBody waits for ever, and notes down what is done to it.
type waitingBody struct {
	woken                             chan struct{}
	reads, ended, interrupts, resumes int
}

func (b *waitingBody) Read([]byte) (int, error) {
	b.reads++
	defer func() { b.ended++ }()
	<-b.woken
	return 0, errors.New("woken")
}

func (b *waitingBody) Interrupt() { b.interrupts++; close(b.woken) }
func (b *waitingBody) Resume()    { b.resumes++ }

// A client of whom no context tells is looked after all the same.
func TestWatch(t *testing.T) {
	p := newPool(t, startUpstream(t, func(*lbtest.Framer, *http2.MetaHeadersFrame) {}), nil)
	call := get("/")
	call.Watch = watcher{}
	_, err := p.Send(context.Background(), call)
	if !errors.Is(err, h1.ErrClientGone) {
		t.Error(err)
	}
}

type watcher struct{}

func (watcher) Abandoned() error { return h1.ErrClientGone }
