package lb

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"context"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/proxyproto"
	"github.com/sluiceproxy/sluice/watch"
)

// passing is a running server whose table is built of a catalog.
type passing struct {
	*Server
	t       *testing.T
	catalog *catalog
	own     *Builder // the server's is the server's alone
	stop    func()
}

// pass runs a server on these listeners, without any route yet.
func pass(t *testing.T, change func(*ServerOptions), listeners ...string) *passing {
	t.Helper()
	o := DefaultServerOptions()
	for _, text := range listeners {
		l, err := ParseListener(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Listeners = append(o.Listeners, l)
	}
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	o.Timeouts.Drain = 20 * time.Second
	if change != nil {
		change(&o)
	}
	s, err := New(o, watch.New(watch.DefaultOptions()))
	if err != nil {
		t.Fatal(err)
	}
	p := &passing{Server: s, t: t, catalog: newCatalog(), own: NewBuilder(s.options.Table, s.targets)}
	empty := p.own.Build(p.catalog.snapshot())
	s.build = func(*watch.Snapshot) *Table { return empty }
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	p.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(p.stop)
	eventually(t, "the server is ready", s.Ready)
	return p
}

// set registers a service whose instances are at these addresses, and puts the
// table in force.
func (p *passing) set(service string, addresses []string, tags ...string) {
	p.t.Helper()
	var instances []watch.Instance
	for _, address := range addresses {
		i := at("127.0.0.1", tags...)
		_, port, _ := net.SplitHostPort(address)
		fmt.Sscan(port, &i.Service.Port)
		instances = append(instances, i)
	}
	p.catalog.set(service, instances...)
	p.put(p.own.Build(p.catalog.snapshot()))
	for _, problem := range p.table.Load().Problems() {
		p.t.Log(problem.Error())
	}
}

func (p *passing) address(i int) string { return p.entries[i].address.String() }

func (p *passing) port(i int) string { return p.address(i)[strings.LastIndexByte(p.address(i), ':'):] }

func (p *passing) routeMetrics() TCPRouteMetrics {
	all := p.Metrics().TCPRoutes
	if len(all) == 0 {
		return TCPRouteMetrics{}
	}
	return all[0]
}

// counting answers, at the end of what it is told, with its name and that.
func counting(name string) func(nc *net.TCPConn) {
	return func(nc *net.TCPConn) {
		said, err := io.ReadAll(nc)
		if err == nil {
			fmt.Fprintf(nc, "%s: %s", name, said)
		}
	}
}

func dialTCP(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc.(*net.TCPConn)
}

// say says something, ends its half, and returns the answer.
func say(t *testing.T, address, text string) string {
	t.Helper()
	nc := dialTCP(t, address)
	defer nc.Close()
	io.WriteString(nc, text)
	nc.CloseWrite()
	answer, err := io.ReadAll(nc)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	return string(answer)
}

// sayTLS says something over TLS to who has the name, and returns the answer.
func sayTLS(t *testing.T, address, name, text string, next ...string) string {
	t.Helper()
	nc := tls.Client(dialTCP(t, address), &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: next})
	defer nc.Close()
	if err := nc.Handshake(); err != nil {
		return "closed"
	}
	io.WriteString(nc, text)
	nc.CloseWrite()
	answer, _ := io.ReadAll(nc)
	return string(answer)
}

// tlsBackend is counting over TLS.
func tlsBackend(t *testing.T, name string) string {
	dir := t.TempDir()
	writePair(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), name)
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return lbtest.Serve(t, func(socket *net.TCPConn) {
		nc := tls.Server(socket, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "imap", "http/1.1"}})
		if said, err := io.ReadAll(nc); err == nil {
			fmt.Fprintf(nc, "%s: %s", name, said)
			nc.CloseWrite()
		}
	})
}

func pairFiles(t *testing.T, names string) string {
	dir := t.TempDir()
	writePair(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), names)
	return ";cert=" + filepath.Join(dir, "cert.pem") + ";key=" + filepath.Join(dir, "key.pem")
}

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

func TestSNI(t *testing.T) {
	p := pass(t, func(o *ServerOptions) { o.Timeouts.Header = 300 * time.Millisecond }, "127.0.0.1:0;proto=tcp+sni")
	p.set("a", []string{tlsBackend(t, "a.test")}, "urlprefix-A.test/ proto=tcp")
	p.set("wild", []string{tlsBackend(t, "wild.test")}, "urlprefix-*.wild.test proto=tcp")
	for name, want := range map[string]string{
		"a.test": "a.test: x", "A.TEST": "a.test: x", "b.wild.test": "wild.test: x", "c.b.wild.test": "wild.test: x",
		"b.test": "closed", "": "closed",
	} {
		if got := sayTLS(t, p.address(0), name, "x"); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x40\x00\x01\x10\x00\x00" + strings.Repeat("\x00", 20<<10), "\x16\x03\x01"} {
		if got := say(t, p.address(0), text); got != "" {
			t.Errorf("%.20q was answered", text)
		}
	}
	slow := dialTCP(t, p.address(0))
	io.WriteString(slow, "\x16\x03")
	if _, err := slow.Read(make([]byte, 1)); err == nil || errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("%v: a slow hello must be closed", err)
	}
	eventually(t, "they are counted", func() bool {
		m := p.entries[0].metrics()
		return m.RefusedConnections[refusedByHello] == 3 && m.RefusedConnections[RefusedByNoRoute] == 3 && m.Connections == 0
	})
}

// fragmenting writes every record's content in records of a few bytes.
type fragmenting struct{ *net.TCPConn }

func (f fragmenting) Write(p []byte) (int, error) {
	if p[0] != 22 {
		return f.TCPConn.Write(p)
	}
	for part := range slices.Chunk(p[5:], 50) {
		if _, err := f.TCPConn.Write(append([]byte{22, 3, 1, 0, byte(len(part))}, part...)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func TestLargeHelloInPieces(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp+sni")
	p.set("a", []string{tlsBackend(t, "a.test")}, "urlprefix-a.test/ proto=tcp")
	protocols := []string{"h2"}
	for range 60 {
		protocols = append(protocols, strings.Repeat("x", 100))
	}
	nc := tls.Client(fragmenting{dialTCP(t, p.address(0))}, &tls.Config{
		InsecureSkipVerify: true, ServerName: "a.test", NextProtos: protocols,
	})
	if err := nc.Handshake(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(nc, "x")
	nc.CloseWrite()
	if got, err := io.ReadAll(nc); string(got) != "a.test: x" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestHTTPSAndSNI(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;name=websecure;proto=https+tcp+sni;pxyproto=true;maxconnperip=9"+pairFiles(t, "web.test"))
	web := httpBackend(t, echo)
	p.set("pass", []string{tlsBackend(t, "pass.test")}, "urlprefix-pass.test/ proto=tcp")
	p.set("web", []string{web}, "urlprefix-web.test/")
	get := func(name, next string) string {
		transport := &http.Transport{ForceAttemptHTTP2: next == "h2", DialTLSContext: func(_ context.Context, network, _ string) (net.Conn, error) {
			nc, err := net.Dial(network, p.address(0))
			if err != nil {
				return nil, err
			}
			io.WriteString(nc, proxyHeader(t, 2))
			return tls.Client(nc, &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: []string{next}}), nil
		}}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("https://" + name + "/x")
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.Proto + " " + string(body)
	}
	for next, protocol := range map[string]string{"http/1.1": "HTTP/1.1", "h2": "HTTP/2.0"} {
		got := get("web.test", next)
		if !strings.HasPrefix(got, protocol+" GET /x") || !strings.Contains(got, "X-Forwarded-For: 192.0.2.7\n") {
			t.Errorf("%s: %s", next, got)
		}
	}
	if got := sayTLS(t, p.address(0), "pass.test", "x"); got != "pass.test: x" {
		t.Errorf("passed through: %q", got)
	}
	// Of Traefik's, routers of requests that name the host go first.
	p.set("tcp", []string{tlsBackend(t, "tcp.test")},
		"traefik.tcp.routers.t.rule=HostSNI(`tcp.test`) || HostSNI(`both.test`)", "traefik.tcp.routers.t.tls.passthrough=true",
		"traefik.tcp.routers.all.rule=HostSNI(`*`)", "traefik.tcp.routers.all.tls.passthrough=true")
	p.set("both", []string{web}, "traefik.http.routers.b.rule=Host(`both.test`)", "traefik.http.routers.b.tls=true")
	for name, want := range map[string]string{"tcp.test": "tcp.test: x", "other.test": "tcp.test: x", "pass.test": "pass.test: x"} {
		if got := sayTLS(t, p.address(0), name, "x"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := get("both.test", "h2"); !strings.HasPrefix(got, "HTTP/2.0 GET /x") {
		t.Errorf("both.test: %s", got)
	}
	eventually(t, "all connections are counted off", func() bool { return p.entries[0].metrics().Connections == 0 })
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
	p := pass(t, func(o *ServerOptions) { o.Timeouts.Header = 100 * time.Millisecond }, "127.0.0.1:0;proto=tcp;name=in")
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

// The read timeout of a listener, without one for idle connections, is for
// silence.
func TestSilentConnection(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp;rt=100ms")
	p.set("db", []string{lbtest.Serve(t, func(nc *net.TCPConn) { io.Copy(nc, nc) })}, "urlprefix-"+p.port(0)+" proto=tcp")
	if _, err := dialTCP(t, p.address(0)).Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the end", err)
	}
}

func TestDepartedTarget(t *testing.T) {
	p := pass(t, func(o *ServerOptions) { o.Timeouts.Departed = 300 * time.Millisecond }, "127.0.0.1:0;proto=tcp")
	echoing := func(nc *net.TCPConn) { io.Copy(nc, nc) }
	one, two, tag := lbtest.Serve(t, echoing), lbtest.Serve(t, echoing), "urlprefix-"+p.port(0)+" proto=tcp"
	p.set("db", []string{one}, tag)
	nc := dialTCP(t, p.address(0))
	ping := func() error {
		if _, err := io.WriteString(nc, "x"); err != nil {
			return err
		}
		_, err := nc.Read(make([]byte, 1))
		return err
	}
	if err := ping(); err != nil {
		t.Fatal(err)
	}
	// It comes back in time, then it goes for good.
	p.set("db", []string{two}, tag)
	p.set("db", []string{one, two}, tag)
	time.Sleep(400 * time.Millisecond)
	if err := ping(); err != nil {
		t.Fatalf("%v: the target was there again", err)
	}
	p.set("db", []string{two}, tag)
	if err := ping(); err != nil {
		t.Fatalf("%v: there is a grace", err)
	}
	if _, err := nc.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("%v: the connection to a target that is gone must be cut", err)
	}
	eventually(t, "it counts as failed", func() bool { m := p.routeMetrics(); return m.Failures == 1 && m.Open == 0 })
}

func TestDrainTCP(t *testing.T) {
	for name, drain := range map[string]time.Duration{"waits": 20 * time.Second, "cuts": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			p := pass(t, func(o *ServerOptions) { o.Timeouts.Drain = drain }, "127.0.0.1:0;proto=tcp")
			p.set("db", []string{lbtest.Serve(t, counting("db"))}, "urlprefix-"+p.port(0)+" proto=tcp")
			nc := dialTCP(t, p.address(0))
			io.WriteString(nc, "question")
			eventually(t, "it is passed on", func() bool { return p.routeMetrics().Open == 1 })
			stopped := make(chan struct{})
			go func() {
				p.stop()
				close(stopped)
			}()
			eventually(t, "it drains", p.Draining)
			want := ""
			if name == "waits" {
				nc.CloseWrite()
				want = "db: question"
			}
			if got, _ := io.ReadAll(nc); string(got) != want {
				t.Errorf("%q, want %q", got, want)
			}
			<-stopped
		})
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

// udpBackend sends each datagram back behind "echo ".
func udpBackend(t *testing.T) string {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		buffer := make([]byte, 2000)
		for {
			n, from, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			socket.WriteToUDPAddrPort(append([]byte("echo "), buffer[:n]...), from)
		}
	})
	t.Cleanup(func() {
		socket.Close()
		running.Wait()
	})
	return socket.LocalAddr().String()
}

func dialUDP(t *testing.T, address string) net.Conn {
	t.Helper()
	nc, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

// Fabio's tags give a port of datagrams to a service, and say who may use it.
func TestUDPOfFabio(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=udp", "127.0.0.1:0;proto=udp", "127.0.0.1:0;proto=udp")
	p.set("dns", []string{udpBackend(t)}, "urlprefix-"+p.port(0)+" proto=udp deny=ip:192.0.2.1",
		"urlprefix-127.0.0.1"+p.port(1)+" proto=udp deny=ip:127.0.0.1")
	nc, buffer := dialUDP(t, p.address(0)), make([]byte, 100)
	io.WriteString(nc, "x")
	if n, err := nc.Read(buffer); string(buffer[:n]) != "echo x" {
		t.Errorf("%q, %v", buffer[:n], err)
	}
	for i, reason := range map[int]string{1: refusedByAccess, 2: RefusedByNoRoute} {
		io.WriteString(dialUDP(t, p.address(i)), "x")
		eventually(t, "the client is refused", func() bool {
			return p.entries[i].metrics().RefusedConnections[reason] == 1
		})
	}
}

func TestUDP(t *testing.T) {
	backend := udpBackend(t)
	p := pass(t, nil, "127.0.0.1:0;proto=udp;name=dns;it=200ms", "127.0.0.1:0;proto=udp;name=other")
	p.set("dns", []string{backend}, "traefik.udp.routers.d.entrypoints=dns", "traefik.udp.routers.d.service=dns",
		"traefik.udp.services.dns.loadbalancer.server.port="+backend[len("127.0.0.1:"):])
	nc, buffer := dialUDP(t, p.address(0)), make([]byte, 2000)
	for range 3 {
		io.WriteString(nc, "x")
		if n, err := nc.Read(buffer); string(buffer[:n]) != "echo x" {
			t.Errorf("%q, %v", buffer[:n], err)
		}
	}
	io.WriteString(dialUDP(t, p.address(1)), "x")
	eventually(t, "all is counted", func() bool {
		m := p.routeMetrics()
		return m.Network == "udp" && m.Connections == 1 && m.Open == 0 && m.Received == 3 && m.Sent == 18 &&
			p.entries[0].metrics().Connections == 0 && p.entries[1].metrics().RefusedConnections[RefusedByNoRoute] == 1
	})
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

// A listener that passes on all TLS serves the routes of whole hosts, whatever
// protocol their tags name; one that ends TLS for other names does not.
func TestSNIOfRoutesOfRequests(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp+sni")
	p.set("a", []string{tlsBackend(t, "plain.test")}, "urlprefix-plain.test/", "urlprefix-path.test/x", "urlprefix-closed.test/ allow=ip:10.0.0.0/8")
	p.set("b", []string{tlsBackend(t, "asked.test")}, "urlprefix-asked.test/ proto=tcp", "urlprefix-asked.test/")
	for name, want := range map[string]string{
		"plain.test": "plain.test: x", "asked.test": "asked.test: x", "path.test": "closed", "closed.test": "closed",
	} {
		if got := sayTLS(t, p.address(0), name, "x"); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
