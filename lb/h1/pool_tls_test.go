package h1

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// newTLSUpstream has each TLS connection served by serve; its certificate, of
// which the pool is returned, is for 127.0.0.1 and example.com. The names it is
// asked for are sent on names.
func newTLSUpstream(t *testing.T, serve func(nc *tls.Conn, r *lbtest.Recording)) (addr string, roots *x509.CertPool, names chan string) {
	pair := httptest.NewTLSServer(nil)
	pair.Close()
	roots = x509.NewCertPool()
	roots.AddCert(pair.Certificate())
	names = make(chan string, 10)
	upstream := lbtest.Record(t, func(r *lbtest.Recording) {
		config := &tls.Config{Certificates: pair.TLS.Certificates, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			names <- hello.ServerName
			return nil, nil
		}}
		nc := tls.Server(r.Conn, config)
		if nc.Handshake() == nil {
			serve(nc, lbtest.NewRecording(nc))
		}
	})
	return upstream.Addr, roots, names
}

func TestTLSUpstreams(t *testing.T) {
	addr, roots, names := newTLSUpstream(t, func(_ *tls.Conn, r *lbtest.Recording) { lbtest.Say(ok + "Content-Length: 2\r\n\r\nok")(r) })
	for _, test := range []struct {
		name   string
		config *tls.Config
		asked  string // for this name
		want   bool
	}{
		{"trusted", &tls.Config{RootCAs: roots}, "", true}, // an address is not asked for by name
		{"trusted by name", &tls.Config{RootCAs: roots, ServerName: "example.com"}, "example.com", true},
		{"of another name", &tls.Config{RootCAs: roots, ServerName: "other.test"}, "other.test", false},
		{"of nobody known", &tls.Config{}, "", false},
		{"not looked at", &tls.Config{InsecureSkipVerify: true, ServerName: "other.test"}, "other.test", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newTestPool(t, addr, func(o *PoolOptions) { o.TLS = test.config })
			for range 2 {
				body, err := p.testGet(t, Call{})
				failed, _ := errors.AsType[*SendError](err)
				if test.want && (body != "ok" || err != nil) || !test.want && (failed == nil || failed.Progress != NotConnected) {
					t.Fatalf("%q, %v", body, err)
				}
				if _, unverified := errors.AsType[*tls.CertificateVerificationError](err); unverified == test.want {
					t.Errorf("the error is %v", err)
				}
				if !test.want {
					break
				}
			}
			if asked := <-names; asked != test.asked {
				t.Errorf("asked for %q, want %q", asked, test.asked)
			}
			want := 0
			if test.want {
				want = 1
			}
			if open, idle := p.Conns(); open != want || idle != want {
				t.Errorf("%d connections open, %d idle, want %d", open, idle, want)
			}
		})
	}
}

func TestLargeBodiesToTLSUpstreams(t *testing.T) {
	body := string(noise(1 << 20))
	addr, roots, _ := newTLSUpstream(t, func(_ *tls.Conn, r *lbtest.Recording) {
		_, _ = r.Head()
		got := make([]byte, len(body))
		_, _ = io.ReadFull(r.Buffer, got)
		_, _ = fmt.Fprintf(r, "%sContent-Length: %d\r\n\r\n%s", ok, len(got), got)
	})
	f := startForwarder(t, addr, func(_ *Options, o *PoolOptions) { o.TLS = &tls.Config{RootCAs: roots} })
	c := newClient(t, f.addr)
	go c.send(fmt.Sprintf("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	if _, got, err := c.answer("PUT"); got != body || err != nil {
		t.Errorf("%d bytes of %d, %v", len(got), len(body), err)
	}
}
