package lb

import (
	"crypto/tls"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// connect makes what a target has for connections.
func (s *Server) connect(key target.Key) target.Conns {
	switch key.Scheme {
	case tcp.Scheme, tcp.SchemeTLS, tcp.SchemeUDP:
		return s.upstreams.Conns(key)
	}
	return newUpstream(key, &s.options)
}

// newUpstream makes the connections kept to one target. They are the target's
// [target.Conns].
func newUpstream(key target.Key, o *ServerOptions) *h1.Pool {
	p := h1.DefaultPoolOptions()
	p.MaxConns, p.MaxWait = o.MaxConnsPerTarget, o.TargetWait
	p.MaxIdle = o.MaxIdlePerTarget
	p.IdleTimeout = o.Timeouts.UpstreamIdle
	p.DialTimeout = o.Timeouts.Dial
	p.HeadTimeout = o.Timeouts.Response
	p.WriteTimeout = o.Timeouts.Write
	p.Limits.HeadBytes = 2 * o.MaxHeaderBytes
	if key.Scheme == "https" {
		p.TLS = &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: key.ServerName,
			InsecureSkipVerify: key.SkipVerify, //nolint:gosec // as the tag asks
		}
	}
	return h1.NewPool(key.Address, p)
}
