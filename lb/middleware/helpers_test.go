package middleware

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a Reply that takes down the answer.
type recorder struct {
	status  int
	header  lb.Header
	length  int64
	body    bytes.Buffer
	flushed []int // the body's length at each Flush
	ended   bool
}

func (r *recorder) Inform(int, *lb.Header) error { return nil }
func (r *recorder) Begin(status int, h *lb.Header, length int64) error {
	r.status, r.header, r.length = status, *h.Clone(), length
	return nil
}
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
func (r *recorder) Flush() error {
	r.flushed = append(r.flushed, r.body.Len())
	return nil
}
func (r *recorder) End(*lb.Header) error {
	r.ended = true
	return nil
}
func (r *recorder) Upgrade(string, *lb.Header) (io.ReadWriteCloser, error) { return nil, io.EOF }

// handler is a function as a Handler: what stands for the rest of the chain.
type handler func(x *lb.Exchange)

func (f handler) Serve(x *lb.Exchange) { f(x) }

// upstream answers with a status, header lines ("Name: value") and a body.
func upstream(status int, body string, lines ...string) handler {
	return func(x *lb.Exchange) {
		x.Outcome.Status, x.Outcome.TargetStatus, x.Outcome.Tries = status, status, x.Outcome.Tries+1
		if err := x.Reply.Begin(status, header(lines...), int64(len(body))); err != nil {
			x.Outcome.Err = err
			return
		}
		io.WriteString(x.Reply, body)
		x.Reply.End(nil)
	}
}

func header(lines ...string) *lb.Header {
	h := &lb.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

// exchange makes an exchange of "METHOD scheme://host/path?query" and lines of
// its header; the client is 192.0.2.1.
func exchange(t testing.TB, request string, lines ...string) (*lb.Exchange, *recorder) {
	t.Helper()
	method, url, _ := strings.Cut(request, " ")
	x, err := lb.Question{Method: method, URL: url}.Exchange(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	x.Reply = r
	x.Remote = netip.MustParseAddrPort("192.0.2.1:1234")
	x.Request.Remote = x.Remote.Addr()
	for name, value := range header(lines...).All() {
		x.Header.Add(name, value)
	}
	x.Header.Append("X-Forwarded-For", "192.0.2.1")
	return x, r
}

// made makes a middleware, which must be possible.
func made(t testing.TB, s spec.Middleware) lb.Middleware {
	t.Helper()
	m, err := NewRegistry().Middleware("test", s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
