package tlsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// pairFor is a pair for hosts, the first of which is its name too.
func pairFor(t testing.TB, hosts ...string) Pair {
	t.Helper()
	p, err := SelfSigned(hosts...)
	if err != nil {
		t.Fatal(err)
	}
	p.Name = hosts[0]
	return p
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// both is a file with certificate and key.
func (p Pair) both() []byte { return append(append([]byte(nil), p.Cert...), p.Key...) }

// shake shakes hands with a server of that configuration and returns the first
// host of its certificate.
func shake(t testing.TB, server *tls.Config, client *tls.Config) (host string, state tls.ConnectionState, err error) {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		defer theirs.Close()
		conn := tls.Server(theirs, server)
		if conn.Handshake() == nil {
			io.WriteString(conn, "x")
		}
	}()
	client = client.Clone()
	client.InsecureSkipVerify = true
	conn := tls.Client(ours, client)
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = conn.Read(make([]byte, 1)) // of TLS 1.3 a handshake alone does not tell
	ours.Close()
	<-served
	if err != nil {
		return "", tls.ConnectionState{}, err
	}
	state = conn.ConnectionState()
	if leaf := state.PeerCertificates[0]; len(leaf.DNSNames) > 0 {
		host = leaf.DNSNames[0]
	}
	return host, state, nil
}

// authority signs certificates of clients.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	return newSelfSigned(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
}

// newSelfSigned signs itself, whatever the template says.
func newSelfSigned(t testing.TB, template *x509.Certificate) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a authority) client(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "client"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
