package lb

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// hold opens a connection that says nothing.
func hold(t testing.TB, address string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

// ask sends a request and returns the status, or why there is none.
func askOn(nc net.Conn) string {
	if _, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"); err != nil {
		return err.Error()
	}
	buffer := make([]byte, 4<<10)
	n, err := nc.Read(buffer)
	if err != nil {
		return err.Error()
	}
	status, _, _ := strings.Cut(strings.TrimPrefix(string(buffer[:n]), "HTTP/1.1 "), " ")
	return status
}

func (r *rig) entrypoint() EntrypointMetrics { return r.Metrics().Entrypoints[0] }

func TestConnectionsWaitAtTheLimit(t *testing.T) {
	for name, change := range map[string]func(*ServerOptions){
		"of the server":   func(o *ServerOptions) { o.MaxConns = 2 },
		"of the listener": func(o *ServerOptions) { o.Listeners[0].MaxConns = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, change, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
			one, two, three, four := hold(t, r.addr), hold(t, r.addr), hold(t, r.addr), hold(t, r.addr)
			for i, nc := range []net.Conn{one, two} {
				if got := askOn(nc); got != "200" {
					t.Errorf("connection %d: %s", i, got)
				}
			}
			eventually(t, "the third waits", func() bool { return r.entrypoint().ConnectionWaits == 1 })
			if n := r.entrypoint().Connections; n != 2 {
				t.Errorf("%d connections are open, want 2", n)
			}
			one.Close()
			if got := askOn(three); got != "200" {
				t.Errorf("after another one ended: %s", got)
			}
			two.Close()
			if got := askOn(four); got != "200" {
				t.Errorf("after yet another one ended: %s", got)
			}
			three.Close()
			four.Close()
			eventually(t, "all are counted off", func() bool { return r.entrypoint().Connections == 0 })
		})
	}
}

func TestServerStopsWhileConnectionsWait(t *testing.T) {
	r := start(t, func(o *ServerOptions) { o.MaxConns = 1 }, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	first := hold(t, r.addr)
	if got := askOn(first); got != "200" {
		t.Fatal(got)
	}
	hold(t, r.addr)
	eventually(t, "the second waits", func() bool { return r.entrypoint().ConnectionWaits == 1 })
	r.stop()
	if r.err != nil {
		t.Error(r.err)
	}
}

func TestConnectionsOfOneClient(t *testing.T) {
	r := start(t, func(o *ServerOptions) { o.MaxConnsPerClient = 2 }, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	one, two := hold(t, r.addr), hold(t, r.addr)
	if askOn(one) != "200" || askOn(two) != "200" {
		t.Fatal("the first two were not served")
	}
	for range 3 {
		if got := askOn(hold(t, r.addr)); got == "200" {
			t.Error("one too many was served")
		}
	}
	eventually(t, "the refused are counted", func() bool { return r.entrypoint().RefusedConnections[refusedByClientLimit] == 3 })
	// Another address is another client.
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	other, err := dialer.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if got := askOn(other); got != "200" {
		t.Errorf("another client: %s", got)
	}
	one.Close()
	eventually(t, "the client may have one more", func() bool { return askOn(hold(t, r.addr)) == "200" })
}

func TestClientKey(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:0:0:2", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		if got := clientKey(netip.MustParseAddr(row.a)) == clientKey(netip.MustParseAddr(row.b)); got != row.same {
			t.Errorf("%s and %s are one client: %v", row.a, row.b, got)
		}
	}
}

func TestClientsAreForgotten(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := newGate(l, 0, nil, 1, func() {})
	client := netip.MustParseAddr("192.0.2.1")
	for range 3 {
		if err := g.enter(client); err != nil {
			t.Fatal(err)
		}
		if g.enter(client) == nil {
			t.Error("one too many")
		}
		g.exit(client)
	}
	if len(g.clients) != 0 {
		t.Errorf("%d clients are remembered", len(g.clients))
	}
}
