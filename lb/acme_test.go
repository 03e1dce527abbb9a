package lb

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// fakeACME issues whatever is wanted at once, but for names that fail.
type fakeACME struct {
	pair tls.Certificate // all its certificates, and the answer to challenges
	page string          // the answer to challenges by HTTP below /token; empty for none

	mu       sync.Mutex
	told     int // how often
	wanted   []string
	address  netip.AddrPort
	failures map[string]error
	imported error // that of taking over
}

func newFakeACME(t *testing.T) *fakeACME {
	t.Helper()
	p, err := tlsconf.SelfSigned("issued.test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &fakeACME{pair: pair}
}

func (f *fakeACME) Run(ctx context.Context, address netip.AddrPort) {
	f.mu.Lock()
	f.address = address
	f.mu.Unlock()
	<-ctx.Done()
}

func (f *fakeACME) Want(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told, f.wanted = f.told+1, slices.Clone(names)
}

func (f *fakeACME) names() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.wanted, " ")
}

func (f *fakeACME) Certificate(hello *tls.ClientHelloInfo) *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.wanted, hello.ServerName) {
		return nil
	}
	return &f.pair
}

func (f *fakeACME) TLSChallenge(hello *tls.ClientHelloInfo) *tls.Certificate {
	if hello.ServerName != "challenged.test" {
		return nil
	}
	return &f.pair
}

func (f *fakeACME) HTTPChallenge(_ context.Context, host, path string) (string, bool) {
	return host + " " + f.page, f.page != "" && path == "/.well-known/acme-challenge/token"
}

func (*fakeACME) Certificates() []tlsconf.Certificate {
	return []tlsconf.Certificate{{Name: "issued.test"}}
}

func (f *fakeACME) ImportFailure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.imported
}

func (f *fakeACME) Failures() map[string]error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.failures)
}

// Which names an authority is asked for follows the catalog: those of routes that
// name it, and of routes on its listeners that name none.
func TestACMENames(t *testing.T) {
	le, other, dns := newFakeACME(t), newFakeACME(t), newFakeACME(t)
	backend := httpBackend(t, echo)
	tags := []string{
		"traefik.http.routers.a.rule=Host(`A.test`) && (Path(`/x`) || Host(`b.test`))", "traefik.http.routers.a.tls=true",
		"traefik.http.routers.wild.rule=HostRegexp(`^.+\\.wild\\.test$`) || Host(`*.star.test`)",
		"traefik.http.routers.named.rule=Host(`named.test`)", "traefik.http.routers.named.tls.certresolver=OTHER",
		"traefik.http.routers.listed.rule=Host(`unused.test`)", "traefik.http.routers.listed.tls.certresolver=other",
		"traefik.http.routers.listed.tls.domains[0].main=Main.test", "traefik.http.routers.listed.tls.domains[0].sans=san.test,*.san.test,no_name",
		"traefik.http.routers.star.rule=Host(`*.Below.test`) || HostRegexp(`^x`)", "traefik.http.routers.star.tls.certresolver=dns",
		"traefik.http.routers.both.rule=PathPrefix(`/both`)", "traefik.http.routers.both.tls.certresolver=dns",
		"traefik.http.routers.both.tls.domains[0].main=Both.test", "traefik.http.routers.both.tls.domains[0].sans=*.Both.test,*.*.both.test",
		"traefik.http.routers.forbidden.rule=Host(`forbidden.example.com`)", "traefik.http.routers.forbidden.tls.certresolver=other",
		"traefik.http.routers.typo.rule=Host(`typo.test`)", "traefik.http.routers.typo.tls.certresolver=othre",
		"traefik.http.routers.plain.rule=Host(`plain.test`)", "traefik.http.routers.plain.entrypoints=web",
		"traefik.tcp.routers.db.rule=HostSNI(`db.test`)", "traefik.tcp.routers.db.tls.certresolver=other",
		"traefik.tcp.routers.through.rule=HostSNI(`through.test`)", "traefik.tcp.routers.through.tls.passthrough=true",
		"urlprefix-fabio.test/x", "urlprefix-/anywhere",
	}
	c := startWithCatalog(t, func(s *watchtest.Source) { register(s, "web", tags, watch.Passing, backend) }, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{
			{Name: "websecure", Address: "127.0.0.1:0", Proto: listener.ProtoHTTPSAndSNI, CertSource: "le"}, {Name: "web", Address: "127.0.0.1:0", Proto: listener.ProtoHTTP},
		}
		o.ACME = []certs.ACME{
			{Name: "le", Client: le, Domains: []string{"Always.test"}},
			{Name: "other", Client: other, Allow: []string{"*.test", "example.com"}, HTTP: true},
			{Name: "dns", Client: dns, Domains: []string{"*.Always.test"}, Allow: []string{"*.test"}, DNS: true},
		}
	})
	eventually(t, "the server is ready", c.Ready)
	if got := le.names(); got != "a.test always.test b.test fabio.test" {
		t.Errorf("of the listener: %s", got)
	}
	if got := other.names(); got != "db.test main.test named.test san.test" {
		t.Errorf("of routes: %s", got)
	}
	if got := dns.names(); got != "*.always.test *.below.test *.both.test both.test" {
		t.Errorf("by DNS: %s", got)
	}
	var problems []string
	for _, p := range c.Table().Problems() {
		problems = append(problems, p.Reason)
		if strings.Contains(p.Reason, "othre") && !strings.HasSuffix(p.Hint, "did you mean other?") {
			t.Errorf("hint %q suggests nothing", p.Hint)
		}
		if p.Route != "" {
			t.Errorf("problem %q keeps out route %s", p.Reason, p.Route)
		}
	}
	want := []string{
		"acme other is not to issue certificates for forbidden.example.com",
		`"no_name" is not the name of a host`,
		"*.san.test: certificates for all names below one need a challenge by DNS, which acme other does not have",
		`"*.*.both.test" is not the name of a host`,
		"there is no certificate resolver othre; the route is served with the listener's certificates",
	}
	slices.Sort(problems)
	slices.Sort(want)
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for client, at := range map[*fakeACME]string{le: c.Addrs()["websecure"].String(), other: c.Addrs()["web"].String()} {
		eventually(t, "the client is told where it is asked", func() bool {
			client.mu.Lock()
			defer client.mu.Unlock()
			return client.address.String() == at
		})
	}

	// Only what changes is told.
	told := le.told
	register(c.source, "web", []string{"traefik.http.routers.b.rule=Host(`b.test`)", "traefik.http.routers.b.tls=true"}, watch.Passing, backend)
	eventually(t, "names are gone", func() bool { return le.names() == "always.test b.test" && other.names() == "" })
	register(c.source, "web", []string{"traefik.http.routers.c.rule=Host(`b.test`)", "traefik.http.routers.c.tls=true"}, watch.Passing, backend)
	eventually(t, "the route is another one", func() bool { return strings.Contains(c.log.String(), "new=c") })
	if le.told != told+1 {
		t.Errorf("told %d times, want %d", le.told, told+1)
	}
}

// What an authority fails at is a problem until it succeeds, and what there is of
// certificates is served: that for the name, or else the listener's.
func TestACMECertificates(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, "lb.test")
	le := newFakeACME(t)
	c := startWithCatalog(t, func(s *watchtest.Source) {
		register(s, "web", []string{"traefik.http.routers.a.rule=Host(`a.test`) || Host(`lb.test`)", "traefik.http.routers.a.tls.certresolver=le"}, watch.Passing, httpBackend(t, echo))
	}, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: listener.ProtoHTTPS, CertFile: cert, KeyFile: key}}
		o.ACME = []certs.ACME{{Name: "le", Client: le}}
	})
	eventually(t, "the server is ready", c.Ready)
	for name, want := range map[string]string{"a.test": "issued.test", "lb.test": "lb.test", "unknown.test": "lb.test"} {
		conn, err := tls.Dial("tcp", c.addr, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().PeerCertificates[0].DNSNames; !slices.Equal(got, []string{want}) {
			t.Errorf("%s: a certificate for %q, want %s", name, got, want)
		}
		conn.Close()
	}
	if all := c.Certificates(); !slices.ContainsFunc(all, func(i certs.Info) bool { return i.Source == "le" && i.Name == "issued.test" }) {
		t.Errorf("certificates %+v", all)
	}
	fail := func(failures map[string]error) {
		le.mu.Lock()
		defer le.mu.Unlock()
		le.failures = failures
	}
	fail(map[string]error{"a.test": errors.New("no luck")})
	eventually(t, "the failure is a problem", func() bool {
		p := c.Table().Problems()
		return len(p) == 1 && p[0].Source == "acme le" && p[0].Reason == "no certificate was issued for a.test: no luck"
	})
	if n := c.CertificateFailures(); n["le"] != 1 {
		t.Errorf("failures %v", n)
	}
	if err := c.Reload(c.options.Table); err != nil {
		t.Fatal(err)
	}
	le.mu.Lock()
	le.imported = errors.New("acme.json: line 2: it is no JSON")
	le.mu.Unlock()
	eventually(t, "what is not taken over is a problem too", func() bool {
		return slices.ContainsFunc(c.Table().Problems(), func(p tags.Problem) bool { return p.Reason == "acme.json: line 2: it is no JSON" })
	})
	le.mu.Lock()
	le.imported = nil
	le.mu.Unlock()
	fail(nil)
	eventually(t, "the failure is over", func() bool { return len(c.Table().Problems()) == 0 })
}

// A challenge is answered whoever may shake hands otherwise, and is good for nothing
// else: no request is served by what it has agreed on.
func TestACMETLSChallenge(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, "lb.test")
	c := startWithCatalog(t, func(s *watchtest.Source) {
		register(s, "web", []string{
			"traefik.http.routers.a.rule=Host(`challenged.test`)", "traefik.http.routers.a.tls=true",
			"traefik.tcp.routers.db.rule=HostSNI(`challenged.test`)", "traefik.tcp.routers.db.tls=true", "traefik.tcp.routers.db.entrypoints=tcp",
		}, watch.Passing, httpBackend(t, echo))
	}, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{
			{Name: "https", Address: "127.0.0.1:0", Proto: listener.ProtoHTTPS, CertFile: cert, KeyFile: key, ClientCA: cert, StrictSNI: true},
			{Name: "both", Address: "127.0.0.1:0", Proto: listener.ProtoHTTPSAndSNI, CertFile: cert, KeyFile: key, ClientCA: cert},
			{Name: "tcp", Address: "127.0.0.1:0", Proto: listener.ProtoTCP, CertFile: cert, KeyFile: key, ClientCA: cert},
		}
		o.ACME = []certs.ACME{{Name: "le", Client: newFakeACME(t)}}
	})
	eventually(t, "the server is ready", c.Ready)
	for name, address := range c.Addrs() {
		dial := func(serverName string, protocols ...string) (*tls.Conn, error) {
			return tls.Dial("tcp", address.String(), &tls.Config{ServerName: serverName, InsecureSkipVerify: true, NextProtos: protocols, MaxVersion: tls.VersionTLS12})
		}
		conn, err := dial("challenged.test", tlsconf.ChallengeProtocol)
		if err != nil {
			t.Errorf("%s: the challenge: %v", name, err)
			continue
		}
		if state := conn.ConnectionState(); state.NegotiatedProtocol != tlsconf.ChallengeProtocol || state.PeerCertificates[0].DNSNames[0] != "issued.test" {
			t.Errorf("%s: answered by %+v", name, state.PeerCertificates[0].DNSNames)
		}
		_, _ = io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: challenged.test\r\n\r\n")
		if answer, _ := bufio.NewReader(conn).ReadString('\n'); answer != "" {
			t.Errorf("%s: a request was answered: %s", name, answer)
		}
		conn.Close()
		for _, other := range [][]string{{"http/1.1"}, {tlsconf.ChallengeProtocol, "http/1.1"}} {
			if conn, err := dial("challenged.test", other...); err == nil {
				conn.Close()
				t.Errorf("%s: let in without a certificate by %q", name, other)
			}
		}
		if conn, err := dial("unknown.test", tlsconf.ChallengeProtocol); err == nil {
			conn.Close()
			t.Errorf("%s: a challenge nobody knows was answered", name)
		}
	}
}

// What an authority asks for goes before routes and redirects, at listeners it looks
// at. All else is a request as any other.
func TestACMEHTTPChallenge(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, "lb.test")
	page, silent := newFakeACME(t), newFakeACME(t)
	page.page = "answer"
	c := startWithCatalog(t, func(s *watchtest.Source) {
		register(s, "web", []string{"urlprefix-/"}, watch.Passing, httpBackend(t, echo))
	}, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{
			{Name: "web", Address: "127.0.0.1:0", Proto: listener.ProtoHTTP, RedirectTo: ":8443"},
			{Name: "other", Address: "127.0.0.1:0", Proto: listener.ProtoHTTP},
			{Name: "tls", Address: "127.0.0.1:0", Proto: listener.ProtoHTTPS, CertFile: cert, KeyFile: key},
		}
		o.ACME = []certs.ACME{{Name: "silent", HTTP: true, Client: silent}, {Name: "page", HTTP: true, Entrypoint: "web", Client: page}}
	})
	eventually(t, "the server is ready", c.Ready)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	for _, tt := range []struct{ method, url, want string }{
		{"GET", "http://web/.well-known/acme-challenge/token", "200 a.test answer"},
		{"GET", "http://web/.well-known/acme-challenge/other", "301 "},
		{"POST", "http://web/.well-known/acme-challenge/token", "308 "},
		{"GET", "http://other/.well-known/acme-challenge/token", "200 GET /.well-known/acme-challenge/token"},
		{"GET", "https://tls/.well-known/acme-challenge/token", "200 GET /.well-known/acme-challenge/token"},
	} {
		url := tt.url
		for name, address := range c.Addrs() {
			url = strings.Replace(url, "://"+name+"/", "://"+address.String()+"/", 1)
		}
		req, err := http.NewRequest(tt.method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "a.test"
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := resp.Status[:4] + string(body); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s %s: %q, want %q", tt.method, tt.url, got, tt.want)
		}
	}
}

func TestACMEValidate(t *testing.T) {
	for want, change := range map[string]func(o *ServerOptions){
		`two certificate sources are named "le"`:        func(o *ServerOptions) { o.CertSources = []certs.Source{{Name: "le"}} },
		"an authority has no name":                      func(o *ServerOptions) { o.ACME[0].Name = "" },
		"domains: *.a.test: certificates for all names": func(o *ServerOptions) { o.ACME[0].Domains = []string{"*.a.test"} },
		`domains: "a b" is not the name of a host`:      func(o *ServerOptions) { o.ACME[0].Domains = []string{"a b"} },
		`allow: "a*" is neither`:                        func(o *ServerOptions) { o.ACME[0].Allow = []string{"*.ok.test", "a*"} },
		"listener without TLS that speaks HTTP, and there is none": func(o *ServerOptions) {
			o.ACME[0].HTTP, o.Listeners = true, o.Listeners[:1]
		},
		`acme "le": no listener has TLS, so nobody would see its certificates: give one certificates = "le"`: func(o *ServerOptions) {
			o.ACME[0].DNS, o.Listeners = true, o.Listeners[1:]
		},
		"with TLS that speaks HTTPS or TCP, and there is none by the name web": func(o *ServerOptions) { o.ACME[0].Entrypoint = "web" },
		`there is no certificate resolver "el"; did you mean le?`:              func(o *ServerOptions) { o.Listeners[0].CertResolver = "el" },
		`there is no certificate source "el"; did you mean le?`:                func(o *ServerOptions) { o.Listeners[0].CertSource = "el" },
	} {
		o := DefaultServerOptions()
		o.Listeners = []listener.Listener{{Name: "tls", Address: ":1", Proto: listener.ProtoHTTPS, CertSource: "le"}, {Name: "web", Address: ":2", Proto: listener.ProtoHTTP}}
		o.ACME = []certs.ACME{{Name: "le", Client: newFakeACME(t)}}
		o.Logger = nil
		change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
