package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/proxyproto"
	"github.com/sluiceproxy/sluice/lb/target"
)

func poolOf(scheme string, addresses ...string) *target.Pool {
	var members []target.Member
	for _, address := range addresses {
		members = append(members, target.Member{Key: target.Key{Scheme: scheme, Address: address}, Weight: 1})
	}
	return target.NewRegistry(nil).Pool("db", members, target.Policy{})
}

func TestDialTriesASecondTarget(t *testing.T) {
	up := listen(t)
	gone := listen(t)
	gone.Close()
	d := Dialer{Timeout: patience}
	pool := poolOf(Scheme, gone.Addr().String(), up.Addr().String())
	for range 4 {
		to, err := d.Dial(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		if got := to.Target.Key().Address; got != up.Addr().String() {
			t.Errorf("connected to %s", got)
		}
		to.Close()
		to.Target.End(false)
	}
	failed := pool.Targets()[0].Stats()
	if failed.InFlight != 0 || failed.Failed == 0 || failed.Failed != failed.Total {
		t.Errorf("the target that is down has %+v", failed)
	}
	if _, err := d.Dial(t.Context(), poolOf(Scheme, gone.Addr().String())); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v, want refused", err)
	}
	if _, err := d.Dial(t.Context(), poolOf(Scheme)); !errors.Is(err, ErrNoTarget) {
		t.Errorf("%v, want no target", err)
	}
}

// A pool that picks by the client is told who that is.
func TestDialPicksByClient(t *testing.T) {
	a, b := listen(t), listen(t)
	pool := target.NewRegistry(nil).Pool("db", []target.Member{
		{Key: target.Key{Scheme: Scheme, Address: a.Addr().String()}, Weight: 1},
		{Key: target.Key{Scheme: Scheme, Address: b.Addr().String()}, Weight: 1},
	}, target.Policy{Method: target.Rendezvous})
	used := map[*target.Target]bool{}
	for i := range byte(50) {
		client := netip.AddrFrom4([4]byte{192, 0, 2, i})
		d := Dialer{Timeout: patience, Source: netip.AddrPortFrom(client, 1)}
		to, err := d.Dial(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		to.Close()
		to.Target.End(false)
		if want := pool.Pick(target.HashAddr(client)); to.Target != want {
			t.Errorf("%v: connected to %s, not %s", client, to.Target.Key(), want.Key())
		}
		used[to.Target] = true
	}
	if len(used) != 2 {
		t.Errorf("%d targets for 50 clients", len(used))
	}
}

func TestDialTLSBehindProxyHeader(t *testing.T) {
	l := listen(t)
	certificate := certificate(t)
	heard := make(chan proxyproto.Header, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		h, _, _ := proxyproto.ReadHeader(nc, time.Now().Add(patience))
		heard <- h
		_ = tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{certificate}}).Handshake()
	}()
	d := Dialer{
		Timeout: patience, Proxy: func(*target.Target) int { return 2 },
		Source: netip.MustParseAddrPort("192.0.2.7:1"), Bound: netip.MustParseAddrPort("192.0.2.8:2"),
	}
	// Nobody vouches for the certificate.
	_, err := d.Dial(t.Context(), poolOf(SchemeTLS, l.Addr().String()))
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("%v, want a certificate that is not trusted", err)
	}
	if h := <-heard; h.Version != 2 || h.Source != d.Source || h.Destination != d.Bound {
		t.Errorf("%+v", h)
	}
}

func TestDialGivesUp(t *testing.T) {
	l := listen(t) // accepts nobody, so that there is no handshake
	d := Dialer{Timeout: 50 * time.Millisecond}
	_, err := d.Dial(t.Context(), poolOf(SchemeTLS, l.Addr().String()))
	var timeout net.Error
	if !errors.Is(err, context.DeadlineExceeded) && (!errors.As(err, &timeout) || !timeout.Timeout()) {
		t.Errorf("%v, want a timeout", err)
	}
}
