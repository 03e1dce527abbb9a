package lb

import (
	"io"
	"net"
	"slices"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/target"
)

// A target that refuses connections is passed over as one of requests is, and
// takes part again when its time is over and it answers.
func TestUnreachableTargetsOfConnectionsAreEjected(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp")
	dead, live := lbtest.Refusing(t), lbtest.Serve(t, counting("up"))
	tags := []string{"urlprefix-" + p.port(0) + " proto=tcp", "sluice.outlier.failures=2", "sluice.outlier.time=1h", "sluice.outlier.max-time=1h"}
	p.set("db", []string{dead, live}, tags...)
	for range 20 {
		if got := say(t, p.address(0), "x"); got != "up: x" {
			t.Errorf("%q", got)
		}
	}
	if failed := statsOf(p, dead).Failed; failed != 2 {
		t.Errorf("the dead target was tried %d times, want 2", failed)
	}
	pools := p.Metrics().Pools
	if len(pools) != 1 || pools[0].Ejected != 1 || pools[0].Ejections != 1 {
		t.Errorf("pools with something to tell: %+v", pools)
	}
}

func statsOf(p *passing, address string) target.Stats {
	for _, t := range p.Targets() {
		if t.Key().Address == address {
			return t.Stats()
		}
	}
	return target.Stats{}
}

// The refusal of a datagram comes when the session is there already.
func TestUnreachableTargetsOfDatagramsAreEjected(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=udp;it=200ms")
	live := udpBackend(t)
	gone, err := net.Dial("udp", live) // a port that is for one peer alone refuses all others
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	p.set("dns", []string{gone.LocalAddr().String(), live}, "urlprefix-"+p.port(0)+" proto=udp",
		"sluice.outlier.failures=1", "sluice.outlier.time=1h", "sluice.outlier.max-time=1h", "sluice.strategy=random")
	ejected := func() bool {
		return slices.ContainsFunc(p.Metrics().Pools, func(m PoolMetrics) bool { return m.Ejected == 1 })
	}
	eventually(t, "the one that refuses is passed over", func() bool {
		_, _ = io.WriteString(dialUDP(t, p.address(0)), "x")
		return ejected()
	})
	for range 20 {
		nc, answer := dialUDP(t, p.address(0)), make([]byte, 100)
		_, _ = io.WriteString(nc, "x")
		if n, err := nc.Read(answer); string(answer[:n]) != "echo x" {
			t.Fatalf("%q, %v", answer[:n], err)
		}
	}
}

// What ends a connection that was there is not the target's fault: here, the
// client leaves.
func TestEndsOfConnectionsEjectNobody(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp")
	p.set("db", []string{lbtest.Serve(t, counting("a")), lbtest.Serve(t, counting("b"))},
		"urlprefix-"+p.port(0)+" proto=tcp", "sluice.outlier.failures=1", "sluice.outlier.time=1h")
	for range 10 {
		nc := dialTCP(t, p.address(0))
		_ = nc.SetLinger(0)
		_, _ = io.WriteString(nc, "x")
		nc.Close()
	}
	eventually(t, "all have ended", func() bool { m := p.routeMetrics(); return m.Connections == 10 && m.Open == 0 })
	if pools := p.Metrics().Pools; len(pools) != 0 {
		t.Errorf("pools with something to tell: %+v", pools)
	}
}
