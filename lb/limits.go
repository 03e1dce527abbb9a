package lb

import (
	"cmp"
	"time"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// limits are those of one listener: its own, or else the server's.
type limits struct {
	headerBytes, headerFields int
	bodyBytes                 int64 // 0 is none, as for what follows
	requests                  int
	age                       time.Duration
	connsPerClient            int
}

func limitsOf(o *ServerOptions, l *listener.Listener) limits {
	return limits{
		headerBytes:    cmp.Or(l.MaxHeaderBytes, o.MaxHeaderBytes),
		headerFields:   cmp.Or(l.MaxHeaderFields, o.MaxHeaderFields),
		bodyBytes:      cmp.Or(l.MaxBodyBytes, o.MaxBodyBytes),
		requests:       cmp.Or(l.MaxRequests, o.MaxRequests),
		age:            cmp.Or(l.MaxConnAge, o.MaxConnAge),
		connsPerClient: cmp.Or(l.MaxConnsPerClient, o.MaxConnsPerClient),
	}
}

// timeoutsOf are the server's with the listener's own in their place.
func timeoutsOf(o *ServerOptions, l *listener.Listener) Timeouts {
	t := o.Timeouts
	t.Header = cmp.Or(l.HeaderTimeout, t.Header)
	t.Read = cmp.Or(l.ReadTimeout, t.Read)
	t.Write = cmp.Or(l.WriteTimeout, t.Write)
	t.Idle = cmp.Or(l.IdleTimeout, t.Idle)
	return t
}

// http1Options are what the entry says to package h1.
func (e *entry) http1Options(s *Server) h1.Options {
	o := h1.DefaultOptions()
	o.Limits.HeadBytes = e.limits.headerBytes
	o.Limits.Fields = e.limits.headerFields
	o.Limits.Requests = e.limits.requests
	o.Timeouts = h1.Timeouts{
		Handshake: e.timeouts.Header,
		Header:    e.timeouts.Header,
		Body:      e.timeouts.Read,
		Write:     e.timeouts.Write,
		Idle:      e.timeouts.Idle,
		Age:       e.limits.age,
	}
	o.Opening = h1.Opening{Open: e.open, Closed: e.closed}
	if e.listener.Proto == listener.ProtoHTTPSAndSNI {
		o.Opening.Open = e.encrypt
	}
	o.Refused = func(r *h1.Refused) { s.refused(e, r) }
	o.HandshakeFailed = func(error) { e.handshakeErrors.Add(1) }
	return o
}
