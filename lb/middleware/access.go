package middleware

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// ranges are networks to look an address up in.
type ranges []netip.Prefix

func parseRanges(texts []string) (ranges, error) {
	var all ranges
	for _, text := range texts {
		p, err := spec.ParseRange(text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (r ranges) contain(a netip.Addr) bool {
	return slices.ContainsFunc(r, func(p netip.Prefix) bool { return p.Contains(a) })
}

// allowList lets in who is in one of its ranges.
type allowList struct {
	ranges ranges
	client clientAddress
	status int
	any    bool
}

func newAllowList(s *spec.IPAllowList) (*allowList, error) {
	allowed, err := parseRanges(s.SourceRange)
	if err != nil {
		return nil, err
	}
	client, err := newClientAddress(s.IPStrategy)
	if err != nil {
		return nil, err
	}
	status := s.RejectStatusCode
	if status == 0 {
		status = http.StatusForbidden
	}
	return &allowList{allowed, client, status, s.AnyForwarded}, nil
}

// Serve implements [lb.Middleware].
func (l *allowList) Serve(x *lb.Exchange, next lb.Handler) {
	if !l.allows(x) {
		x.AnswerText(l.status, http.StatusText(l.status))
		return
	}
	next.Serve(x)
}

func (l *allowList) allows(x *lb.Exchange) bool {
	if l.any {
		for _, text := range forwardedFor(x) {
			if a, err := netip.ParseAddr(text); err == nil && l.ranges.contain(a.Unmap()) {
				return true
			}
		}
	}
	a, ok := l.client.of(x)
	return ok && l.ranges.contain(a)
}

// accessRules are Fabio's allow and deny.
type accessRules spec.AccessRules

// Serve implements [lb.Middleware].
func (r *accessRules) Serve(x *lb.Exchange, next lb.Handler) {
	if !r.admits(x.Request.Remote) || slices.ContainsFunc(forwardedFor(x), func(text string) bool {
		a, ok := parseHopWithPort(text)
		// An address that cannot be read is nobody's: it is on no list.
		return !ok && len(r.Allow) > 0 || ok && !r.admits(a)
	}) {
		x.AnswerText(http.StatusForbidden, "access denied")
		return
	}
	next.Serve(x)
}

// admits lets in nobody of whom no address is known: who came by a socket.
func (r *accessRules) admits(a netip.Addr) bool {
	return a.IsValid() && (len(r.Allow) == 0 || ranges(r.Allow).contain(a)) && !ranges(r.Deny).contain(a)
}

// clientAddress finds the client's address as a strategy says.
type clientAddress struct {
	depth    int
	excluded ranges
	bits     int // of an IPv6 network that counts as one client; 0 is 128
}

func newClientAddress(s *spec.IPStrategy) (clientAddress, error) {
	if s == nil {
		return clientAddress{}, nil
	}
	excluded, err := parseRanges(s.ExcludedIPs)
	if s.Depth < 0 || s.IPv6Subnet < 0 || s.IPv6Subnet > 128 {
		return clientAddress{}, errStrategy
	}
	return clientAddress{s.Depth, excluded, s.IPv6Subnet}, err
}

// of returns the client's address. It is not ok if what the strategy looks at
// is not there or no address.
func (c clientAddress) of(x *lb.Exchange) (a netip.Addr, ok bool) {
	switch {
	case c.depth > 0:
		list := forwardedFor(x)
		if len(list) < c.depth {
			return a, false
		}
		a, ok = parseHop(list[len(list)-c.depth])
	case len(c.excluded) > 0:
		for _, hop := range slices.Backward(forwardedFor(x)) {
			if a, ok = parseHop(hop); !ok || !c.excluded.contain(a) {
				break
			}
			ok = false
		}
	default:
		a, ok = x.Request.Remote, x.Request.Remote.IsValid()
	}
	if ok && c.bits > 0 && a.Is6() {
		network, _ := a.WithZone("").Prefix(c.bits)
		a = network.Addr()
	}
	return a, ok
}

func parseHop(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	return a.Unmap(), err == nil
}

// parseHopWithPort also reads addresses with a port, as some proxies write them,
// and in brackets.
func parseHopWithPort(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap(), true
	}
	return parseHop(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
}

// forwardedFor lists X-Forwarded-For without what this hop has added: the
// peer's own address, which is last.
func forwardedFor(x *lb.Exchange) []string {
	var list []string
	for hop := range x.Header.Tokens("X-Forwarded-For") {
		list = append(list, strings.TrimSpace(hop))
	}
	if len(list) > 0 {
		list = list[:len(list)-1]
	}
	return list
}

var errStrategy = errors.New("the depth must be 0 or more, the IPv6 subnet from 0 to 128 bits")
