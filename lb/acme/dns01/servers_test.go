package dns01

import (
	"net"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/dnstest"
)

const value = "the-value"

// All servers of the zone have to have a record; the zone is found by the longest
// name that has servers.
func TestCheck(t *testing.T) {
	resolver := dnstest.Start(t, "127.0.0.1", "example.test", "sub.example.test", "elsewhere.test")
	host, port, err := net.SplitHostPort(resolver.Address)
	if err != nil || host != "127.0.0.1" {
		t.Fatal(host, err)
	}
	stale := dnstest.Start(t, "127.0.0.1")
	s := newServers([]string{resolver.Address})
	s.port = port
	both := newServers([]string{resolver.Address, stale.Address})
	both.port = port
	resolver.Add(t, "_acme-challenge.deep.sub.example.test. 1 IN TXT other", "_acme-challenge.deep.sub.example.test. 1 IN TXT the-value")
	for _, c := range []struct {
		what    string
		servers servers
		options Options
		name    string
		want    string
	}{
		{"there", s, Options{}, "_acme-challenge.deep.sub.example.test.", ""},
		{"not there", s, Options{}, "_acme-challenge.example.test.", resolver.Address + " does not have it"},
		{"nobody looks", s, Options{DisableServers: true}, "_acme-challenge.example.test.", ""},
		{"the resolvers alone", s, Options{DisableServers: true, RequireResolvers: true}, "_acme-challenge.deep.sub.example.test.", ""},
		{"not all resolvers", both, Options{DisableServers: true, RequireResolvers: true}, "_acme-challenge.deep.sub.example.test.", stale.Address + " does not have it"},
		{"no zone", s, Options{}, "_acme-challenge.unknown.", "know no servers of the zone of _acme-challenge.unknown."},
	} {
		err := c.servers.check(t.Context(), &c.options, c.name, value)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: want %q, got %v", c.what, c.want, err)
		}
	}
	resolver.SetFailing(true)
	if err := s.check(t.Context(), &Options{}, "_acme-challenge.example.test.", value); err == nil || !strings.Contains(err.Error(), "it answers REFUSED") {
		t.Errorf("refused: %v", err)
	}
}

func TestSystemsResolvers(t *testing.T) {
	if s := newServers(nil); len(s.resolvers) == 0 || !strings.Contains(s.resolvers[0], ":") {
		t.Errorf("resolvers %q", s.resolvers)
	}
	if s := newServers([]string{"::1", "ns.test:5353", "1.1.1.1"}); strings.Join(s.resolvers, " ") != "[::1]:53 ns.test:5353 1.1.1.1:53" {
		t.Errorf("resolvers %q", s.resolvers)
	}
}
