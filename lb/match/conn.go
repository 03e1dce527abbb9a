package match

import (
	"net/netip"
	"slices"
	"strconv"
)

// Conn is what is known of a connection that is routed as a whole. The server
// name it asks for is [Request.Host].
type Conn struct {
	// Local is what the client has connected to.
	Local netip.AddrPort
	// Protocols are what a TLS client can speak.
	Protocols []string
}

// Local holds for connections to a port, of any address or of Addr alone.
type Local struct {
	Addr netip.Addr
	Port uint16
}

// ALPN holds for TLS connections whose client can speak a protocol.
type ALPN struct{ Protocol string }

// Match implements [Expr].
func (e Local) Match(r *Request) bool {
	return r.Conn != nil && r.Conn.Local.Port() == e.Port &&
		(!e.Addr.IsValid() || r.Conn.Local.Addr().Unmap().WithZone("") == e.Addr)
}

// Match implements [Expr].
func (e ALPN) Match(r *Request) bool {
	return r.Conn != nil && slices.Contains(r.Conn.Protocols, e.Protocol)
}

func (e Local) String() string {
	if !e.Addr.IsValid() {
		return call("Port", strconv.Itoa(int(e.Port)))
	}
	return call("Address", netip.AddrPortFrom(e.Addr, e.Port).String())
}

func (e ALPN) String() string { return call("ALPN", e.Protocol) }
