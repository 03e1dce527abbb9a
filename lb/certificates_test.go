package lb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluiceproxy/sluice/internal/certtest"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// writePair writes a self-signed certificate and its key.
func writePair(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	pair := certtest.Issue(t, x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}, nil)
	for file, text := range map[string][]byte{certFile: pair.CertPEM(), keyFile: pair.KeyPEM()} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTLSListener(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, certFile, keyFile, "shop.test")
	r := start(t, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{{Name: "tls", Address: "127.0.0.1:0", Proto: "https", CertFile: certFile, KeyFile: keyFile}}
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

// pairOf is a self-signed pair, as text.
func pairOf(t testing.TB, host string) (cert, key string) {
	t.Helper()
	p, err := tlsconf.SelfSigned(host)
	if err != nil {
		t.Fatal(err)
	}
	return string(p.Cert), string(p.Key)
}

// hostServed is the host of the certificate a client gets that asks for one.
func hostServed(address, ask string) string {
	nc, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, ServerName: ask})
	if err != nil {
		return err.Error()
	}
	defer nc.Close()
	return nc.ConnectionState().PeerCertificates[0].DNSNames[0]
}

func withCertSource(text, options string) func(*ServerOptions) {
	return func(o *ServerOptions) {
		c, err := certs.ParseSource(text)
		if err != nil {
			panic(err)
		}
		l, err := listener.Parse("127.0.0.1:0;cs=" + c.Name + options)
		if err != nil {
			panic(err)
		}
		o.CertSources, o.Listeners = []certs.Source{c}, []listener.Listener{l}
	}
}

func TestCertificatesFromConsul(t *testing.T) {
	oneCert, oneKey := pairOf(t, "one.test")
	twoCert, twoKey := pairOf(t, "two.test")
	query := watch.Prefix{Path: "lb/certs/"}
	set := func(s *watchtest.Source, files ...string) {
		var pairs []watch.Pair
		for i := 0; i < len(files); i += 2 {
			pairs = append(pairs, watch.Pair{Key: "lb/certs/" + files[i], Value: files[i+1]})
		}
		s.Set(query, pairs)
	}
	c := startWithCatalog(t, func(s *watchtest.Source) {}, withCertSource("cs=kv;type=consul;cert=lb/certs", ";strictmatch=true"))
	if got := hostServed(c.addr, "one.test"); !strings.Contains(got, "tls") {
		t.Errorf("without any certificate: %s", got)
	}
	set(c.source, "one.pem", oneCert+oneKey)
	eventually(t, "the certificate is there", func() bool { return hostServed(c.addr, "one.test") == "one.test" })
	set(c.source, "one.pem", "half", "two-cert.pem", twoCert, "two-key.pem", twoKey)
	eventually(t, "another one is there", func() bool { return hostServed(c.addr, "two.test") == "two.test" })
	if got := hostServed(c.addr, "one.test"); got != "one.test" {
		t.Errorf("the one that is broken now: %s, want the old one to stay", got)
	}
	if got := hostServed(c.addr, "three.test"); !strings.Contains(got, "unrecognized name") {
		t.Errorf("none: %s, want the alert unrecognized_name", got)
	}
	eventually(t, "the log tells", func() bool { return strings.Contains(c.log.String(), "certificate one:") })
	set(c.source)
	eventually(t, "the log tells of nothing", func() bool { return strings.Contains(c.log.String(), "there is no certificate in it") })
	if got := hostServed(c.addr, "two.test"); got != "two.test" {
		t.Errorf("the prefix is empty: %s, want the last certificates to stay", got)
	}
	if all := c.Certificates(); len(all) != 2 || all[0].Source != "kv" {
		t.Errorf("certificates %+v", all)
	}
	if strings.Contains(c.log.String(), "PRIVATE KEY") {
		t.Error("a key is in the log")
	}
}

func TestCertificatesFromVault(t *testing.T) {
	cert, key := pairOf(t, "one.test")
	c := startWithCatalog(t, func(s *watchtest.Source) {
		s.Set(watch.VaultList{Path: "secret/certs"}, []string{"denied", "folder/", "gone", "one", "two"})
		s.Deny(watch.VaultSecret{Path: "secret/certs/denied"})
		s.Set(watch.VaultSecret{Path: "secret/certs/gone"}, (*watch.Secret)(nil))
		s.Set(watch.VaultSecret{Path: "secret/certs/one"}, &watch.Secret{Data: map[string]any{"cert": cert, "key": key}})
		two, twoKey := pairOf(t, "two.test")
		s.Set(watch.VaultSecret{Path: "secret/certs/two"}, &watch.Secret{Data: map[string]any{
			"data": map[string]any{"cert": two + twoKey}, "metadata": map[string]any{},
		}})
	}, withCertSource("cs=v;type=vault;cert=/secret/certs/", ""))
	for _, name := range []string{"one.test", "two.test"} {
		eventually(t, name+" is there", func() bool { return hostServed(c.addr, name) == name })
	}
	eventually(t, "the log tells of the secret that cannot be read", func() bool {
		return strings.Contains(c.log.String(), "vault secret secret/certs/denied")
	})
}

// Certificates are issued as clients ask; the authorities of clients come from
// Vault's KV store.
func TestCertificatesIssued(t *testing.T) {
	var issued atomic.Int32
	withIssuer := func(source string) func(*ServerOptions) {
		return func(o *ServerOptions) {
			withCertSource(source, "")(o)
			o.IssueCertificate = func(_ context.Context, path, name string) (*watch.IssuedCertificate, error) {
				if path != "pki/issue/web" || !strings.HasSuffix(name, ".test") {
					return nil, errors.New("not allowed")
				}
				issued.Add(1)
				cert, key := pairOf(t, name)
				return &watch.IssuedCertificate{Cert: cert, Key: key}, nil
			}
		}
	}
	nothing := func(*watchtest.Source) {}
	c := startWithCatalog(t, nothing, withIssuer("cs=pki;type=vault-pki;cert=pki/issue/web"))
	for _, name := range []string{"one.test", "two.test", "one.test"} {
		if got := hostServed(c.addr, name); got != name {
			t.Errorf("asked for %s, got %s", name, got)
		}
	}
	if got := hostServed(c.addr, "one.elsewhere"); !strings.Contains(got, "tls: internal error") {
		t.Errorf("a name that is not allowed: %s", got)
	}
	if got := hostServed(c.addr, ""); !strings.Contains(got, "unrecognized name") {
		t.Errorf("without a name: %s, want none, as if it were strict", got)
	}
	if all := c.Certificates(); len(all) != 2 || all[0].Source != "pki" || all[0].Name != "one.test" || issued.Load() != 2 {
		t.Errorf("%d were issued: %+v", issued.Load(), all)
	}

	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, certFile, keyFile, "client.test")
	authority, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	c = startWithCatalog(t, func(s *watchtest.Source) {
		s.Set(watch.VaultList{Path: "secret/clients"}, []string{"one"})
		s.Set(watch.VaultSecret{Path: "secret/clients/one"}, &watch.Secret{Data: map[string]any{"cert": string(authority)}})
	}, withIssuer("cs=pki;type=vault-pki;cert=pki/issue/web;clientca=secret/clients"))
	client, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	shake := func(certificates ...tls.Certificate) error {
		nc, err := tls.Dial("tcp", c.addr, &tls.Config{
			InsecureSkipVerify: true, ServerName: "one.test", Certificates: certificates, MaxVersion: tls.VersionTLS12,
		})
		if err == nil {
			nc.Close()
		}
		return err
	}
	eventually(t, "the authorities are known", func() bool { return shake(client) == nil })
	if shake() == nil {
		t.Error("a client without a certificate was let in")
	}
}

func TestCertificatesIssuedByNobody(t *testing.T) {
	o := DefaultServerOptions()
	withCertSource("cs=pki;type=vault-pki;cert=pki/issue/web", "")(&o)
	s, err := New(o, watch.New(watch.DefaultOptions()))
	if err == nil {
		err = s.Listen()
	}
	if err == nil || !strings.Contains(err.Error(), "certificate source pki: type=vault-pki needs a Vault") {
		t.Errorf("error %v", err)
	}
}

func TestCertificatesFromFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	oneCert, oneKey := pairOf(t, "one.test")
	write("one.pem", oneCert+oneKey)
	r := start(t, withCertSource("cs=all;type=path;refresh=1s;cert="+dir, ""))
	if got := hostServed(r.addr, "none.test"); got != "one.test" {
		t.Errorf("the first for whoever asks for none: %s", got)
	}
	twoCert, twoKey := pairOf(t, "two.test")
	write("two-cert.pem", twoCert)
	write("two-key.pem", twoKey)
	eventually(t, "a new file is seen", func() bool { return hostServed(r.addr, "two.test") == "two.test" })
}

func TestCertificatesThatCannotBeReadAtStart(t *testing.T) {
	for name, change := range map[string]func(*ServerOptions){
		"a source": withCertSource("cs=all;type=path;cert="+t.TempDir()+"/none", ""),
		"no source": func(o *ServerOptions) {
			o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "https", CertSource: "x"}}
		},
		"files": func(o *ServerOptions) {
			o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "https", CertFile: "/none.pem", KeyFile: "/none.pem"}}
		},
	} {
		o := DefaultServerOptions()
		change(&o)
		s, err := New(o, watch.New(watch.DefaultOptions()))
		if err == nil {
			err = s.Listen()
		}
		if err == nil {
			s.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

func TestClientCertificatesAreAskedFor(t *testing.T) {
	dir := t.TempDir()
	server, serverKey := pairOf(t, "shop.test")
	certFile, ca := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "ca.pem")
	authority, _ := pairOf(t, "authority.test")
	for file, content := range map[string]string{certFile: server + serverKey, ca: authority} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, proxied("cert="+certFile+";clientca="+ca), testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	config := &tls.Config{InsecureSkipVerify: true}
	try := func() error {
		transport := &http.Transport{TLSClientConfig: config.Clone()}
		defer transport.CloseIdleConnections()
		resp, err := transport.RoundTrip(mustRequest(t, "https://"+r.addr+"/"))
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if try() == nil {
		t.Error("a client without a certificate was let in")
	}
	stranger, err := tls.X509KeyPair([]byte(server), []byte(serverKey))
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{stranger}
	if try() == nil {
		t.Error("a client with another certificate was let in")
	}
	eventually(t, "the failed handshakes are counted", func() bool { return r.entrypoint().HandshakeErrors == 2 })
}
