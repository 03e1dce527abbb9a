package consul

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/certtest"
	"github.com/sluiceproxy/sluice/watch"
)

// pki is a throw-away authority with one certificate, good for both ends.
type pki struct {
	ca, cert, key, both string // PEM files
	pool                *x509.CertPool
	pair                tls.Certificate
}

func newPKI(t testing.TB, ips ...string) pki {
	t.Helper()
	authority := certtest.Authority(t, x509.Certificate{Subject: pkix.Name{CommonName: "test authority"}})
	wanted := x509.Certificate{
		Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{"consul.test"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, ip := range ips {
		wanted.IPAddresses = append(wanted.IPAddresses, net.ParseIP(ip))
	}
	leaf := certtest.Issue(t, wanted, authority)
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p := pki{
		ca: write("ca/ca.pem", authority.CertPEM()), cert: write("cert.pem", leaf.CertPEM()), key: write("key.pem", leaf.KeyPEM()),
		both: write("both.pem", append(leaf.CertPEM(), leaf.KeyPEM()...)),
		pool: x509.NewCertPool(), pair: leaf.TLS(),
	}
	p.pool.AddCert(authority.Certificate)
	return p
}

func nodesHandler(w http.ResponseWriter, r *http.Request) {
	if name, password, ok := r.BasicAuth(); r.URL.Query().Has("filter") && (!ok || name != "u" || password != "p:w") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("X-Consul-Index", "3")
	w.Write([]byte(`[{"Node":"n"}]`))
}

func TestTransport_TLS(t *testing.T) {
	p := newPKI(t, "127.0.0.1")
	start := func(auth tls.ClientAuthType) *httptest.Server {
		server := httptest.NewUnstartedServer(http.HandlerFunc(nodesHandler))
		server.EnableHTTP2 = true
		server.TLS = &tls.Config{Certificates: []tls.Certificate{p.pair}, ClientCAs: p.pool, ClientAuth: auth}
		server.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelError)
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	open, mutual := start(tls.NoClientCert), start(tls.RequireAndVerifyClientCert)
	text, err := os.ReadFile(p.ca)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(newPKI(t).ca)
	if err != nil {
		t.Fatal(err)
	}
	plainAddress := func(s *httptest.Server) string { return s.Listener.Addr().String() }
	for _, test := range []struct {
		name   string
		config Config
		ok     bool
	}{
		{"unknown authority", Config{Address: open.URL}, false},
		{"authority file", Config{Address: open.URL, SSL: SSL{CACert: p.ca}}, true},
		{"authority itself", Config{Address: open.URL, SSL: SSL{CACertBytes: string(text)}}, true},
		{"file before text", Config{Address: open.URL, SSL: SSL{CACert: p.ca, CACertBytes: string(other)}}, true},
		{"another authority", Config{Address: open.URL, SSL: SSL{CACertBytes: string(other)}}, false},
		{"authority folder", Config{Address: open.URL, SSL: SSL{CAPath: filepath.Dir(p.ca)}}, true},
		{"enabled by mention", Config{Address: plainAddress(open), SSL: SSL{CACert: p.ca}}, true},
		{"mention overruled", Config{Address: plainAddress(open), SSL: SSL{Enabled: Off, CACert: p.ca}}, false},
		{"unverified", Config{Address: open.URL, SSL: SSL{Verify: Off}}, true},
		{"another server name", Config{Address: open.URL, SSL: SSL{CACert: p.ca, ServerName: "consul.test"}}, true},
		{"wrong server name", Config{Address: open.URL, SSL: SSL{CACert: p.ca, ServerName: "other.test"}}, false},
		{"no client certificate", Config{Address: mutual.URL, SSL: SSL{CACert: p.ca}}, false},
		{"client certificate", Config{Address: mutual.URL, SSL: SSL{CACert: p.ca, Cert: p.cert, Key: p.key}}, true},
		{"one file for both", Config{Address: mutual.URL, SSL: SSL{CACert: p.ca, Cert: p.both}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSource(t, test.config)
			_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{}})
			if (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
			if test.ok && s.Streams() < 2 {
				t.Errorf("%d streams after an answer over HTTP/2", s.Streams())
			}
		})
	}
}

// Neither "broken pipe" nor an alert tells what is missing.
func TestTransport_HintAtTheClientCertificate(t *testing.T) {
	const hint = "does the agent want a client certificate? set -consul-ssl-cert"
	p := newPKI(t, "127.0.0.1")
	for _, test := range []struct {
		name    string
		auth    tls.ClientAuthType
		version uint16
		ssl     SSL
		want    bool
	}{
		{"none where one is wanted", tls.RequireAndVerifyClientCert, tls.VersionTLS13, SSL{CACert: p.ca}, true},
		{"none where one is wanted, TLS 1.2", tls.RequireAndVerifyClientCert, tls.VersionTLS12, SSL{CACert: p.ca}, true},
		{"another's certificate", tls.RequireAndVerifyClientCert, tls.VersionTLS13, SSL{CACert: p.ca, Cert: newPKI(t).both}, false},
		{"our own doubt", tls.NoClientCert, tls.VersionTLS13, SSL{}, false},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", test.name, http2), func(t *testing.T) {
				server := httptest.NewUnstartedServer(http.HandlerFunc(nodesHandler))
				server.EnableHTTP2 = http2
				server.TLS = &tls.Config{Certificates: []tls.Certificate{p.pair}, ClientCAs: p.pool, ClientAuth: test.auth, MaxVersion: test.version}
				server.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelError)
				server.StartTLS()
				defer server.Close()
				s := newSource(t, Config{Address: server.URL, SSL: test.ssl})
				// Which of several errors it is depends on who is faster.
				for range 20 {
					_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{}})
					if err == nil || strings.Contains(err.Error(), hint) != test.want {
						t.Fatalf("got %v", err)
					}
				}
			})
		}
	}
}

func TestTransport_NoHintOnceItWasAnswered(t *testing.T) {
	p := newPKI(t, "127.0.0.1")
	var drop atomic.Bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if drop.Load() {
			panic(http.ErrAbortHandler)
		}
		nodesHandler(w, r)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{p.pair}}
	server.StartTLS()
	defer server.Close()
	s := newSource(t, Config{Address: server.URL, SSL: SSL{CACert: p.ca}})
	fetch(t, s, watch.Nodes{})
	drop.Store(true)
	_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{}})
	if err == nil || strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}

func TestTransport_UnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "consul.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(nodesHandler)}}
	server.Start()
	defer server.Close()
	s := newSource(t, Config{Address: "unix://" + path})
	if nodes, _ := fetch(t, s, watch.Nodes{}); len(nodes) != 1 {
		t.Errorf("got %v", nodes)
	}
	if s.Streams() != 1 {
		t.Errorf("%d streams over HTTP/1.1", s.Streams())
	}
}

func TestTransport_BasicAuth(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(nodesHandler))
	defer server.Close()
	auth, err := ParseAuth("u:p:w")
	if err != nil {
		t.Fatal(err)
	}
	fetch(t, newSource(t, Config{Address: server.URL, Auth: auth}), watch.Nodes{Filter: "x"})
}

func TestTransport_KeepsToMaxConnections(t *testing.T) {
	const limit, requests = 3, 12
	open := make(chan struct{}, requests)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open <- struct{}{}
		<-release
		nodesHandler(w, r)
	}))
	defer server.Close()
	s := newSource(t, Config{Address: server.URL, MaxConnections: limit})
	done := make(chan error)
	for range requests {
		go func() {
			_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{}, Index: 1, Wait: time.Minute})
			done <- err
		}()
	}
	for range limit {
		<-open
	}
	select {
	case <-open:
		t.Errorf("more than %d requests are open", limit)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	for range requests {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
