package lb

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/proxyproto"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/transport"
)

// mutualTCPBackend has a certificate for inner.test of its own authority, and asks for
// that of a client; both are in dir as in [mutualBackend]. It answers with the version
// of the PROXY header it is sent, or that of TLS.
func mutualTCPBackend(t *testing.T, dir string, hasHeader bool) string {
	path := func(name string) string { return filepath.Join(dir, name) }
	pair, err := tls.LoadX509KeyPair(path("server.pem"), path("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := tls.LoadX509KeyPair(path("client.pem"), path("client.key"))
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	c.ClientCAs.AddCert(known.Leaf)
	return lbtest.Serve(t, func(nc *net.TCPConn) {
		version := byte(0)
		if hasHeader {
			h, _, err := proxyproto.ReadHeader(nc, time.Now().Add(20*time.Second))
			if err != nil {
				return
			}
			version = byte(h.Version)
		}
		secure := tls.Server(nc, c)
		if said, err := io.ReadAll(secure); err == nil {
			fmt.Fprintf(secure, "%d %s", version, said)
			secure.CloseWrite()
		}
	})
}

func loadTransport(t *testing.T, dir string, made transport.Transport, ca, client string) transport.ID {
	t.Helper()
	pem := func(name string) string { return filepath.Join(dir, name+".pem") }
	if err := made.ReadFiles([]string{pem(ca)}, []string{pem(client)}, []string{filepath.Join(dir, client+".key")}); err != nil {
		t.Fatal(err)
	}
	return made.ID()
}

// Servers of connections are connected to as the transport says that tags name, or
// that is for all of them.
func TestTransportsOfConnections(t *testing.T) {
	dir := t.TempDir()
	writePair(t, filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"), "inner.test")
	writePair(t, filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key"), "lb.test")
	good := loadTransport(t, dir, transport.Transport{ServerName: "inner.test"}, "server", "client")
	known := tags.Transports{
		"inner":     good,
		"header":    loadTransport(t, dir, transport.Transport{ServerName: "inner.test", Conns: transport.Conns{ProxyProtocol: 1, KeepAlive: -1, Dial: time.Minute}}, "server", "client"),
		"othername": loadTransport(t, dir, transport.Transport{ServerName: "x.test"}, "server", "client"),
		"uri":       loadTransport(t, dir, transport.Transport{SkipVerify: true, PeerURI: "urn:x"}, "server", "client"),
	}
	p := pass(t, func(o *ServerOptions) { o.Table.Tags.TCPTransports = known }, "127.0.0.1:0;proto=tcp")
	plain, header := mutualTCPBackend(t, dir, false), mutualTCPBackend(t, dir, true)
	for _, tt := range []struct{ name, backend, want string }{
		{"inner", plain, "0 x"}, {"Inner@file", plain, "0 x"}, {"header", header, "1 x"},
		{"othername", plain, ""}, {"uri", plain, ""}, {"nowhere", plain, ""}, {"", plain, ""},
	} {
		service := "traefik.tcp.services.r.loadbalancer."
		p.set("db", []string{tt.backend}, "traefik.tcp.routers.r.rule=HostSNI(`*`)", service+"server.tls=true",
			service+"serverstransport="+tt.name, service+"proxyprotocol.version=2")
		if tt.name == "" {
			p.set("db", []string{tt.backend}, "traefik.tcp.routers.r.rule=HostSNI(`*`)", service+"server.tls=true")
		}
		if got := say(t, p.address(0), "x"); got != tt.want {
			t.Errorf("by %q: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What nobody says more of is connected to as the default says; stanzas have a server
// name of their own as well.
func TestDefaultTransportOfConnections(t *testing.T) {
	dir := t.TempDir()
	writePair(t, filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"), "inner.test")
	writePair(t, filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key"), "lb.test")
	backend := mutualTCPBackend(t, dir, false)
	good := loadTransport(t, dir, transport.Transport{ServerName: "inner.test"}, "server", "client")
	p := pass(t, func(o *ServerOptions) { o.Table.Tags.DefaultTransports.TCP = good }, "127.0.0.1:0;proto=tcp")
	p.set("db", []string{backend}, "traefik.tcp.routers.r.rule=HostSNI(`*`)", "traefik.tcp.services.r.loadbalancer.server.tls=true")
	if got := say(t, p.address(0), "x"); got != "0 x" {
		t.Errorf("%q by the default", got)
	}
	secure := tlsBackend(t, "named.test")
	for _, reach := range []tags.Reach{{SkipVerify: true}, {}, {Transport: transport.Transport{SkipVerify: true}.ID()}} {
		static := tags.Static{Streams: []tags.StaticStream{{Name: "s", StreamServers: tags.StreamServers{Targets: []string{secure}, TargetTLS: true, Reach: reach}}}}
		p := pass(t, func(o *ServerOptions) {
			var err error
			if o.Table.Static, o.Table.Tags.StaticPools, err = static.Definition(nil); err != nil {
				t.Fatal(err)
			}
		}, "127.0.0.1:0;proto=tcp")
		want := ""
		if reach != (tags.Reach{}) {
			want = "named.test: x"
		}
		if got := say(t, p.address(0), "x"); got != want {
			t.Errorf("%+v: %q, want %q", reach, got, want)
		}
	}
}

// A direction of which the other one has ended is waited for no longer than the
// transport, or the older option, says.
func TestTerminationDelay(t *testing.T) {
	silent := lbtest.Serve(t, func(nc *net.TCPConn) { io.ReadAll(nc); <-t.Context().Done() })
	p := pass(t, func(o *ServerOptions) {
		o.Table.Tags.TCPTransports = tags.Transports{"brief": transport.Transport{Conns: transport.Conns{Termination: 10 * time.Millisecond}}.ID()}
	}, "127.0.0.1:0;proto=tcp")
	for _, option := range []string{"serverstransport=brief", "terminationdelay=10"} {
		p.set("db", []string{silent}, "traefik.tcp.routers.r.rule=HostSNI(`*`)", "traefik.tcp.services.r.loadbalancer."+option)
		if got := say(t, p.address(0), "x"); got != "" { // within the deadline of say
			t.Errorf("%s: %q", option, got)
		}
	}
}
