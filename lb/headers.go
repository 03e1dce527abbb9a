package lb

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// Fields by which proxies tell of the client. The rest of the world may invent
// them, so from peers that are not trusted they are dropped.
var forwarding = []string{
	"Forwarded", "X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
	"X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Uri", "X-Forwarded-Method",
	"X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info",
}

// dropConnectionFields takes out what concerns the connection the message came
// over, the known fields and those the peer nominated, and what is made anew.
func dropConnectionFields(h *Header) {
	var nominated []string
	for name := range h.Tokens("Connection") {
		if h1.IsEndToEnd(name) {
			nominated = append(nominated, name)
		}
	}
	h.DelFunc(func(name string) bool { return !h1.IsEndToEnd(name) || hasName(nominated, name) })
}

// upgradeAsked returns the protocol the client wants to change to, if it is one
// that may be passed on. Others, h2c above all, would carry requests past the
// routing.
func upgradeAsked(x *Exchange) (protocol string) {
	if x.Protocol != "HTTP/1.1" || !x.Header.HasToken("Connection", "Upgrade") {
		return ""
	}
	if asked := x.Header.Get("Upgrade"); h1.EqualNames(asked, "websocket") {
		return asked
	}
	return ""
}

// dropForged takes out what the peer has no right to tell of clients. It comes
// first: no rule may go by it either.
func (s *Server) dropForged(x *Exchange) {
	dropped := s.untrusted
	if x.trusted = s.trusts(x.Remote.Addr().Unmap()); x.trusted {
		dropped = s.ownFields
	}
	if len(dropped) > 0 {
		// A name spelled with underscores is the same field to a CGI upstream.
		x.Header.DelFunc(func(name string) bool { return hasName(dropped, strings.ReplaceAll(name, "_", "-")) })
	}
}

// setForwarding tells the upstream about the client. It comes after
// dropConnectionFields, so that a client cannot have its work undone.
func (s *Server) setForwarding(x *Exchange) {
	peer, proto := x.Remote.Addr().Unmap(), ""
	h, f := &x.Header, &s.options.Forwarding
	if x.trusted {
		proto = forwardedProto(h)
	}
	client := x.client.of(x, peer, f)
	if !f.KeepForwardedFor || !h.Has("X-Forwarded-For") {
		h.Append("X-Forwarded-For", client.ip)
	}
	h.Append("Forwarded", client.forwarded)
	setMissing(h, "X-Real-Ip", client.ip)
	setMissing(h, "X-Forwarded-Proto", cmp.Or(proto, x.Scheme))
	setMissing(h, "X-Forwarded-Host", x.Authority)
	setMissing(h, "X-Forwarded-Port", client.port)
	if s.options.ServerName != "" {
		h.Set("X-Forwarded-Server", s.options.ServerName)
	}
	f.setConfigured(x, client.ip)
}

func (s *Server) trusts(peer netip.Addr) bool {
	if !peer.IsValid() {
		return s.options.TrustSockets
	}
	return slices.ContainsFunc(s.options.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// clientText is how a client is described to upstreams. It is made anew only
// when the next request comes from or for someone else.
type clientText struct {
	peer, local       netip.Addr
	scheme, authority string
	details           string

	ip, forwarded, port string
}

func (c *clientText) of(x *Exchange, peer netip.Addr, f *Forwarding) *clientText {
	local, details := x.Local.Addr(), f.details(x)
	if c.ip == "" || c.peer != peer || c.local != local || c.scheme != x.Scheme || c.authority != x.Authority || c.details != details {
		*c = clientText{
			peer: peer, local: local, scheme: x.Scheme, authority: strings.Clone(x.Authority), details: details,
			ip: clientName(peer), forwarded: f.element(x, peer) + details, port: forwardedPort(x),
		}
	}
	return c
}

// clientName is what upstreams are told of a client: its address, or that it came by a
// socket of this machine, in nginx's words.
func clientName(peer netip.Addr) string {
	if !peer.IsValid() {
		return "unix:"
	}
	return peer.String()
}

// element is this hop's of the Forwarded field (RFC 7239).
func (f *Forwarding) element(x *Exchange, peer netip.Addr) string {
	by := f.By
	if !by.IsValid() {
		by = x.Local.Addr().Unmap()
	}
	element := "for=" + node(peer) + ";by=" + node(by)
	if x.Authority != "" {
		// The authority was checked: it holds no quote and no backslash.
		element += ";host=\"" + x.Authority + "\""
	}
	return element + ";proto=" + x.Scheme
}

func node(ip netip.Addr) string {
	switch {
	case !ip.IsValid():
		return "unknown"
	case ip.Is6():
		return "\"[" + ip.WithZone("").String() + "]\""
	}
	return ip.String()
}

func forwardedPort(x *Exchange) string {
	_, port, err := parseHost(x.Authority)
	switch {
	case err == nil && port != 0:
		return strconv.Itoa(int(port))
	case x.Scheme == "https":
		return "443"
	}
	return "80"
}

func setMissing(h *Header, name, value string) {
	if value != "" && h.Get(name) == "" {
		h.Set(name, value)
	}
}

func hasName(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return h1.EqualNames(n, name) })
}
