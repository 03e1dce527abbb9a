package certs

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/sluiceproxy/sluice/internal/certtest"
)

// issuer has one certificate for whatever it is asked.
type issuer struct {
	Client
	certificate *tls.Certificate
}

func (i issuer) Certificate(*tls.ClientHelloInfo) *tls.Certificate { return i.certificate }

func certificateFor(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	pair := certtest.Issue(t, x509.Certificate{DNSNames: []string{name}}, nil).TLS()
	return &pair
}

// Of several authorities, the one counts that has a certificate for the very name,
// and then one that has one for all names beside it.
func TestIssued(t *testing.T) {
	wildcard, exact := certificateFor(t, "*.example.test"), certificateFor(t, "a.example.test")
	for _, c := range []struct {
		name string
		have []*tls.Certificate
		want *tls.Certificate
	}{
		{"A.example.test", []*tls.Certificate{nil, wildcard, exact}, exact},
		{"a.example.test", []*tls.Certificate{exact, wildcard}, exact},
		{"a.example.test", []*tls.Certificate{wildcard, nil, certificateFor(t, "*.example.test")}, wildcard},
		{"a.example.test", []*tls.Certificate{wildcard}, wildcard},
		{"a.example.test", []*tls.Certificate{nil, nil}, nil},
		{"a.example.test", nil, nil},
	} {
		all := &Certificates{}
		for _, has := range c.have {
			all.acme = append(all.acme, &authority{ACME: ACME{Client: issuer{certificate: has}}})
		}
		if got := all.issued(&tls.ClientHelloInfo{ServerName: c.name}); got != c.want {
			t.Errorf("%s of %v: got %v, want %v", c.name, c.have, got, c.want)
		}
	}
}
