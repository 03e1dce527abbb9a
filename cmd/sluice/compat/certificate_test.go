package compat

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluiceproxy/sluice/internal/certtest"
)

// authority is who both programs and the backend with TLS have certificates of.
type authority struct {
	*certtest.Pair
	// gateway has signed its certificate itself, which does not say that it may.
	gateway *certtest.Pair
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	return &authority{
		certtest.Authority(t, x509.Certificate{Subject: pkix.Name{CommonName: "authority"}}),
		certtest.Issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "ApiGateway"}}, nil),
	}
}

// clients are the certificates that clients may have, by who they are; nobody has
// none.
func (a *authority) clients(t *testing.T) map[string]tls.Certificate {
	return map[string]tls.Certificate{
		"nobody": {}, "": a.issue(t, "client.test").TLS(), "stranger": newAuthority(t).issue(t, "stranger.test").TLS(),
		"gateway": a.gateway.TLS(), "signed": issuedBy(t, a.gateway, "signed.test").TLS(),
	}
}

// issue makes a certificate for a name, and for the backends' address.
func (a *authority) issue(t *testing.T, name string) *certtest.Pair {
	t.Helper()
	return issuedBy(t, a.Pair, name)
}

func issuedBy(t *testing.T, by *certtest.Pair, name string) *certtest.Pair {
	t.Helper()
	return certtest.Issue(t, x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, by)
}

// write puts authority.pem and gateway.pem into a folder, below certificates there
// those of lb.test and other.test, and below more those of which the choice is not
// as plain, for the program at ip.
func (a *authority) write(t *testing.T, dir, ip string) {
	t.Helper()
	put(t, filepath.Join(dir, "authority.pem"), a.CertPEM())
	put(t, filepath.Join(dir, "gateway.pem"), a.gateway.CertPEM())
	for _, name := range []string{"lb.test", "other.test"} {
		putPair(t, filepath.Join(dir, "certificates", name+".pem"), a.issue(t, name))
	}
	for _, c := range []struct {
		file, name string // of the subject
		hosts      []string
		ips        []net.IP
	}{
		{"several", "several", []string{"several.test", "two.test", "three.test"}, nil},
		{"wildcard", "wildcard", []string{"*.wildcard.test", "*.deeper.wildcard.test"}, nil},
		{"exact", "exact", []string{"exact.wildcard.test"}, nil},
		{"first", "twice.test", []string{"twice.test"}, nil},
		{"second", "twice.test", []string{"twice.test"}, nil},
		{"capitals", "capitals", []string{"CAPITALS.test"}, nil},
		{"addressed", "addressed", []string{"addressed.test"}, []net.IP{net.ParseIP(ip), net.ParseIP("192.0.2.1")}},
		{"subject", "subject.test", nil, nil},
	} {
		subject := pkix.Name{CommonName: c.name, Organization: []string{c.file}}
		pair := certtest.Issue(t, x509.Certificate{Subject: subject, DNSNames: c.hosts, IPAddresses: c.ips}, a.Pair)
		putPair(t, filepath.Join(dir, "more", c.file+".pem"), pair)
	}
}

func putPair(t *testing.T, path string, c *certtest.Pair) {
	t.Helper()
	put(t, path, append(c.CertPEM(), c.KeyPEM()...))
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
		t.Fatal(err)
	}
}
