package lb

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/claim"
	"github.com/sluiceproxy/sluice/lb/proxyproto"
)

// said counts the answers to n connections.
func said(t *testing.T, n int, address string) map[string]int {
	t.Helper()
	got := map[string]int{}
	for range n {
		got[say(t, address, "x")]++
	}
	return got
}

// Each connection goes by the options of the target it gets.
func TestTCPVariants(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp")
	told := lbtest.Serve(t, func(nc *net.TCPConn) {
		_, _, err := proxyproto.ReadHeader(nc, time.Now().Add(20*time.Second))
		if rest, _ := io.ReadAll(nc); err == nil {
			io.WriteString(nc, "told: "+string(rest))
		}
	})
	route := "urlprefix-" + p.port(0) + " proto=tcp"
	p.set("plain", []string{lbtest.Serve(t, counting("plain"))}, route)
	p.set("told", []string{told, lbtest.Refusing(t)}, route+" pxyproto=true", "sluice.outlier.off=true")
	p.set("closed", []string{lbtest.Serve(t, counting("closed"))}, route+" deny=ip:127.0.0.0/8")
	want := map[string]int{"plain: x": 10, "told: x": 20, "": 10}
	if diff := cmp.Diff(want, said(t, 40, p.address(0))); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	eventually(t, "all is counted", func() bool {
		m := p.routeMetrics()
		return len(p.Metrics().TCPRoutes) == 1 && m.Connections == 30 && m.Open == 0 && m.Failures == 0 && m.Received == 30 &&
			p.entries[0].metrics().RefusedConnections[refusedByAccess] == 10
	})
	p.set("plain", []string{lbtest.Refusing(t)}, route)
	p.set("told", []string{told}, route+" pxyproto=true", "sluice.outlier.off=true")
	want = map[string]int{"told: x": 20, "": 10}
	if diff := cmp.Diff(want, said(t, 30, p.address(0))); diff != "" {
		t.Errorf("with those of a variant down (-want +got):\n%s", diff)
	}
	p.set("plain", nil)
	p.set("told", []string{lbtest.Refusing(t)}, route+" pxyproto=true")
	if diff := cmp.Diff(map[string]int{"": 4}, said(t, 4, p.address(0))); diff != "" {
		t.Errorf("without a target that answers (-want +got):\n%s", diff)
	}
	if problems := p.table.Load().Problems(); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestUDPVariants(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=udp")
	p.set("open", []string{udpBackend(t)}, "urlprefix-"+p.port(0)+" proto=udp")
	p.set("closed", []string{udpBackend(t)}, "urlprefix-"+p.port(0)+" proto=udp deny=ip:127.0.0.1")
	for range 4 {
		io.WriteString(dialUDP(t, p.address(0)), "x")
	}
	eventually(t, "two are let in and two are not", func() bool {
		return p.routeMetrics().Connections == 2 && p.entries[0].metrics().RefusedConnections[refusedByAccess] == 2
	})
}

// The pool goes on where it was, whichever options have the most instances, and
// an address has those of one.
func TestTCPVariantsComeAndGo(t *testing.T) {
	plain, proxy := "urlprefix-:1234 proto=tcp", "urlprefix-:1234 proto=tcp pxyproto=true"
	c := newCatalog()
	b := c.builder()
	for i, tags := range [][]string{
		{plain, plain, plain}, {plain, plain, proxy}, {plain, proxy, proxy}, {proxy, proxy, proxy}, {proxy, proxy, plain},
	} {
		c.set("app", at("a", tags[0]), at("b", tags[1]), at("c", tags[2]))
		table := b.Build(c.snapshot())
		r := table.TCPRoutes()[0]
		if i == 0 {
			for range 3 {
				r.Pool.Observe(r.Pool.Targets()[0], 0)
			}
		}
		if stats := r.Pool.Stats(); stats.Ejected != 1 || len(table.TCPRoutes()) != 1 || len(table.Problems()) > 0 {
			t.Errorf("with %q: %+v, %d routes, %v", tags, stats, len(table.TCPRoutes()), table.Problems())
		}
		if diff := cmp.Diff(tableText(c.build()), tableText(table)); diff != "" {
			t.Errorf("with %q (-built anew +led there):\n%s", tags, diff)
		}
	}
	c.set("old", critical(at("c", proxy)))
	c.set("new", at("b", plain))
	table := b.Build(c.snapshot())
	owners := ""
	for _, v := range table.TCPRoutes()[0].Variants() {
		owners += v.Rule + ":"
		for _, e := range v.Endpoints {
			owners += " " + strings.TrimSuffix(e.Address, ":80")
		}
		owners += "; "
	}
	if owners != ":1234 proto=tcp pxyproto=true: a b; :1234 proto=tcp: c; " || len(table.Problems()) != 1 {
		t.Errorf("%s %v", owners, table.Problems())
	}
}

func TestTCPVariantsOfClaims(t *testing.T) {
	c := newCatalog()
	c.options.Claims = claim.List{{Host: "a.test", Services: []string{"one"}}}
	c.set("one", at("a", "urlprefix-a.test proto=tcp"), at("b", "urlprefix-:1234 proto=tcp"))
	c.set("two", at("c", "urlprefix-:1234 proto=tcp pxyproto=true"))
	if table := c.build(); len(table.TCPRoutes()) != 2 || len(table.Problems()) != 1 || !strings.Contains(table.Problems()[0].Reason, "in another way") {
		t.Errorf("%s", tableText(table))
	}
}
