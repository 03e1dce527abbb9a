package h2

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// Send sends the call and waits for the head of the answer, which must be closed.
// An upgrade is not asked for: HTTP/2 has none. Fresh has no effect, for what has
// died is noticed. Text of the call is not kept beyond it. The error is a
// [*h1.SendError].
func (p *Pool) Send(ctx context.Context, call *h1.Call) (*Answer, error) {
	if err := p.enter(ctx); err != nil {
		return nil, &h1.SendError{Progress: h1.NotConnected, Err: fmt.Errorf("connecting: %w", err)}
	}
	a := newAnswer(ctx, p, call)
	if err := a.exchange(); err != nil {
		failure := a.failure(err)
		a.Close()
		return nil, failure
	}
	return a, nil
}

// exchange sends the request and waits for the head of the answer.
func (a *Answer) exchange() error {
	if err := a.call.Validate(); err != nil {
		return err
	}
	a.startWatch()
	answer, err := a.transport().RoundTrip(a.request()) //nolint:bodyclose // Close does
	a.endWaiting()
	if err != nil {
		return err
	}
	a.response = answer
	return a.check()
}

// transport is that of the pool, unless the call needs a connection of its own.
func (a *Answer) transport() *http.Transport {
	if len(a.call.Preface) == 0 {
		return a.pool.transport
	}
	a.own = a.pool.newTransport(a.call.Preface)
	a.own.DisableKeepAlives = true
	return a.own
}

// request makes net/http's of the call.
func (a *Answer) request() *http.Request {
	call := a.call
	target, query, asked := strings.Cut(string(call.AppendTarget(nil)), "?")
	scheme := "http"
	if a.pool.options.TLS != nil {
		scheme = "https"
	}
	r := &http.Request{
		Method: strings.Clone(call.Method), Host: strings.Clone(call.Host),
		// Opaque, for it goes on the wire as it is.
		URL:    &url.URL{Scheme: scheme, Host: a.pool.address, Opaque: target, RawQuery: query, ForceQuery: asked},
		Header: header(call),
		Proto:  "HTTP/2.0", ProtoMajor: 2,
	}
	if call.Body != nil && call.Length != 0 {
		a.body = newRequestBody(call)
		if call.HeadTimeout >= 0 { // else it may pause for as long as it likes
			a.body.stall = a.stall
		}
		r.Body, r.ContentLength, r.Trailer = a.body, call.Length, a.body.trailer
	}
	return r.WithContext(httptrace.WithClientTrace(a.ctx, a.trace()))
}

// header copies the fields: their text is in buffers that are used again, while
// the compression of heads remembers them for as long as the connection lasts.
func header(call *h1.Call) http.Header {
	size := 0
	for i := range call.Fields {
		size += len(call.Fields[i].Value)
	}
	text := make([]byte, 0, size)
	for i := range call.Fields {
		text = append(text, call.Fields[i].Value...)
	}
	values, h := string(text), make(http.Header, len(call.Fields)+2)
	lines := make([]string, len(call.Fields))
	for i := range call.Fields {
		name, length := call.Fields[i].Name, len(call.Fields[i].Value)
		value := values[:length]
		values = values[length:]
		if !h1.IsEndToEnd(name) {
			continue
		}
		name = http.CanonicalHeaderKey(strings.Clone(name))
		if known := h[name]; known != nil {
			h[name] = append(known, value)
			continue
		}
		lines[i] = value
		h[name] = lines[i : i+1 : i+1]
	}
	if call.TakesTrailers {
		h["Te"] = []string{"trailers"}
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = nil // else net/http names itself
	}
	return h
}

// trace follows how far the call gets. What an upstream refuses net/http would send
// it again, up to seven times and for a minute: it is for others to try, and not
// everything may be sent twice.
func (a *Answer) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if h1.Progress(a.progress.Load()) > h1.NothingSent {
				a.cancel(errRefused) // before it is sent again
				return
			}
			a.reused.Store(info.Reused)
			a.progress.Store(uint32(h1.NothingSent))
			a.stall.begin()
		},
		WroteHeaders: func() {
			a.stall.end()
			a.progress.Store(uint32(h1.PartSent))
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			a.stall.end()
			if info.Err == nil {
				a.progress.CompareAndSwap(uint32(h1.PartSent), uint32(h1.BodySent))
				a.expectAnswer()
			}
		},
		GotFirstResponseByte: func() { a.progress.Store(uint32(h1.Answering)) },
		Got1xxResponse:       a.queueInterim,
	}
}
