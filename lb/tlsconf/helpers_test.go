package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/certtest"
	"github.com/sluiceproxy/sluice/internal/lbtest"
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
	// Over TCP, for a pipe has no buffer: a client that refuses before it has read
	// all there is, and the server, would wait for each other.
	address := lbtest.Serve(t, func(nc *net.TCPConn) {
		conn := tls.Server(nc, server)
		if conn.Handshake() == nil {
			io.WriteString(conn, "x")
		}
	})
	ours, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	client = client.Clone()
	client.InsecureSkipVerify = true
	conn := tls.Client(ours, client)
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = conn.Read(make([]byte, 1)) // of TLS 1.3 a handshake alone does not tell
	if err != nil {
		return "", tls.ConnectionState{}, err
	}
	state = conn.ConnectionState()
	if leaf := state.PeerCertificates[0]; len(leaf.DNSNames) > 0 {
		host = leaf.DNSNames[0]
	}
	return host, state, nil
}

func newAuthority(t testing.TB) *certtest.Pair {
	t.Helper()
	return certtest.Authority(t, x509.Certificate{Subject: pkix.Name{CommonName: "authority"}})
}

// clientOf makes a certificate of a client.
func clientOf(t testing.TB, authority *certtest.Pair) tls.Certificate {
	t.Helper()
	return certtest.Issue(t, x509.Certificate{
		Subject: pkix.Name{CommonName: "client"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, authority).TLS()
}
