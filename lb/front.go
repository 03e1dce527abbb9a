package lb

import (
	"io"
	"net"
	"net/netip"

	"github.com/sluiceproxy/sluice/lb/tcp"
)

// front is a connection about which more is known than its socket tells: who is
// at the other end of the proxy before it, and bytes that were read already.
type front struct {
	tcp.Conn               // the socket
	pending       []byte   // not read by anybody yet
	remote, local net.Addr // nil: the socket's
}

// Read implements [net.Conn].
func (f *front) Read(p []byte) (int, error) {
	if len(f.pending) == 0 || len(p) == 0 {
		return f.Conn.Read(p)
	}
	n := copy(p, f.pending)
	f.pending = f.pending[n:]
	return n, nil
}

// WriteTo implements [io.WriterTo], as the socket does.
func (f *front) WriteTo(w io.Writer) (n int64, err error) {
	if len(f.pending) > 0 {
		m, err := w.Write(f.pending)
		f.pending = f.pending[m:]
		if n = int64(m); err != nil {
			return n, err
		}
	}
	m, err := io.Copy(w, f.Conn)
	return n + m, err
}

// NetConn is the socket.
func (f *front) NetConn() net.Conn { return f.Conn }

// RemoteAddr implements [net.Conn].
func (f *front) RemoteAddr() net.Addr {
	if f.remote != nil {
		return f.remote
	}
	return f.Conn.RemoteAddr()
}

// LocalAddr implements [net.Conn].
func (f *front) LocalAddr() net.Addr {
	if f.local != nil {
		return f.local
	}
	return f.Conn.LocalAddr()
}

func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort()
	case *net.UDPAddr:
		return a.AddrPort()
	}
	return netip.AddrPort{}
}
