package middleware

import (
	"net/netip"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestAllowList(t *testing.T) {
	list := func(ranges ...string) *spec.IPAllowList { return &spec.IPAllowList{SourceRange: ranges} }
	with := func(l *spec.IPAllowList, s spec.IPStrategy) *spec.IPAllowList {
		l.IPStrategy = &s
		return l
	}
	for name, test := range map[string]struct {
		spec      *spec.IPAllowList
		forwarded string
		status    int
	}{
		"the peer":                {list("10.0.0.0/8", "192.0.2.0/24"), "", 200},
		"a single address":        {list("192.0.2.1"), "", 200},
		"another peer":            {list("10.0.0.0/8"), "", 403},
		"no word of the client's": {list("10.0.0.0/8"), "10.0.0.1", 403},
		"own status":              {&spec.IPAllowList{SourceRange: []string{"10.0.0.1"}, RejectStatusCode: 404}, "", 404},
		"depth":                   {with(list("10.0.0.1"), spec.IPStrategy{Depth: 2}), "10.0.0.1, 10.0.0.2", 200},
		"depth too large":         {with(list("10.0.0.1"), spec.IPStrategy{Depth: 3}), "10.0.0.1, 10.0.0.2", 403},
		"no address there":        {with(list("10.0.0.1", "0.0.0.0/0"), spec.IPStrategy{Depth: 1}), "unknown", 403},
		"excluded":                {with(list("10.0.0.1"), spec.IPStrategy{ExcludedIPs: []string{"10.9.0.0/16"}}), "10.0.0.1, 10.9.0.2, 10.9.0.1", 200},
		"all excluded":            {with(list("10.0.0.0/8"), spec.IPStrategy{ExcludedIPs: []string{"10.0.0.0/8"}}), "10.0.0.1", 403},
		"any hop":                 {&spec.IPAllowList{SourceRange: []string{"10.0.0.1"}, AnyForwarded: true}, "10.0.0.1, 10.0.0.2", 200},
		"any hop, else the peer":  {&spec.IPAllowList{SourceRange: []string{"192.0.2.1"}, AnyForwarded: true}, "10.0.0.2", 200},
	} {
		var lines []string
		if test.forwarded != "" {
			lines = append(lines, "X-Forwarded-For: "+test.forwarded)
		}
		x, r := exchange(t, "GET http://h/", lines...)
		if made(t, test.spec).Serve(x, upstream(200, "")); r.status != test.status {
			t.Errorf("%s: answered %d, want %d", name, r.status, test.status)
		}
	}
}

func TestAccessRules(t *testing.T) {
	prefixes := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	allow := &spec.AccessRules{Allow: prefixes("192.0.2.0/24", "10.0.0.0/8")}
	deny := &spec.AccessRules{Deny: prefixes("10.0.0.0/8")}
	for _, test := range []struct {
		spec      *spec.AccessRules
		forwarded string
		status    int
	}{
		{allow, "", 200},
		{allow, "10.0.0.1", 200},
		{allow, "10.0.0.1, 203.0.113.1", 403},
		{allow, "nonsense", 403},
		{deny, "", 200},
		{deny, "10.0.0.1", 403},
		{deny, "nonsense", 200},
		{deny, "10.0.0.1:1234", 403},
		{deny, "::ffff:10.0.0.1", 403},
		{deny, "[::ffff:10.0.0.1]:1234", 403},
		{deny, "[::1]", 200},
		{allow, "10.0.0.1:1234, [::ffff:192.0.2.1]", 200},
		{allow, "10.0.0.1:", 403},
		{&spec.AccessRules{Deny: prefixes("192.0.2.1/32")}, "", 403},
	} {
		var lines []string
		if test.forwarded != "" {
			lines = append(lines, "X-Forwarded-For: "+test.forwarded)
		}
		x, r := exchange(t, "GET http://h/", lines...)
		if made(t, test.spec).Serve(x, upstream(200, "")); r.status != test.status {
			t.Errorf("%+v with %q: answered %d, want %d", test.spec, test.forwarded, r.status, test.status)
		}
	}
}

// Who comes by a socket has no address, and is on no list.
func TestAccessRulesWithoutAddress(t *testing.T) {
	everybody := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	for name, step := range map[string]spec.Middleware{
		"allow":       &spec.AccessRules{Allow: everybody},
		"deny":        &spec.AccessRules{Deny: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		"ipallowlist": &spec.IPAllowList{SourceRange: []string{"0.0.0.0/0", "::/0"}},
	} {
		x, r := exchange(t, "GET http://h/")
		x.Remote, x.Request.Remote = netip.AddrPort{}, netip.Addr{}
		if made(t, step).Serve(x, upstream(200, "")); r.status != 403 {
			t.Errorf("%s: answered %d", name, r.status)
		}
	}
}

// The addresses of one network of IPv6 may be one client; those of IPv4 never are.
func TestClientsOfOneNetwork(t *testing.T) {
	for _, row := range []struct {
		bits, depth       int
		peer, told, found string
	}{
		{0, 0, "2001:db8:1:2:3::4", "", "2001:db8:1:2:3::4"},
		{64, 0, "2001:db8:1:2:3::4", "", "2001:db8:1:2::"},
		{64, 0, "10.1.2.3", "", "10.1.2.3"},
		{128, 0, "2001:db8::4", "", "2001:db8::4"},
		{48, 1, "10.1.2.3", "2001:db8:1:2:3::4", "2001:db8:1::"},
		{48, 1, "10.1.2.3", "192.0.2.1", "192.0.2.1"},
	} {
		x, _ := exchange(t, "GET http://h/")
		x.Request.Remote = netip.MustParseAddr(row.peer)
		if row.told != "" {
			x.Header.Set("X-Forwarded-For", row.told+", "+row.peer)
		}
		s, err := newSource(&spec.SourceCriterion{IPStrategy: &spec.IPStrategy{Depth: row.depth, IPv6Subnet: row.bits}})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.of(x).address.String(); got != row.found {
			t.Errorf("%+v: %s", row, got)
		}
	}
}
