package h2

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/h1"
)

// An upstream that will not have a stream is not asked again: another one may.
func TestRefusedStreamsAreNotRepeated(t *testing.T) {
	for name, code := range map[string]http2.ErrCode{"refused": http2.ErrCodeRefusedStream, "protocol": http2.ErrCodeProtocol} {
		t.Run(name, func(t *testing.T) {
			var streams atomic.Int32
			p := newPool(t, startUpstream(t, func(f *lbtest.Framer, head *http2.MetaHeadersFrame) {
				streams.Add(1)
				f.WriteRSTStream(head.StreamID, code)
			}), nil)
			for _, call := range []*h1.Call{get("/"), {Method: "POST", Host: "h", Path: "/"}} {
				streams.Store(0)
				a, err := p.Send(t.Context(), call)
				if err == nil {
					a.Close()
					t.Fatal("it is taken for an answer")
				}
				if failed, ok := errors.AsType[*h1.SendError](err); !ok || streams.Load() != 1 || failed.Progress != h1.BodySent || failed.Timeout() {
					t.Errorf("%s was sent %d times: %#v", call.Method, streams.Load(), err)
				}
			}
		})
	}
}

// An upstream that takes nothing of a body is given up, but not one of gRPC, which
// may be silent for hours.
func TestUpstreamTakesNothing(t *testing.T) {
	p := newPool(t, startUpstream(t, func(f *lbtest.Framer, head *http2.MetaHeadersFrame) {
		f.Head(head.StreamID, true, ":status: 200")
	}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}), func(o *h1.PoolOptions) { o.WriteTimeout = 50 * time.Millisecond })
	if a, err := p.Send(t.Context(), get("/")); err == nil { // its settings are known then
		a.Close()
	}
	_, err := p.Send(t.Context(), post("text"))
	if failed, ok := errors.AsType[*h1.SendError](err); !ok || !errors.Is(err, errRequestSlow) || !failed.Timeout() || failed.Client != nil {
		t.Errorf("%#v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	call := post("text")
	call.HeadTimeout = -1
	if _, err := p.Send(ctx, call); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call of gRPC: %v", err)
	}
}

// A connection that is told a client's address is of use to nobody else.
func TestConnectionsOfOneCallEnd(t *testing.T) {
	asked := make(chan struct{}, 1)
	p := newPool(t, startUpstreamBehind(t, "PROXY UNKNOWN\r\n", func(f *lbtest.Framer, head *http2.MetaHeadersFrame) {
		if asked <- struct{}{}; head.PseudoValue("path") == "/answer" {
			f.Head(head.StreamID, true, ":status: 200")
		}
	}), nil)
	for _, path := range []string{"/answer", "/silence"} {
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			call := get(path)
			call.Preface = []byte("PROXY UNKNOWN\r\n")
			var sending sync.WaitGroup
			sending.Go(func() {
				if a, err := p.Send(ctx, call); err == nil {
					a.Close()
				}
			})
			<-asked
			if path == "/answer" {
				sending.Wait()
			}
			cancel()
			sending.Wait()
		}
		for began := time.Now(); p.Conns() > 0; time.Sleep(time.Millisecond) {
			if time.Since(began) > 20*time.Second {
				t.Fatalf("%s: %d connections are open", path, p.Conns())
			}
		}
	}
}
