package lb

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// certOptions are those of certificates.
func (o *ServerOptions) certOptions() certs.Options {
	return certs.Options{Sources: o.CertSources, ACME: o.ACME, TLS: o.Table.TLSOptions, Issue: o.IssueCertificate, Logger: o.Logger}
}

// CheckCertificates tells of which listeners the certificates are not in the files they
// are to be in.
func (o *ServerOptions) CheckCertificates() error { return o.certOptions().CheckFiles(o.Listeners) }

// Certificates lists those of all sources that listeners use.
func (s *Server) Certificates() []certs.Info { return s.certificates.List() }

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
	o, err := s.certificates.Base(&l)
	if err != nil {
		return nil, err
	}
	if l.TLSOptions != "" {
		o = s.certificates.Over(l.TLSOptions, o)
	}
	if l.IsHTTP() {
		o.NextProtos = httpProtocols
	}
	return o.Config()
}

// bound are the listeners with their addresses.
func (s *Server) bound(yield func(*listener.Listener, netip.AddrPort) bool) {
	for _, e := range s.entries {
		if !yield(&e.listener, addrPort(e.address)) {
			return
		}
	}
}

// orderCertificates has the authorities told which names are needed, by the routes
// that are gone and come.
func (s *Server) orderCertificates(gone, come []*Route, goneTCP, comeTCP []*TCPRoute) {
	for _, r := range come {
		s.certificates.Need(r.certificates, 1)
	}
	for _, r := range comeTCP {
		s.certificates.Need(r.certificates, 1)
	}
	for _, r := range gone {
		s.certificates.Need(r.certificates, -1)
	}
	for _, r := range goneTCP {
		s.certificates.Need(r.certificates, -1)
	}
	s.certificates.Order()
}

// recheckCertificates reports whether something else has failed than was last
// told.
func (s *Server) recheckCertificates() (changed bool) {
	for source, failures := range s.certificates.Failures() {
		var problems []tags.Problem
		for name, err := range failures {
			problems = append(problems, tags.Problem{
				Source: "acme " + source, Offset: -1, Reason: "no certificate was issued for " + name + ": " + err.Error(),
				Hint: "what there was stays in use; it is tried again",
			})
		}
		if err := s.certificates.ImportFailures()[source]; err != nil {
			problems = append(problems, tags.Problem{Source: "acme " + source, Offset: -1, Reason: err.Error(), Hint: "certificates are ordered as if there were none"})
		}
		slices.SortFunc(problems, compareProblems)
		changed = changed || !slices.Equal(problems, s.unissued[source])
		s.unissued[source] = problems
	}
	return changed
}

// tellCertificates has the next table's problems tell of what was not issued.
func (s *Server) tellCertificates() {
	for source, problems := range s.unissued {
		s.builder.problems.set(owner{"certificates", name{text: source}}, problems)
	}
}

// CertificateFailures counts by source the names for which no certificate could be
// issued or renewed at the last attempt.
func (s *Server) CertificateFailures() map[string]int {
	counts := map[string]int{}
	for source, failures := range s.certificates.Failures() {
		counts[source] = len(failures)
	}
	return counts
}

// answerChallenge answers what an authority asks for, and reports whether it did:
// all else below the path is a request as any other.
func (s *Server) answerChallenge(x *Exchange) bool {
	if x.Request.Method != http.MethodGet || !strings.HasPrefix(x.RawPath, tlsconf.ChallengePath) {
		return false
	}
	text, ok := s.certificates.HTTPChallenge(cmp.Or(x.ctx, context.Background()), &x.entry.listener, x.Request.Host, x.RawPath)
	if ok {
		h := &Header{}
		h.Add("Content-Type", "application/octet-stream")
		x.Answer(http.StatusOK, h, text)
	}
	return ok
}
