package h3

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// tap is a client's socket that sees what comes, and passes on what it wants to.
type tap struct {
	*net.UDPConn
	t    testing.TB
	pass func(packet []byte) bool
}

func newTap(t testing.TB, at string, pass func([]byte) bool) *tap {
	t.Helper()
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at+":0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return &tap{socket, t, pass}
}

// ReadFrom implements [net.PacketConn]. That there is more to the socket is hidden
// by the wrapper.
func (p *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := p.UDPConn.ReadFrom(b)
		if err != nil || p.pass(b[:n]) {
			return n, from, err
		}
	}
}

func (p *tap) to(addr string) net.Addr { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)) }

// dial opens a connection over the socket.
func (p *tap) dial(ctx context.Context, addr string) (*quic.Conn, error) {
	transport := &quic.Transport{Conn: struct{ net.PacketConn }{p}}
	p.t.Cleanup(func() { transport.Close() })
	return transport.Dial(ctx, p.to(addr), clientTLS(), nil)
}

// When many whose address may be forged wait, further ones have to prove theirs
// before anything is kept of them.
func TestForgedAddresses(t *testing.T) {
	r := start(t, hello, nil)
	for waiting, retried := range map[int64]bool{0: false, unproven: true} {
		r.unproven.Store(waiting)
		var sawRetry atomic.Bool
		p := newTap(t, "127.0.0.1", func(packet []byte) bool {
			if packet[0]&0xf0 == 0xf0 { // RFC 9000 §17.2.5
				sawRetry.Store(true)
			}
			return true
		})
		qc, err := p.dial(t.Context(), r.addr)
		if err != nil {
			t.Fatal(err)
		}
		w := &wire{qc, t}
		s := w.open(usualHead("GET"))
		_ = s.Close()
		if got := answer(s); got != "200" {
			t.Errorf("%d wait: %s", waiting, got)
		}
		if sawRetry.Load() != retried {
			t.Errorf("%d wait: had to come again: %v", waiting, sawRetry.Load())
		}
		lbtest.Eventually(t, "it waits no more", func() bool { return r.unproven.Load() == waiting })
		_ = qc.CloseWithError(0, "")
	}
	r.unproven.Store(0)
}

// A client that has gone to another address is known by that from its next request
// on, and let out by the one it came in with.
func TestMigration(t *testing.T) {
	entered, left := make(chan netip.AddrPort, 1), make(chan netip.AddrPort, 1)
	r := start(t, func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		_, _ = io.WriteString(w, host)
	}, func(o *Options) {
		o.Enter = func(client netip.AddrPort) error { entered <- client; return nil }
		o.Exit = func(client netip.AddrPort) { left <- client }
	})
	first := &quic.Transport{Conn: newTap(t, "127.0.0.1", nil).UDPConn}
	defer first.Close()
	other := &quic.Transport{Conn: newTap(t, "127.0.0.2", nil).UDPConn}
	defer other.Close()
	qc, err := first.Dial(t.Context(), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(r.addr)), clientTLS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{qc, t}
	asked := func() string {
		s := w.open(usualHead("GET"))
		_ = s.Close()
		if got := answer(s); got != "200" {
			t.Fatal(got)
		}
		text, err := io.ReadAll(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(text[2:]) // behind the head of the frame
	}
	if got := asked(); got != "127.0.0.1" {
		t.Errorf("at first %q", got)
	}
	path, err := w.AddPath(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := path.Switch(); err != nil {
		t.Fatal(err)
	}
	lbtest.Eventually(t, "the other address is seen", func() bool { return asked() == "127.0.0.2" })
	_ = w.CloseWithError(0, "")
	if came, went := <-entered, <-left; came != went || came.Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("came in from %v, went out from %v", came, went)
	}
}
