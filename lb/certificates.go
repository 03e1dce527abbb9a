package lb

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// certificates are those of one source, for any number of listeners.
type certificates struct {
	CertSource
	keeper *tlsconf.Keeper
	issuer *tlsconf.Issuer // nil if they are all read
}

// CertificateInfo is a certificate in force.
type CertificateInfo struct {
	// Source is the name of its source, or the file it is read from.
	Source string
	tlsconf.Certificate
}

// Certificates lists those of all sources that listeners use.
func (s *Server) Certificates() []CertificateInfo {
	var all []CertificateInfo
	for _, a := range s.acme {
		for _, info := range a.Client.Certificates() {
			all = append(all, CertificateInfo{Source: a.Name, Certificate: info})
		}
	}
	for _, c := range s.certificates {
		infos := c.keeper.Store.Certificates()
		if c.issuer != nil {
			infos = c.issuer.Certificates()
		}
		for _, info := range infos {
			all = append(all, CertificateInfo{Source: c.Name, Certificate: info})
		}
	}
	return all
}

// httpProtocols are what TLS clients may agree on to speak with a listener for
// requests.
var httpProtocols = []string{"h2", "http/1.1", "http/1.0"}

// tlsBase is what a listener with certificates says of TLS.
func (s *Server) tlsBase(l *listener.Listener) (tlsconf.Options, error) {
	c, err := s.certificatesOf(l)
	if err != nil {
		return tlsconf.Options{}, err
	}
	o := l.TLS()
	o.Store, o.Issuer = &c.keeper.Store, c.issuer
	for _, a := range s.acme {
		o.Others, o.Challenges = append(o.Others, a.Client.Certificate), append(o.Challenges, a.Client.TLSChallenge)
	}
	if c.ClientCA != "" {
		o.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return o, nil
}

// TLS makes what a listener of somebody else does TLS with, as its notation
// says; nil is none. The certificates are kept up to date by Run, before which it
// has to be called.
func (s *Server) TLS(text string) (*tls.Config, error) {
	l, err := listener.Parse(text)
	if err != nil {
		return nil, err
	}
	if !l.HasTLS() {
		return nil, nil
	}
	o, err := s.tlsBase(&l)
	if err != nil {
		return nil, err
	}
	if l.TLSOptions != "" {
		o = s.tlsOver(l.TLSOptions, o)
	}
	if l.IsHTTP() {
		o.NextProtos = httpProtocols
	}
	return o.Config()
}

// certificatesOf finds the source of a listener's certificates, or opens it.
func (s *Server) certificatesOf(l *listener.Listener) (*certificates, error) {
	source := CertSource{
		Name: l.CertFile, Type: tlsconf.TypeFile, Cert: l.CertFile, Key: l.KeyFile,
		ClientCA: l.ClientCA, Refresh: certRefresh,
	}
	if l.CertSource != "" {
		var err error
		if source, err = s.options.certSource(l.CertSource); err != nil {
			return nil, err
		}
	}
	for _, c := range s.certificates {
		if c.Name == source.Name && c.Key == source.Key && c.ClientCA == source.ClientCA {
			return c, nil
		}
	}
	c := &certificates{CertSource: source, keeper: tlsconf.NewKeeper(source.Name, source.local(), s.log)}
	if source.Type == typeVaultPKI {
		if s.options.IssueCertificate == nil {
			return nil, fmt.Errorf("certificate source %s: type=vault-pki needs a Vault: give its address (-vault-addr, VAULT_ADDR)", source.Name)
		}
		c.issuer = tlsconf.NewIssuer(s.issuing(source.Cert), source.Refresh, s.log.With("certificates", source.Name))
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	s.certificates = append(s.certificates, c)
	return c, nil
}

func (o *ServerOptions) certSource(name string) (CertSource, error) {
	for _, c := range o.CertSources {
		if c.Name == name {
			return c, nil
		}
	}
	for i := range o.ACME {
		if o.ACME[i].Name == name {
			// What clients get for names there is nothing issued for.
			return CertSource{Name: name, Type: tlsconf.TypeSelfSigned}, nil
		}
	}
	return CertSource{}, fmt.Errorf("there is no certificate source %q", name)
}

// load reads what can be read at once. A source on this machine has to have a
// certificate; others may still be on their way.
func (c *certificates) load() error {
	const patience = 5 * time.Second
	if c.isWatched() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := c.keeper.Load(ctx)
	if c.Type != tlsconf.TypeHTTP && c.keeper.Store.Empty() {
		return fmt.Errorf("certificates of %s: %w", cmp.Or(c.Name, c.Type), err)
	}
	c.keeper.Tell(err)
	return nil
}

// issuing has certificates issued by the role at a path.
func (s *Server) issuing(path string) tlsconf.IssueFunc {
	return func(ctx context.Context, name string) (tlsconf.Pair, error) {
		issued, err := s.options.IssueCertificate(ctx, path, name)
		if err != nil {
			return tlsconf.Pair{}, err
		}
		chain := strings.Join(append([]string{issued.Cert}, issued.CAChain...), "\n")
		return tlsconf.Pair{Name: name, Cert: []byte(chain), Key: []byte(issued.Key)}, nil
	}
}

// run keeps the certificates up to date until ctx ends.
func (c *certificates) run(ctx context.Context, s *Server) {
	var wg sync.WaitGroup
	defer wg.Wait()
	switch {
	case c.issuer != nil:
		wg.Go(func() { c.issuer.Run(ctx) })
		if c.ClientCA != "" {
			s.followCertificates(ctx, c)
		}
	case c.isWatched():
		s.followCertificates(ctx, c)
	default:
		c.keeper.Run(ctx)
	}
}
