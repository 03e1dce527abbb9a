package h1

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// forwarder is the least proxy that can be made of the package: everything goes
// to one upstream.
type forwarder struct {
	server *Server
	pool   *Pool
	addr   string
}

// exchange is what a handler keeps from request to request.
type exchange struct {
	call   Call
	fields []Field
	in     *Inbound
}

func (x *exchange) inform(status int, fields []Field) error { return x.in.Inform(status, fields) }

func (f *forwarder) handle(in *Inbound) {
	x, _ := in.Local.(*exchange)
	if x == nil {
		x = &exchange{in: in}
		x.call.Inform = x.inform
		in.Local = x
	}
	r := &in.Request
	if r.IsAsterisk() {
		_ = in.Begin(200, nil, 0)
		_ = in.End(nil)
		return
	}
	x.fields = r.Fields.AppendEndToEnd(x.fields[:0])
	c := &x.call
	*c = Call{
		Method: r.Method(), Host: r.Authority(), Path: r.Path(), Query: r.Query(), Fields: x.fields,
		TakesTrailers: r.TakesTrailers(), Inform: c.Inform, Watch: in,
	}
	if up := r.Upgrade(); EqualNames(up, "websocket") && r.Method() == "GET" {
		c.Upgrade = up
	}
	if r.HasBody() {
		c.Body, c.Length = &in.Body, r.Length()
		if c.TakesTrailers {
			c.Trailer = func() []Field { return in.Body.Trailer().Append(nil) }
		}
	}
	a, err := f.pool.Send(in.Context(), c)
	if err != nil {
		if failed, ok := errors.AsType[*SendError](err); ok && failed.retriable(c) {
			c.Fresh = true
			a, err = f.pool.Send(in.Context(), c)
		}
	}
	if err != nil {
		f.fail(in, err)
		return
	}
	defer a.Close()
	f.pass(x, in, a)
}

func (e *SendError) retriable(c *Call) bool {
	return e.Reused && (e.Progress <= NothingSent || e.Progress <= BodySent && c.Body == nil && c.Method == "GET")
}

func (f *forwarder) pass(x *exchange, in *Inbound, a *Answer) {
	if a.Status() == 101 {
		f.tunnel(in, a)
		return
	}
	x.fields = a.Fields().AppendEndToEnd(x.fields[:0])
	if in.Begin(a.Status(), x.fields, a.Length()) != nil {
		return
	}
	if _, err := a.Body.WriteTo(in); err != nil {
		return
	}
	var trailer []Field
	if fields := a.Body.Trailer(); fields.Len() > 0 && in.Request.TakesTrailers() {
		trailer = fields.Append(nil)
	}
	_ = in.End(trailer)
}

func (f *forwarder) tunnel(in *Inbound, a *Answer) {
	client, err := in.Upgrade(a.Fields().Get("Upgrade"), a.Fields().AppendEndToEnd(nil))
	if err != nil {
		return
	}
	upstream, err := a.Tunnel()
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(upstream, client)
		_ = upstream.CloseWrite()
	})
	_, _ = io.Copy(client, upstream)
	_ = client.CloseWrite()
	wg.Wait()
}

func (f *forwarder) fail(in *Inbound, err error) {
	status := 502
	var failed *SendError
	var refusal *Refusal
	switch {
	case errors.Is(err, ErrClientGone):
		return
	case errors.As(err, &failed) && failed.Client != nil && errors.As(failed.Client, &refusal):
		status = refusal.Status
	case errors.As(err, &failed) && failed.Timeout():
		status = 504
	case errors.Is(err, ErrBusy):
		status = 503
	}
	_ = in.Begin(status, []Field{{"X-Error", err.Error()}}, 0)
	_ = in.End(nil)
}

// startForwarder runs a forwarder to the upstream until the test ends.
func startForwarder(t testing.TB, upstream string, edit ...func(*Options, *PoolOptions)) *forwarder {
	t.Helper()
	options, poolOptions := DefaultOptions(), DefaultPoolOptions()
	for _, e := range edit {
		e(&options, &poolOptions)
	}
	f := &forwarder{pool: NewPool(upstream, poolOptions)}
	f.server = NewServer(options, f.handle)
	f.addr = listen(t, f.server)
	t.Cleanup(f.pool.CloseIdle)
	t.Cleanup(f.server.Close)
	return f
}

func listen(t testing.TB, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return nc
}
