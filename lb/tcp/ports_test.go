package tcp

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// free is a port nobody listens on.
func free(t *testing.T) uint16 {
	t.Helper()
	l := listen(t)
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String()).Port()
}

func TestPorts(t *testing.T) {
	p := NewPorts("127.0.0.1")
	one, two := free(t), free(t)
	taken := netip.MustParseAddrPort(listen(t).Addr().String()).Port()
	dial := func(port uint16) error {
		nc, err := net.Dial("tcp", netip.AddrPortFrom(addr("127.0.0.1"), port).String())
		if err != nil {
			return err
		}
		defer nc.Close()
		accepted, err := p.Accept()
		if err != nil {
			return err
		}
		return accepted.Close()
	}
	if errs := p.Set(map[uint16]bool{one: true, taken: true}); len(errs) != 1 || errs[taken] == nil {
		t.Errorf("%v, want an error for port %d", errs, taken)
	}
	if err := dial(one); err != nil {
		t.Error(err)
	}
	p.Set(map[uint16]bool{two: true})
	if open := p.Open(); !open[two] || len(open) != 1 {
		t.Errorf("%v is open, want %d", open, two)
	}
	if err := dial(two); err != nil {
		t.Error(err)
	}
	if dial(one) == nil {
		t.Error("a port that is not wanted any more is open")
	}
	// One that nobody accepts does not keep the port from closing.
	waiting, err := net.Dial("tcp", netip.AddrPortFrom(addr("127.0.0.1"), two).String())
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := p.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want closed", err)
	}
	if p.Set(map[uint16]bool{one: true}); len(p.Open()) > 0 {
		t.Error("a port was opened behind the end")
	}
}
