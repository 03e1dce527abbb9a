package lb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a self-signed certificate and its key.
func writePair(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert},
		keyFile:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTLSListener(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, certFile, keyFile, "shop.test")
	r := start(t, func(o *ServerOptions) {
		o.Listeners = []Listener{{Name: "tls", Address: "127.0.0.1:0", Proto: "https", CertFile: certFile, KeyFile: keyFile}}
	}, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	if r.Addrs()["tls"].String() != r.addr {
		t.Errorf("addresses %v", r.Addrs())
	}
	pem, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for protocol, next := range map[string][]string{"HTTP/1.1": {"http/1.1"}, "HTTP/2.0": {"h2"}} {
		transport := &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "shop.test", NextProtos: next},
		}
		if protocol == "HTTP/1.1" {
			transport.ForceAttemptHTTP2 = false
		}
		t.Cleanup(transport.CloseIdleConnections)
		resp, err := (&http.Client{Transport: transport}).Post("https://"+r.addr+"/x?y", "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		var body strings.Builder
		resp.Write(&body)
		resp.Body.Close()
		if resp.Proto != protocol || resp.StatusCode != http.StatusOK {
			t.Errorf("%s %s, want %s 200", resp.Proto, resp.Status, protocol)
		}
		for _, want := range []string{"POST /x?y\n", "X-Forwarded-Proto: https\n", "\n\nbody"} {
			if !strings.Contains(body.String(), want) {
				t.Errorf("%s: want %q in\n%s", protocol, want, body.String())
			}
		}
	}
	old := &tls.Config{RootCAs: roots, ServerName: "shop.test", MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	if conn, err := tls.Dial("tcp", r.addr, old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 was accepted")
	}
}
