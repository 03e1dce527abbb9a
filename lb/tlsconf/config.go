package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
)

// Options say how a listener does TLS.
type Options struct {
	// Store has the certificates. New handshakes see changes to it at once.
	Store *Store
	// Issuer, if it is not nil, has a certificate for every name it is given one
	// for, in place of those of Store. It is always strict.
	Issuer *Issuer
	// Others are asked in turn for a certificate for the very name a client asks for,
	// if there is none in Store. They return nil for none, as do Challenges, which are
	// asked for the certificate that answers an authority's challenge (RFC 8737): to
	// such a handshake nothing of the rest applies.
	Others, Challenges []func(*tls.ClientHelloInfo) *tls.Certificate
	// Strict refuses clients that ask for a name no certificate is for, or for
	// none; else they get the first certificate.
	Strict bool
	// ClientAuth says which certificate is asked of clients. Where it is to be
	// verified, that is by ClientCAs or, if that is nil, by the store's authorities;
	// while there are none, nobody is let in.
	ClientAuth tls.ClientAuthType
	ClientCAs  *Authorities
	// Min and Max are versions such as tls.VersionTLS12, which is the default of
	// Min. Max 0 is the newest.
	Min, Max uint16
	// Ciphers are the suites allowed up to TLS 1.2; empty: see DefaultCiphers.
	// Those of TLS 1.3 are all good and not to be chosen from.
	Ciphers []uint16
	// Curves are the key exchanges allowed; empty: those of crypto/tls.
	Curves []tls.CurveID
	// NextProtos are what may be agreed on to speak, the best first.
	NextProtos []string
	// WithoutTickets has every connection shake hands in full.
	WithoutTickets bool
}

// DefaultCiphers are those of TLS 1.2 that keep the past secret when a key is
// lost, and whose integrity is not an afterthought.
var DefaultCiphers = [...]uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Config makes the configuration of a server.
func (o Options) Config() (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:             o.Min,
		MaxVersion:             o.Max,
		CipherSuites:           o.Ciphers,
		CurvePreferences:       o.Curves,
		NextProtos:             o.NextProtos,
		GetCertificate:         o.certificate,
		ClientAuth:             o.ClientAuth,
		SessionTicketsDisabled: o.WithoutTickets,
	}
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS12
		if o.Max != 0 && o.Max < c.MinVersion {
			return nil, fmt.Errorf("the newest TLS version allowed is %s: older ones than TLS 1.2 have to be asked for by the oldest one allowed",
				tls.VersionName(o.Max))
		}
	}
	if c.MaxVersion != 0 && c.MaxVersion < c.MinVersion {
		return nil, fmt.Errorf("the oldest TLS version allowed, %s, is newer than the newest one, %s",
			tls.VersionName(c.MinVersion), tls.VersionName(c.MaxVersion))
	}
	if len(c.CipherSuites) == 0 {
		c.CipherSuites = DefaultCiphers[:]
		if c.MinVersion < tls.VersionTLS12 {
			c.CipherSuites = nil // older versions know none of the good ones
		}
	}
	if o.ClientAuth >= tls.VerifyClientCertIfGiven {
		c.ClientCAs = x509.NewCertPool() // nobody's
		c.GetConfigForClient = o.withClientCAs(c.Clone())
	}
	keepTickets(c)
	if len(o.Challenges) > 0 {
		c.GetConfigForClient = o.challenged(c.GetConfigForClient)
	}
	return c, nil
}

// keepTickets has a configuration take only sessions that it has begun itself:
// crypto/tls would take those of the configuration that GetConfigForClient
// belongs to, whatever was asked of the client there.
func keepTickets(c *tls.Config) { c.WrapSession, c.UnwrapSession = c.EncryptTicket, c.DecryptTicket }

var (
	errNoCertificate = errors.New("no certificate could be read yet")
	errNoAuthority   = errors.New("no authority of clients could be read yet")
)

// certificate is a [tls.Config] GetCertificate.
func (o Options) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	current := o.Store.current.Load()
	if len(o.Others) > 0 && (current == nil || current.find(hello, true) == nil) {
		for _, other := range o.Others {
			if c := other(hello); c != nil {
				return c, nil
			}
		}
	}
	if o.Issuer != nil {
		return o.Issuer.certificate(hello)
	}
	if current == nil {
		return nil, errNoCertificate
	}
	// nil is answered by the alert "unrecognized_name".
	return current.find(hello, o.Strict), nil
}

// withClientCAs is a [tls.Config] GetConfigForClient that goes by the
// authorities there are. A configuration holds the keys of session tickets, so it
// is made anew with other authorities only.
func (o Options) withClientCAs(base *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	var made atomic.Pointer[tls.Config]
	authorities := o.ClientCAs
	if authorities == nil && o.Store != nil {
		authorities = &o.Store.clientCAs
	}
	return func(*tls.ClientHelloInfo) (*tls.Config, error) {
		cas := authorities.pool.Load()
		if cas == nil {
			return nil, errNoAuthority
		}
		if c := made.Load(); c != nil && c.ClientCAs == cas {
			return c, nil
		}
		c := base.Clone()
		c.ClientCAs = cas
		keepTickets(c)
		made.Store(c)
		return c, nil
	}
}
