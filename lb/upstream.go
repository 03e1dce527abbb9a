package lb

import (
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/target"
)

// The upstream's side of the wire, by net/http: this file alone turns
// exchanges into its requests, and its answers back.

// upstream holds the connections to one target. It is the target's
// [target.Conns].
type upstream struct {
	key       target.Key
	transport *http.Transport
}

func newUpstream(key target.Key, o *ServerOptions) *upstream {
	dialer := &net.Dialer{
		Timeout: o.Timeouts.Dial,
		// A peer that vanished without a word is noticed in about a minute.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3},
	}
	return &upstream{key: key, transport: &http.Transport{
		// No Proxy: a target is reached directly, whatever the environment says.
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    o.Timeouts.Dial,
		ResponseHeaderTimeout:  o.Timeouts.Response,
		IdleConnTimeout:        o.Timeouts.UpstreamIdle,
		MaxIdleConns:           o.MaxIdlePerTarget,
		MaxIdleConnsPerHost:    o.MaxIdlePerTarget,
		MaxResponseHeaderBytes: 2 * int64(o.MaxHeaderBytes),
		DisableCompression:     true,
	}}
}

// CloseIdle implements [target.Conns].
func (u *upstream) CloseIdle() { u.transport.CloseIdleConnections() }

// answer is what an upstream answered.
type answer struct {
	status int
	header Header
	length int64 // of the body, -1 if only its end will tell
	// body must be closed. For status 101 it is the connection itself, an
	// io.ReadWriteCloser.
	body io.ReadCloser
	// trailer is valid after body returned io.EOF.
	trailer func() *Header
}

// attempt is one try to have an exchange answered by one target.
type attempt struct {
	x        *Exchange
	host     string // the Host field to send
	protocol string // to upgrade to, or empty
	body     *outboundBody
	inform   func(status int, h *Header) error

	connected atomic.Bool // so that bytes of the request may have been sent
	answering atomic.Bool // bytes of the answer came back
}

// send sends the exchange and waits for the head of the answer.
func (u *upstream) send(a *attempt) (*answer, error) {
	resp, err := u.transport.RoundTrip(u.request(a)) //nolint:bodyclose // the answer owns it
	if err != nil {
		return nil, err
	}
	ans := &answer{status: resp.StatusCode, length: resp.ContentLength, body: resp.Body}
	addFields(&ans.header, resp.Header)
	ans.trailer = func() *Header {
		h := &Header{}
		addFields(h, resp.Trailer)
		return h
	}
	return ans, nil
}

func (u *upstream) request(a *attempt) *http.Request {
	x := a.x
	r := &http.Request{
		Method: x.Request.Method,
		Host:   a.host,
		Header: make(http.Header, x.Header.Len()),
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	for name, value := range x.Header.All() {
		name = textproto.CanonicalMIMEHeaderKey(name)
		r.Header[name] = append(r.Header[name], value)
	}
	if r.Header["User-Agent"] == nil {
		r.Header["User-Agent"] = []string{""} // net/http would invent one
	}
	if a.protocol != "" {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", a.protocol)
	}
	if x.Trailer != nil {
		r.Header.Set("Te", "trailers")
	}
	r.URL = u.url(x)
	if a.body != nil {
		r.Body, r.ContentLength = a.body, x.Length
		if a.body.declared != nil {
			r.Trailer = a.body.declared
		}
	}
	return r.WithContext(httptrace.WithClientTrace(x.Context(), a.trace()))
}

// url is where the request goes and, as its opaque part, the target to send byte
// for byte.
func (u *upstream) url(x *Exchange) *url.URL {
	query := strings.TrimPrefix(x.RawQuery, "?")
	return &url.URL{
		Scheme:     u.key.Scheme,
		Host:       u.key.Address,
		Opaque:     x.RawPath,
		RawQuery:   query,
		ForceQuery: x.RawQuery != "" && query == "",
	}
}

// trace learns what the error of a failed attempt does not tell.
func (a *attempt) trace() *httptrace.ClientTrace {
	const maxInformed = 5 // more interim answers than that are dropped
	informed := 0
	return &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { a.connected.Store(true) },
		GotFirstResponseByte: func() { a.answering.Store(true) },
		Got1xxResponse: func(status int, fields textproto.MIMEHeader) error {
			// 100 is said by the client's side, when the body is wanted.
			if informed++; status == http.StatusContinue || informed > maxInformed {
				return nil
			}
			h := &Header{}
			addFields(h, http.Header(fields))
			dropConnectionFields(h)
			return a.inform(status, h)
		},
	}
}

func addFields(h *Header, fields http.Header) {
	for name, values := range fields {
		for _, value := range values {
			h.Add(name, value)
		}
	}
}

// outboundBody is a request's body on its way out. net/http closes what it is
// given when it cannot connect; the body must survive that for a second try.
type outboundBody struct {
	x        *Exchange
	declared http.Header // trailer fields announced, filled in at the end

	touched atomic.Bool
	failed  atomic.Pointer[error] // why the client's side broke off
}

func newOutboundBody(x *Exchange) *outboundBody {
	if x.Body == nil {
		return nil
	}
	b := &outboundBody{x: x}
	if x.Trailer != nil && x.Length < 0 {
		for name := range x.Header.Tokens("Trailer") {
			if b.declared == nil {
				b.declared = http.Header{}
			}
			b.declared[textproto.CanonicalMIMEHeaderKey(name)] = nil
		}
	}
	return b
}

func (b *outboundBody) Read(p []byte) (int, error) {
	b.touched.Store(true)
	n, err := b.x.Body.Read(p)
	switch {
	case err == io.EOF && b.declared != nil:
		addDeclared(b.declared, b.x.Trailer())
	case err != nil && err != io.EOF:
		b.failed.Store(&err)
	}
	return n, err
}

func (b *outboundBody) Close() error { return nil }

// addDeclared takes over the trailer fields that were announced, and only
// those.
func addDeclared(declared http.Header, trailer *Header) {
	for name, value := range trailer.All() {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if _, ok := declared[name]; ok {
			declared[name] = append(declared[name], value)
		}
	}
}

// err is the client's fault in the body, if there was one.
func (b *outboundBody) err() error {
	if b == nil {
		return nil
	}
	if err := b.failed.Load(); err != nil {
		return *err
	}
	return nil
}
