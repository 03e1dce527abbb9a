package transport

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluiceproxy/sluice/internal/certtest"
	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// made is a certificate that signs itself, and its key, in PEM.
func made(t *testing.T, uri string) (cert, key string) {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	pair := certtest.Authority(t, x509.Certificate{DNSNames: []string{"a.test"}, URIs: []*url.URL{u}})
	return string(pair.CertPEM()), string(pair.KeyPEM())
}

// Files and their contents make the same transport, of as many certificates as there
// are.
func TestFilesAndTexts(t *testing.T) {
	cert, key := made(t, "urn:a")
	other, otherKey := made(t, "urn:b")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var texts, files Transport
	if err := texts.ReadFiles([]string{cert, other}, []string{cert, other}, []string{key, otherKey}); err != nil {
		t.Fatal(err)
	}
	err := files.ReadFiles([]string{file("a", cert), file("b", other)}, []string{file("c", cert), file("d", other)}, []string{file("e", key), file("f", otherKey)})
	if err != nil {
		t.Fatal(err)
	}
	if texts.ID() != files.ID() {
		t.Error("they are not the same")
	}
	c := texts.ID().Config()
	if len(c.Certificates) != 2 || string(c.Certificates[1].Leaf.Raw) == string(c.Certificates[0].Leaf.Raw) {
		t.Errorf("%d certificates", len(c.Certificates))
	}
	if err := new(Transport).ReadFiles(nil, []string{cert}, []string{otherKey}); err == nil {
		t.Error("a certificate with the key of another one")
	}
}

// A target has to have the URI, and to be trusted, even if its name does not matter.
func TestPeerURI(t *testing.T) {
	cert, key := made(t, "urn:a")
	stranger, _ := made(t, "urn:a")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	address := lbtest.Serve(t, func(nc *net.TCPConn) {
		_ = tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake()
	})
	for _, tt := range []struct {
		by   Transport
		want bool
	}{
		{Transport{ServerName: "a.test", RootCAs: cert, PeerURI: "URN:a"}, true},
		{Transport{ServerName: "x.test", RootCAs: cert, PeerURI: "urn:a", SkipVerify: true}, true},
		{Transport{ServerName: "a.test", RootCAs: cert, PeerURI: "urn:b"}, false},
		{Transport{ServerName: "a.test", RootCAs: stranger, PeerURI: "urn:a", SkipVerify: true}, false},
		{Transport{ServerName: "a.test", RootCAs: stranger, PeerURI: "urn:a"}, false},
		{Transport{SkipVerify: true, MaxVersion: tls.VersionTLS12, Ciphers: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}, true},
	} {
		// A pipe would not do: it has no buffer, and a client that has read enough to
		// refuse would wait for the server to hear so, and the server for the client to
		// read the rest.
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		err = tls.Client(nc, tt.by.ID().Config()).Handshake()
		nc.Close()
		if (err == nil) != tt.want {
			t.Errorf("%+v: %v", tt.by, err)
		}
	}
	if c := (Transport{Name: "plain", Conns: Conns{Dial: 1}}).ID().Config(); c != nil {
		t.Errorf("one that says nothing of TLS: %+v", c)
	}
}
