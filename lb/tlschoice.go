package lb

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// tlsConfigs are what a listener does TLS with, by the name of the options. They
// stay the same for as long as the server runs, for they hold the keys of session
// tickets. With "" it is what counts where no options do.
type tlsConfigs map[string]*tls.Config

// tlsConfigs makes those of a listener, which agree on one of the protocols.
func (s *Server) tlsConfigs(l *listener.Listener, protocols ...string) (tlsConfigs, error) {
	base, err := s.tlsBase(l)
	if err != nil {
		return nil, err
	}
	base.NextProtos = protocols
	all := tlsConfigs{}
	if all[""], err = s.tlsOver(l.TLSOptions, base).Config(); err != nil {
		return nil, err
	}
	for _, o := range s.options.Table.TLSOptions {
		name := tlsOptionsName(o.Name)
		if name == "" {
			continue
		}
		if all[name], err = s.tlsOver(name, base).Config(); err != nil {
			return nil, fmt.Errorf("TLS options %q: %w", o.Name, err)
		}
	}
	return all, nil
}

// tlsOver puts the options of a name over what a listener says.
func (s *Server) tlsOver(name string, base tlsconf.Options) tlsconf.Options {
	name = tlsOptionsName(name)
	o := s.options.Table.tlsOptions(name)
	if o == nil {
		return base
	}
	var authorities *tlsconf.Authorities
	if a := s.authorities[name]; a != nil {
		authorities = &a.Authorities
	}
	return o.over(base, authorities)
}

// setTLS gives an entry what it does TLS with.
func (s *Server) setTLS(e *entry) (err error) {
	l := &e.listener
	if !l.HasTLS() {
		return nil
	}
	if !l.IsHTTP() || l.Proto == listener.ProtoHTTPSAndSNI {
		// What is passed on may be any protocol.
		if e.passing, err = s.tlsConfigs(l); err != nil {
			return err
		}
	}
	if !l.IsHTTP() {
		e.tls = e.passing[""]
		return nil
	}
	all, err := s.tlsConfigs(l, httpProtocols...)
	if err != nil {
		return err
	}
	base, err := s.tlsBase(l)
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
	entrypoint string, all tlsConfigs, others func(*tls.ClientHelloInfo) (*tls.Config, error),
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
		if nc, ok := hello.Conn.(*agreeing); ok {
			nc.options = name
		}
		if config.GetConfigForClient != nil {
			return config.GetConfigForClient(hello)
		}
		return config, nil
	}
}

// agreeing is a connection beneath TLS that remembers by which options that was
// agreed: the table may be another one by the time a request comes.
type agreeing struct {
	net.Conn
	options string // set in the handshake, after which alone it is read
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
