package lb

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

func TestTLSOptionsOfRouters(t *testing.T) {
	r := startTLSOptions(t, ";http3=true", []certs.TLSOptions{
		{Name: "new", Min: tls.VersionTLS13},
		{Name: "suites", Max: tls.VersionTLS12, Ciphers: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}},
		{Name: "strict", StrictSNI: true},
		{Name: "one", NextProtos: []string{"http/1.1"}},
	},
		router("clients", "Host(`clients.test`)", "clients@file"), router("new", "Host(`New.test`)", "NEW"),
		router("suites", "Host(`suites.test`)", "suites"), router("strict", "Host(`strict.test`)", "strict"),
		router("sub", "Host(`*.sub.test`)", "clients@file"), router("open", "Host(`open.sub.test`)", ""),
		router("one", "Host(`one.test`) && PathPrefix(`/x`)", "one@consul"), router("plain", "Host(`plain.test`)", "default"))
	if got := r.ask(r.client("HTTP/1.1", "clients.test", showing(r.good)), "clients.test"); got != 0 {
		t.Errorf("without authorities anybody is let in: %d", got)
	}
	if !strings.Contains(r.log.String(), "without any nobody is let in") {
		t.Errorf("the log tells nothing of it:\n%s", r.log)
	}
	if err := os.Link(filepath.Join(filepath.Dir(r.ca), "known.pem"), r.ca); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the authorities are read", func() bool {
		return r.ask(r.client("HTTP/1.1", "clients.test", showing(r.good)), "clients.test") == 200
	})
	for _, tt := range []struct {
		host   string
		change func(*tls.Config)
		status int
	}{
		{"clients.test", nil, 0},
		{"clients.test", showing(r.bad), 0},
		{"clients.test", showing(r.good), 200},
		{"CLIENTS.test", showing(), 0},
		{"a.sub.test", nil, 0},
		{"a.sub.test", showing(r.good), 200},
		{"open.sub.test", nil, 200},
		{"a.b.sub.test", nil, 404},
		{"new.test", upTo(tls.VersionTLS12), 0},
		{"new.test", nil, 200},
		{"plain.test", upTo(tls.VersionTLS12), 200},
		{"plain.test", nil, 200},
		{"unknown.test", nil, 404},
		{"suites.test", nil, 200},
		{"suites.test", func(c *tls.Config) { c.CipherSuites = tlsconf.DefaultCiphers[:1] }, 0},
		{"strict.test", nil, 0}, // whose certificate is not there
	} {
		for _, protocol := range tlsWires {
			want := tt.status
			if protocol == "HTTP/3.0" && (tt.host == "suites.test" || tt.host == "plain.test" && tt.change != nil) {
				want = 0 // there is none over TLS 1.2
			}
			if got := r.ask(r.client(protocol, tt.host, tt.change), tt.host); got != want {
				t.Errorf("%s over %s: %d, want %d", tt.host, protocol, got, want)
			}
		}
	}
	conn, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true, ServerName: "one.test", NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("protocol %q was agreed on", got)
	}
	if len(r.Table().Problems()) > 0 {
		t.Errorf("problems %v", r.Table().Problems())
	}
}

// A connection is for hosts with the options it was opened by, RFC 9110 §15.5.20,
// and a client cannot take its session to a host where more is asked of it.
func TestRequestsForHostsWithOtherTLSOptions(t *testing.T) {
	r := startTLSOptions(t, ";http3=true", []certs.TLSOptions{{Name: "new", Min: tls.VersionTLS13}, {Name: "any", ClientAuth: "RequireAnyClientCert"}},
		router("any", "Host(`any.test`)", "any@file"), router("new", "Host(`new.test`) || Host(`next.test`)", "new"),
		router("plain", "Host(`plain.test`)", ""), []string{"urlprefix-fabio.test/", "urlprefix-any.test/fabio"})
	for _, protocol := range tlsWires {
		for _, tt := range []struct {
			name, host string
			status     int
		}{
			{"plain.test", "plain.test", 200},
			{"plain.test", "fabio.test", 200},
			{"plain.test", "any.test", 421},
			{"plain.test", "Any.Test.", 421},
			{"plain.test", "new.test", 421},
			{"", "any.test", 421},
			{"", "plain.test", 200},
			{"new.test", "next.test:443", 200},
			{"new.test", "plain.test", 421},
			{"new.test", "any.test", 421},
			{"any.test", "any.test", 200},
			{"any.test", "fabio.test", 421},
		} {
			c := r.client(protocol, tt.name, showing(r.bad))
			for range 2 { // the second time on the same connection
				if got := r.ask(c, tt.host); got != tt.status {
					t.Errorf("%s: TLS for %q, host %q: %d, want %d", protocol, tt.name, tt.host, got, tt.status)
				}
			}
		}
	}
	cache := oneSession{tls.NewLRUClientSessionCache(1)}
	session := func(name string, certificates ...tls.Certificate) (resumed bool, err error) {
		conn, err := tls.Dial("tcp", r.addr, &tls.Config{
			InsecureSkipVerify: true, ServerName: name, ClientSessionCache: cache, Certificates: certificates, NextProtos: []string{"http/1.1"},
		})
		if err != nil {
			return false, err
		}
		defer conn.Close()
		// The ticket comes behind the handshake.
		if _, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n"); err == nil {
			_, err = io.ReadAll(conn)
		}
		return conn.ConnectionState().DidResume, err
	}
	for _, tt := range []struct {
		name    string
		resumes bool
	}{{"plain.test", false}, {"plain.test", true}, {"new.test", false}, {"next.test", true}, {"plain.test", false}, {"any.test", false}, {"any.test", true}, {"new.test", false}} {
		if resumed, err := session(tt.name, r.bad); err != nil || resumed != tt.resumes {
			t.Errorf("%s: resumed %v, want %v (%v)", tt.name, resumed, tt.resumes, err)
		}
	}
}

// oneSession offers a server the last session, whatever name that was for.
type oneSession struct{ tls.ClientSessionCache }

func (o oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.ClientSessionCache.Get("") }
func (o oneSession) Put(_ string, s *tls.ClientSessionState)    { o.ClientSessionCache.Put("", s) }

// Options that come into force close the door to connections that were opened
// before.
func TestTLSOptionsThatComeLater(t *testing.T) {
	r := startTLSOptions(t, ";http3=true", []certs.TLSOptions{{Name: "any", ClientAuth: "RequireAnyClientCert"}}, router("a", "Host(`a.test`)", ""))
	for _, protocol := range tlsWires {
		r.register(r.source, httpBackend(t, echo), router("a", "Host(`a.test`)", ""))
		early := r.client(protocol, "a.test", nil)
		eventually(t, "everybody is let in", func() bool { return r.ask(early, "a.test") == 200 })
		r.register(r.source, httpBackend(t, echo), router("a", "Host(`a.test`)", "any"))
		eventually(t, "the connection is good no more", func() bool { return r.ask(early, "a.test") == 421 })
		if got := r.ask(r.client(protocol, "a.test", showing(r.bad)), "a.test"); got != 200 {
			t.Errorf("%s: a client with a certificate: %d", protocol, got)
		}
	}
}

func TestTLSOptionsInDispute(t *testing.T) {
	r := startTLSOptions(t, ";name=websecure", []certs.TLSOptions{{Name: "new", Min: tls.VersionTLS13}},
		router("one", "Host(`a.test`) && Path(`/x`)", "new@file"), router("two", "Host(`a.test`) && Path(`/y`)", "clients@file"),
		router("three", "Host(`b.test`)", "new@file"), router("four", "Host(`b.test`) && Path(`/y`)", ""),
		router("five", "HostRegexp(`c[.]test`)", "new@file"), router("six", "Host(`d.test`)", "typo@file"),
		append(router("seven", "Host(`e.test`)", "new@file"), "traefik.http.routers.seven.middlewares=none"))
	for host, status := range map[string]int{"a.test": 200, "b.test": 200, "c.test": 200, "d.test": 0, "e.test": 0} {
		if got := r.ask(r.client("HTTP/1.1", host, upTo(tls.VersionTLS12)), host); got != status {
			t.Errorf("%s: %d, want %d", host, got, status)
		}
	}
	for _, text := range []string{
		"route two of service b asks for other TLS options for host a.test",
		"route one of service a asks for other TLS options for host a.test",
		"route four of service d asks for other TLS options for host b.test",
		"TLS options new@file have no effect",
		"there are no TLS options typo@file",
	} {
		if !r.hasProblem(text) {
			t.Errorf("no problem tells: %s\n%v", text, r.Table().Problems())
		}
	}
	r.register(r.source, httpBackend(t, echo), router("one", "Host(`a.test`)", "new@file"))
	eventually(t, "those who are left agree", func() bool {
		return r.ask(r.client("HTTP/1.1", "a.test", upTo(tls.VersionTLS12)), "a.test") == 0
	})
	if r.hasProblem("a.test") {
		t.Errorf("problems %v", r.Table().Problems())
	}
	r.register(r.source, httpBackend(t, echo), router("plain", "Host(`z.test`)", ""))
	eventually(t, "nobody asks for options", func() bool { return len(r.Table().tls) == 0 })
}

// The default options go before the listener's own settings, one by one.
func TestDefaultTLSOptions(t *testing.T) {
	r := startTLSOptions(t, ";tlsmax=tls12", []certs.TLSOptions{
		{Name: "default", ClientAuth: "RequireAnyClientCert"}, {Name: "open", ClientAuth: "NoClientCert"}, {Name: "new", Max: tls.VersionTLS13},
	}, router("a", "Host(`a.test`)", ""), router("open", "Host(`open.test`)", "open"), router("new", "Host(`new.test`)", "new"))
	version := func(name string, change func(*tls.Config)) uint16 {
		conn, err := tls.Dial("tcp", r.addr, r.client("HTTP/1.1", name, change).Transport.(*http.Transport).TLSClientConfig)
		if err != nil {
			return 0
		}
		defer conn.Close()
		return conn.ConnectionState().Version
	}
	for name, want := range map[string][2]uint16{
		"a.test": {0, tls.VersionTLS12}, "open.test": {tls.VersionTLS12, tls.VersionTLS12}, "new.test": {tls.VersionTLS13, tls.VersionTLS13},
	} {
		if got := [2]uint16{version(name, nil), version(name, showing(r.bad))}; got != want {
			t.Errorf("%s: versions %x without and with a certificate, want %x", name, got, want)
		}
	}
}

func TestTLSOptionsOfTCPRouters(t *testing.T) {
	for _, proto := range []string{listener.ProtoTCP, listener.ProtoHTTPSAndSNI} {
		tags := func(name, options string) []string {
			r := "traefik.tcp.routers." + name
			return []string{r + ".rule=HostSNI(`" + name + ".test`)", r + ".tls=true", r + ".tls.options=" + options}
		}
		r := startTLSOptions(t, ";proto="+proto, []certs.TLSOptions{{Name: "any", ClientAuth: "RequireAnyClientCert", NextProtos: []string{"db"}}},
			tags("any", "any@file"), tags("plain", "default"), tags("typo", "typo@file"))
		for _, tt := range []struct {
			name   string
			change func(*tls.Config)
			status int
		}{
			{"any.test", nil, 0}, {"any.test", showing(r.bad), 200}, {"plain.test", nil, 200},
		} {
			c := r.client("HTTP/1.1", tt.name, func(c *tls.Config) {
				c.NextProtos = nil
				if tt.change != nil {
					tt.change(c)
				}
			})
			if got := r.ask(c, "whatever.test"); got != tt.status {
				t.Errorf("%s, %s: %d, want %d", proto, tt.name, got, tt.status)
			}
		}
		if !r.hasProblem("there are no TLS options typo@file") {
			t.Errorf("%s: problems %v", proto, r.Table().Problems())
		}
		conn, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true, ServerName: "any.test", NextProtos: []string{"db"}, Certificates: []tls.Certificate{r.bad}})
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != "db" {
			t.Errorf("%s: protocol %q was agreed on", proto, got)
		}
		conn.Close()
	}
}

func TestTLSOptionsThatMakeNoSense(t *testing.T) {
	for want, options := range map[string][]certs.TLSOptions{
		`named ""`:             {{}},
		`named "a@file"`:       {{Name: "a@file"}},
		`two TLS options`:      {{Name: "a"}, {Name: "A"}},
		`none of NoClientCert`: {{Name: "a", ClientAuth: "perhaps"}},
		`needs the files`:      {{Name: "a", ClientAuth: "VerifyClientCertIfGiven"}},
		`is newer than`:        {{Name: "a", Max: tls.VersionTLS12}},
		`no TLS options b`:     {{Name: "a"}},
	} {
		o := DefaultServerOptions()
		proxied("cert=x.pem;tlsmin=tls13;tlsoptions=b")(&o)
		o.Table.TLSOptions = options
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", options, err, want)
		}
	}
}

func TestTLSOptionsAllocateNothing(t *testing.T) {
	r := startTLSOptions(t, "", nil, router("a", "Host(`a.test`)", ""))
	hello := &tls.ClientHelloInfo{ServerName: "a.test"}
	choose := r.entries[0].tls.GetConfigForClient
	count := func() float64 {
		return testing.AllocsPerRun(100, func() {
			if _, err := choose(hello); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		})
	}
	if n := count(); n != 0 {
		t.Errorf("%v allocations without options", n)
	}
	r.register(r.source, httpBackend(t, echo), router("a", "Host(`a.test`)", ""), router("b", "Host(`*.test`)", "clients"))
	eventually(t, "there are options", func() bool { return r.Table().tlsOptions("", "b.test") != "" })
	if n := count(); n != 0 {
		t.Errorf("%v allocations with options of other hosts", n)
	}
}

// A listener may name the options that count on it unless a route asks for
// others; those stand over what the listener says, not over its options.
func TestTLSOptionsOfListeners(t *testing.T) {
	r := startTLSOptions(t, ";name=websecure;tlsoptions=Guarded@file", []certs.TLSOptions{
		{Name: "guarded", ClientAuth: "RequireAnyClientCert"}, {Name: "default", Max: tls.VersionTLS12}, {Name: "open", Min: tls.VersionTLS13},
	}, router("plain", "Host(`plain.test`)", ""), router("same", "Host(`plain.test`) && Path(`/y`)", "guarded"),
		router("open", "Host(`open.test`)", "open"), []string{"urlprefix-fabio.test/"})
	for _, tt := range []struct {
		name, host string
		change     func(*tls.Config)
		status     int
	}{
		{"plain.test", "plain.test", nil, 0},
		{"plain.test", "plain.test", showing(r.bad), 200},
		{"plain.test", "fabio.test", showing(r.bad), 200},
		{"fabio.test", "fabio.test", nil, 0},
		{"unknown.test", "unknown.test", nil, 0},
		{"open.test", "open.test", nil, 200},
		{"open.test", "open.test", upTo(tls.VersionTLS12), 0},
		{"open.test", "plain.test", nil, 421},
	} {
		if got := r.ask(r.client("HTTP/1.1", tt.name, tt.change), tt.host); got != tt.status {
			t.Errorf("TLS for %s, host %s: %d, want %d", tt.name, tt.host, got, tt.status)
		}
	}
	if problems := r.Table().Problems(); len(problems) > 0 {
		t.Errorf("who asks for what the listener has is in no dispute: %v", problems)
	}
}
