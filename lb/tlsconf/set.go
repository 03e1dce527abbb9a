package tlsconf

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
)

// set finds certificates by the names they are for. It is immutable.
type set struct {
	all []*tls.Certificate
	// names is by lower-case host name, or by "*.rest". Where several are for one
	// name, as with an RSA and an ECDSA key, the client's abilities decide.
	names map[string][]*tls.Certificate
	// addresses is the same by address.
	addresses map[netip.Addr][]*tls.Certificate
}

func newSet(all []*tls.Certificate) *set {
	s := &set{all: all, names: map[string][]*tls.Certificate{}, addresses: map[netip.Addr][]*tls.Certificate{}}
	for _, c := range all {
		names := map[string]bool{strings.ToLower(c.Leaf.Subject.CommonName): true}
		for _, name := range c.Leaf.DNSNames {
			names[strings.ToLower(name)] = true
		}
		delete(names, "")
		for name := range names {
			s.names[name] = append(s.names[name], c)
		}
		for _, ip := range c.Leaf.IPAddresses {
			if address, ok := netip.AddrFromSlice(ip); ok {
				s.addresses[address.Unmap()] = append(s.addresses[address.Unmap()], c)
			}
		}
	}
	return s
}

// find returns the certificate for what the client asks for: one of that very
// name, else one with a wildcard for its first label, else one of the address it
// asks for, else, if not strict, the first there is. It returns nil if there is
// none.
func (s *set) find(hello *tls.ClientHelloInfo, strict bool) *tls.Certificate {
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if c := suited(s.names[name], hello); c != nil {
		return c
	}
	if _, parent, ok := strings.Cut(name, "."); ok {
		if c := suited(s.names["*."+parent], hello); c != nil {
			return c
		}
	}
	if c := suited(s.addresses[addressOf(name, hello.Conn)], hello); c != nil {
		return c
	}
	if strict {
		return nil
	}
	return suited(s.all[:min(1, len(s.all))], hello)
}

// addressOf is the address a client asks for: without a name, as clients that want
// an address have to do (RFC 6066 §3), that at which it has found the server. Else
// some send it as a name.
func addressOf(name string, nc net.Conn) netip.Addr {
	var address netip.Addr
	switch {
	case name != "":
		address, _ = netip.ParseAddr(name)
	case nc != nil:
		if at, err := netip.ParseAddrPort(nc.LocalAddr().String()); err == nil {
			address = at.Addr()
		}
	}
	return address.Unmap().WithZone("")
}

// suited is the first certificate the client can do with, or the first if it can
// with none: the handshake will tell it why.
func suited(certificates []*tls.Certificate, hello *tls.ClientHelloInfo) *tls.Certificate {
	if len(certificates) == 0 {
		return nil
	}
	if len(certificates) > 1 {
		for _, c := range certificates {
			if hello.SupportsCertificate(c) == nil {
				return c
			}
		}
	}
	return certificates[0]
}
