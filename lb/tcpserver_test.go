package lb

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/proxyproto"
)

func TestTCPByPort(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp", "127.0.0.1:0;proto=tcp")
	p.set("db", []string{lbtest.Serve(t, counting("db"))}, "urlprefix-"+p.port(0)+" proto=tcp")
	if got := say(t, p.address(0), "question"); got != "db: question" {
		t.Errorf("%q: a client that ends its half must get its answer", got)
	}
	if got := say(t, p.address(1), "question"); got != "" {
		t.Errorf("%q from a port without a route", got)
	}
	eventually(t, "all is counted", func() bool {
		m, other := p.routeMetrics(), p.entries[1].metrics()
		return m.Connections == 1 && m.Open == 0 && m.Failures == 0 && m.Received == 8 && m.Sent == 12 &&
			other.RefusedConnections[RefusedByNoRoute] == 1 && other.Connections == 0 && p.entries[0].metrics().Connections == 0
	})
}

func TestTCPSecondTarget(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp")
	p.set("db", []string{lbtest.Refusing(t), lbtest.Serve(t, counting("up"))}, "urlprefix-"+p.port(0)+" proto=tcp")
	for range 4 {
		if got := say(t, p.address(0), "x"); got != "up: x" {
			t.Errorf("%q", got)
		}
	}
	p.set("db", []string{lbtest.Refusing(t)}, "urlprefix-"+p.port(0)+" proto=tcp")
	if got := say(t, p.address(0), "x"); got != "" {
		t.Errorf("%q", got)
	}
	eventually(t, "the failure is counted", func() bool { m := p.routeMetrics(); return m.Failures == 1 && m.Open == 0 })
}

func TestTLSEndsHere(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp"+pairFiles(t, "db.test"))
	p.set("db", []string{lbtest.Serve(t, counting("db"))}, "urlprefix-"+p.port(0)+" proto=tcp")
	if got := sayTLS(t, p.address(0), "any.test", "x"); got != "db: x" {
		t.Errorf("%q", got)
	}
	if got := say(t, p.address(0), "plain"); got != "" {
		t.Errorf("%q was answered without TLS", got)
	}
	p.set("mail", []string{lbtest.Serve(t, counting("mail"))},
		"traefik.tcp.routers.m.rule=HostSNI(`mail.test`) && ALPN(`imap`)", "traefik.tcp.routers.m.tls=true")
	if got := sayTLS(t, p.address(0), "mail.test", "x", "imap"); got != "mail: x" {
		t.Errorf("%q", got)
	}
	if got := sayTLS(t, p.address(0), "mail.test", "x"); got != "db: x" {
		t.Errorf("%q", got)
	}
}

// A listener for everything, as an entry point of Traefik's is.
func TestTraefikTCPEntrypoint(t *testing.T) {
	p := pass(t, func(o *ServerOptions) { o.Timeouts.Header = 2 * time.Second }, "127.0.0.1:0;proto=tcp;name=in")
	greeting := lbtest.Serve(t, func(nc *net.TCPConn) { io.WriteString(nc, "hello") })
	p.set("plain", []string{greeting}, "traefik.tcp.routers.all.rule=HostSNI(`*`)", "traefik.tcp.routers.all.entrypoints=in")
	if got, _ := io.ReadAll(dialTCP(t, p.address(0))); string(got) != "hello" {
		t.Errorf("%q: a server that speaks first must be heard", got)
	}
	p.set("crypt", []string{tlsBackend(t, "a.test")}, "traefik.tcp.routers.a.rule=HostSNI(`a.test`)", "traefik.tcp.routers.a.tls.passthrough=true")
	if got := sayTLS(t, p.address(0), "a.test", "x"); got != "a.test: x" {
		t.Errorf("%q", got)
	}
	// Now the hello of a client is waited for, but not for ever.
	if got, _ := io.ReadAll(dialTCP(t, p.address(0))); string(got) != "hello" {
		t.Errorf("%q: a client that says nothing has the route of plain connections", got)
	}
}

func TestTCPAccess(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp;name=a;pxyproto=true")
	backend := lbtest.Serve(t, counting("db"))
	p.set("db", []string{backend}, "urlprefix-"+p.port(0)+" proto=tcp allow=ip:192.0.2.0/24")
	if got := say(t, p.address(0), proxyHeader(t, 1)+"x"); got != "db: x" {
		t.Errorf("%q: the client is let in", got)
	}
	if got := say(t, p.address(0), "x"); got != "" {
		t.Errorf("%q: the client is not let in", got)
	}
	p.set("db", []string{backend},
		"traefik.tcp.routers.r.rule=HostSNI(`*`)", "traefik.tcp.routers.r.middlewares=few",
		"traefik.tcp.middlewares.few.inflightconn.amount=1")
	first := dialTCP(t, p.address(0))
	eventually(t, "the first is in", func() bool { return p.routeMetrics().Open == 1 })
	if got := say(t, p.address(0), "x"); got != "" {
		t.Errorf("%q: there is one connection already", got)
	}
	first.Close()
	eventually(t, "it is let in again", func() bool { return say(t, p.address(0), "x") == "db: x" })
	p.set("db", []string{backend},
		"traefik.tcp.routers.r.rule=HostSNI(`*`)", "traefik.tcp.routers.r.middlewares=office",
		"traefik.tcp.middlewares.office.ipallowlist.sourcerange=10.0.0.0/8")
	if got := say(t, p.address(0), "x"); got != "" {
		t.Errorf("%q: the address is on no list", got)
	}
	p.set("db", []string{backend}, "traefik.tcp.routers.r.rule=HostSNI(`*`)", "traefik.tcp.routers.r.middlewares=none")
	if got := say(t, p.address(0), "x"); got != "" {
		t.Errorf("%q: a route is not served without its middlewares", got)
	}
}

func TestProxyHeaderToTarget(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp;name=a;pxyproto=true")
	told := lbtest.Serve(t, func(nc *net.TCPConn) {
		h, _, err := proxyproto.ReadHeader(nc, time.Now().Add(20*time.Second))
		rest, _ := io.ReadAll(nc)
		fmt.Fprintf(nc, "%d %v %v %s", h.Version, h.Source.Addr(), err, rest)
	})
	for _, tags := range [][]string{
		{"urlprefix-" + p.port(0) + " proto=tcp pxyproto=true"},
		{"traefik.tcp.routers.r.rule=HostSNI(`*`)", "traefik.tcp.services.r.loadbalancer.proxyprotocol=true"},
	} {
		p.set("db", []string{told}, tags...)
		version := 1 + strings.Count(tags[0], "traefik")
		for header, client := range map[string]string{proxyHeader(t, 2): "192.0.2.7", "": "127.0.0.1"} {
			if got, want := say(t, p.address(0), header+"x"), fmt.Sprintf("%d %s <nil> x", version, client); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
}

func TestDynamicPorts(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp-dynamic;refresh=10ms", "127.0.0.1:0;proto=tcp")
	backend := lbtest.Serve(t, counting("db"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(free)
	if nc, err := net.Dial("tcp", free); err == nil {
		nc.Close()
		t.Fatal("the port is open before")
	}
	p.set("db", []string{backend}, "urlprefix-:"+port+" proto=tcp")
	isOpen := func() bool {
		nc, err := net.Dial("tcp", free)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}
	eventually(t, "the port is open", isOpen)
	if got := say(t, free, "x"); got != "db: x" {
		t.Errorf("%q", got)
	}
	// A port that a listener has is left to it.
	p.set("fixed", []string{backend}, "urlprefix-"+p.port(1)+" proto=tcp")
	if got := say(t, p.address(1), "x"); got != "db: x" {
		t.Errorf("%q", got)
	}
	p.set("db", []string{backend})
	eventually(t, "the port is closed", func() bool { return !isOpen() })
}

func TestRoutesThatNoListenerServes(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp;name=in", "127.0.0.1:0;proto=http;name=web")
	p.set("s", []string{"127.0.0.1:1"},
		"urlprefix-a.test/ proto=tcp",
		"traefik.tcp.routers.ends.rule=HostSNI(`*`)", "traefik.tcp.routers.ends.tls=true", "traefik.tcp.routers.ends.entrypoints=in",
		"traefik.tcp.routers.web.rule=HostSNI(`*`)", "traefik.tcp.routers.web.entrypoints=web",
		"traefik.udp.routers.u.service=s", "traefik.udp.services.s.loadbalancer.server.port=1",
	)
	var reasons []string
	for _, problem := range p.table.Load().Problems() {
		reasons = append(reasons, problem.Route+": "+problem.Reason)
	}
	for _, want := range []string{
		"no listener has proto=tcp+sni or proto=https+tcp+sni",
		"ends: listener in has no certificates, with which TLS could be ended",
		"web: no listener that passes on connections has one of the names web",
		"u: no listener has proto=udp",
	} {
		if !slices.ContainsFunc(reasons, func(reason string) bool { return strings.Contains(reason, want) }) {
			t.Errorf("no problem tells that %s, in\n%s", want, strings.Join(reasons, "\n"))
		}
	}
	if n := len(p.table.Load().TCPRoutes()); n != 0 {
		t.Errorf("%d routes are served", n)
	}
}
