package lb

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// httpProtocols are what TLS clients may agree on to speak with a listener for
// requests.
var httpProtocols = []string{"h2", "http/1.1", "http/1.0"}

// setTLS gives an entry what it does TLS with.
func (s *Server) setTLS(e *entry) error {
	l := &e.listener
	if !l.HasTLS() {
		return nil
	}
	base, err := s.certificates.Base(l)
	if err != nil {
		return err
	}
	if !l.IsHTTP() || l.Proto == listener.ProtoHTTPSAndSNI {
		// What is passed on may be any protocol.
		if e.passing, err = s.certificates.Configs(l, base); err != nil {
			return err
		}
	}
	if !l.IsHTTP() {
		e.tls = e.passing[""]
		return nil
	}
	base.NextProtos = httpProtocols
	all, err := s.certificates.Configs(l, base)
	if err != nil {
		return err
	}
	e.sniHost = l.SNIHost == listener.SNIHostSame || l.SNIHost == listener.SNIHostAuto && base.ClientAuth != tls.NoClientCert
	e.tls, e.hasTLSOptions = all[""], len(all) > 1
	e.tls.GetConfigForClient = s.choice(l.Entrypoint(), all, e.tls.GetConfigForClient)
	return nil
}

// choice is a [tls.Config] GetConfigForClient that goes by the options the table
// in force has for the name the client asks for. others is for clients for whom
// there are none.
func (s *Server) choice(
	entrypoint string, all certs.Configs, others func(*tls.ClientHelloInfo) (*tls.Config, error),
) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		name := s.table.Load().tlsOptions(entrypoint, strings.ToLower(hello.ServerName))
		config := all[name]
		switch {
		case name == "" && others == nil:
			return nil, nil // as is
		case name == "":
			return others(hello)
		case config == nil:
			return nil, fmt.Errorf("there are no TLS options %q, which routes ask for", name)
		}
		if a := agreementOf(hello); a != nil {
			a.options = name
		}
		if config.GetConfigForClient != nil {
			return config.GetConfigForClient(hello)
		}
		return config, nil
	}
}

// agreement remembers by which options TLS was agreed on a connection: the table may
// be another one by the time a request comes.
type agreement struct {
	options string // set in the handshake, after which alone it is read
}

// agreeing is a connection beneath TLS with its agreement. Those of QUIC have theirs
// in their context.
type agreeing struct {
	net.Conn
	agreement
}

// agreementOf is where a handshake's is to be put down, nil if nobody asks for it.
func agreementOf(hello *tls.ClientHelloInfo) *agreement {
	if nc, ok := hello.Conn.(*agreeing); ok {
		return &nc.agreement
	}
	a, _ := hello.Context().Value(agreedKey{}).(*agreement)
	return a
}

// NetConn is the connection beneath.
func (a *agreeing) NetConn() net.Conn { return a.Conn }

// encrypted is a connection with TLS on top.
func (e *entry) encrypted(nc net.Conn) *tls.Conn {
	nc = h1.Direct(nc)
	if e.hasTLSOptions {
		nc = &agreeing{Conn: nc}
	}
	return tls.Server(nc, e.tls)
}

// agreedOn is the name of the options by which TLS was agreed on a connection;
// empty without any.
func agreedOn(nc net.Conn) string {
	encrypted, ok := nc.(*tls.Conn)
	if !ok {
		return ""
	}
	if a, ok := encrypted.NetConn().(*agreeing); ok {
		return a.options
	}
	return ""
}

// isMisdirected reports whether other TLS options count for the request's host
// than those the connection was opened by: it might let in a client who does not
// have what the host's options ask for.
func (x *Exchange) isMisdirected() bool {
	return x.TLS != nil && x.Table.tlsOptions(x.Request.Entrypoint, x.Request.Host) != x.agreed
}

// answerMisdirected has the client open another connection.
func (x *Exchange) answerMisdirected() {
	x.refuse(&refusal{http.StatusMisdirectedRequest, fmt.Errorf("TLS was agreed for %q, and other options count for the host", x.TLS.ServerName)})
}
