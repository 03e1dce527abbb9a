package compat

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority is who both programs and the backend with TLS have certificates of.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	// gateway has signed its certificate itself, which does not say that it may.
	gateway *authority
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := newSelfSigned(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.gateway = newSelfSigned(t, &x509.Certificate{Subject: pkix.Name{CommonName: "ApiGateway"}})
	return a
}

// clients are the certificates that clients may have, by who they are; nobody has
// none.
func (a *authority) clients(t *testing.T) map[string]tls.Certificate {
	return map[string]tls.Certificate{
		"nobody": {}, "": a.issue(t, "client.test"), "stranger": newAuthority(t).issue(t, "stranger.test"),
		"gateway": {Certificate: [][]byte{a.gateway.certificate.Raw}, PrivateKey: a.gateway.key},
		"signed":  a.gateway.issue(t, "signed.test"),
	}
}

func newSelfSigned(t *testing.T, wanted *x509.Certificate) *authority {
	t.Helper()
	a := &authority{certificate: wanted, key: newKey(t)}
	wanted.SerialNumber, wanted.NotBefore, wanted.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, a.certificate, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue makes a certificate for a name, and for the backends' address.
func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	return a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
}

func (a *authority) sign(t *testing.T, wanted *x509.Certificate) tls.Certificate {
	t.Helper()
	key := newKey(t)
	wanted.SerialNumber = big.NewInt(time.Now().UnixNano())
	wanted.NotBefore, wanted.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, wanted, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// write puts authority.pem and gateway.pem into a folder, below certificates there
// those of lb.test and other.test, and below more those of which the choice is not
// as plain, for the program at ip.
func (a *authority) write(t *testing.T, dir, ip string) {
	t.Helper()
	put(t, filepath.Join(dir, "authority.pem"), &pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	put(t, filepath.Join(dir, "gateway.pem"), &pem.Block{Type: "CERTIFICATE", Bytes: a.gateway.certificate.Raw})
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
		pair := a.sign(t, &x509.Certificate{Subject: subject, DNSNames: c.hosts, IPAddresses: c.ips})
		putPair(t, filepath.Join(dir, "more", c.file+".pem"), pair)
	}
}

func putPair(t *testing.T, path string, c tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, &pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
}

func put(t *testing.T, path string, blocks ...*pem.Block) {
	t.Helper()
	var text []byte
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(b)...)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
