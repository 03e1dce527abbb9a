package lb

import (
	"cmp"
	"context"
	"io"
	"net"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/h2"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// response is what a target answered, over whichever wire.
type response interface {
	Status() int
	// Length is the body's in bytes, or -1 if only its end will tell.
	Length() int64
	// AppendFields adds to dst the fields of the head that are for the client, and
	// AppendTrailer those that followed the body, once that was read.
	AppendFields(dst []h1.Field) []h1.Field
	AppendTrailer(dst []h1.Field) []h1.Field
	// WriteTo passes the body on: what one read brought is on its way before the
	// next.
	io.WriterTo
	// Err is why the body broke off, if that is the target's doing.
	Err() error
	Close()
}

var (
	_ response = (*h1.Answer)(nil)
	_ response = (*h2.Answer)(nil)
)

// secured are the connections to a target with TLS. A call of gRPC needs HTTP/2,
// all others take HTTP/1.1, which costs less.
type secured struct {
	*h1.Pool
	calls *h2.Pool
}

// CloseIdle implements [target.Conns].
func (s *secured) CloseIdle() {
	s.Pool.CloseIdle()
	s.calls.CloseIdle()
}

// lasting are the connections and calls that a target's end cuts after a while.
func (s *Server) lasting(yield func(*tcp.Upstreams) bool) {
	for _, all := range []*tcp.Upstreams{&s.tunnels, &s.calls} {
		if all.Grace > 0 && !yield(all) {
			return
		}
	}
}

// departed is told of targets that are gone.
func (s *Server) departed(key target.Key) {
	for all := range s.lasting {
		all.Of(key).Release()
	}
}

// connect makes what a target has for connections.
func (s *Server) connect(key target.Key) target.Conns {
	for all := range s.lasting {
		all.Conns(key)
	}
	switch key.Scheme {
	case tcp.Scheme, tcp.SchemeTLS, tcp.SchemeUDP:
		return s.upstreams.Conns(key)
	case "h2c":
		return h2.NewPool(key.Address, poolOptions(key, &s.options))
	case "https":
		o := poolOptions(key, &s.options)
		return &secured{h1.NewPool(key.Address, o), h2.NewPool(key.Address, o)}
	}
	return h1.NewPool(key.Address, poolOptions(key, &s.options))
}

// poolOptions are those of the connections kept to one target.
func poolOptions(key target.Key, o *ServerOptions) h1.PoolOptions {
	p := h1.DefaultPoolOptions()
	p.MaxConns, p.MaxWait = o.MaxConnsPerTarget, o.TargetWait
	p.MaxIdle = o.MaxIdlePerTarget
	p.IdleTimeout = o.Timeouts.UpstreamIdle
	p.DialTimeout = o.Timeouts.Dial
	p.HeadTimeout = o.Timeouts.Response
	p.WriteTimeout = o.Timeouts.Write
	p.Limits.HeadBytes = 2 * o.MaxHeaderBytes
	if key.Scheme == "https" {
		p.TLS = key.TLS()
	}
	if network, socket := key.Place(); key.IsSocket() {
		p.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, socket)
		}
	}
	own := key.Transport.Conns()
	p.DialTimeout = cmp.Or(own.Dial, p.DialTimeout)
	p.HeadTimeout = cmp.Or(own.Response, p.HeadTimeout)
	p.IdleTimeout = cmp.Or(own.Idle, p.IdleTimeout)
	p.MaxIdle = cmp.Or(own.MaxIdle, p.MaxIdle)
	return p
}

// send has the call of the exchange answered by the target. The error is a
// [*h1.SendError].
func (x *Exchange) send(t *target.Target) (response, error) {
	switch conns := t.Conns().(type) {
	case *h2.Pool:
		return x.sendHTTP2(conns)
	case *secured:
		if isGRPC(&x.Header) {
			return x.sendHTTP2(conns.calls)
		}
		return x.sendHTTP1(conns.Pool)
	case *h1.Pool:
		return x.sendHTTP1(conns)
	}
	panic("lb: a target that is not spoken to by HTTP")
}

func (x *Exchange) sendHTTP1(conns *h1.Pool) (response, error) {
	answer, err := conns.Send(x.limit.context(x.ctx), &x.call)
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// sendHTTP2 lets calls of gRPC take their time: they bring a deadline of their
// own, and a stream of them may be silent for hours in either direction.
func (x *Exchange) sendHTTP2(conns *h2.Pool) (response, error) {
	if isGRPC(&x.Header) {
		if x.call.HeadTimeout == 0 {
			x.call.HeadTimeout = -1
		}
		if st, ok := x.meter.(*stream); ok {
			st.unhurried = true
		}
	}
	answer, err := conns.Send(x.limit.context(x.ctx), &x.call)
	if err != nil {
		return nil, err
	}
	return answer, nil
}
