package lb

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/proxyproto"
)

// count opens n connections and counts the answers.
func (p *passing) count(n int) map[string]int {
	got := map[string]int{}
	for range n {
		got[say(p.t, p.address(0), "x")]++
	}
	return got
}

func TestWeightedServicesOfConnections(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp")
	whole := []string{
		"traefik.tcp.routers.db.rule=HostSNI(`*`)", "traefik.tcp.routers.db.service=db",
		"traefik.tcp.services.db.weighted.services[0].name=inner", "traefik.tcp.services.db.weighted.services[0].weight=3",
		"traefik.tcp.services.db.weighted.services[1].name=canary", "traefik.tcp.services.db.weighted.services[2].name=gone",
		"traefik.tcp.services.inner.weighted.services[0].name=stable", "traefik.tcp.services.inner.weighted.services[1].name=db",
	}
	stable, canary := lbtest.Serve(t, counting("stable")), lbtest.Serve(t, counting("canary"))
	part := func(service, address string) {
		_, port, _ := net.SplitHostPort(address)
		p.set(service, []string{address}, "traefik.tcp.services."+service+".loadbalancer.server.port="+port)
	}
	part("stable", stable)
	part("canary", canary)
	p.set("declares", []string{"127.0.0.1:1"}, whole...)
	if diff := cmp.Diff(map[string]int{"stable: x": 30, "canary: x": 10}, p.count(40)); diff != "" {
		t.Errorf("by weight (-want +got):\n%s", diff)
	}
	reasons := fmt.Sprint(p.table.Load().Problems())
	for _, want := range []string{"service db: there is no service gone", "service db is composed of itself"} {
		if !strings.Contains(reasons, want) {
			t.Errorf("no problem says %q: %s", want, reasons)
		}
	}

	// It goes on where it was when the table changes.
	p.count(1)
	p.set("other", []string{"127.0.0.1:1"}, "urlprefix-/other")
	if diff := cmp.Diff(map[string]int{"stable: x": 2, "canary: x": 1}, p.count(3)); diff != "" {
		t.Errorf("the rest of the round, after a change (-want +got):\n%s", diff)
	}
	p.set("stable", nil)
	if diff := cmp.Diff(map[string]int{"canary: x": 4}, p.count(4)); diff != "" {
		t.Errorf("with one part (-want +got):\n%s", diff)
	}
	p.set("canary", nil)
	if diff := cmp.Diff(map[string]int{"": 1}, p.count(1)); diff != "" {
		t.Errorf("without any part (-want +got):\n%s", diff)
	}
	if reasons := fmt.Sprint(p.table.Load().Problems()); !strings.Contains(reasons, errNoPart.Error()) {
		t.Errorf("no problem tells that no part is there: %s", reasons)
	}
}

// Each part is told of the client in its own way, or not at all.
func TestPartsOfConnectionsHaveTheirOwnProxyHeaders(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=tcp")
	told := lbtest.Serve(t, func(nc *net.TCPConn) {
		h, _, err := proxyproto.ReadHeader(nc, time.Now().Add(20*time.Second))
		if _, again := io.ReadAll(nc); err == nil && again == nil {
			fmt.Fprintf(nc, "told in version %d", h.Version)
		}
	})
	plain := lbtest.Serve(t, counting("plain"))
	p.set("plain", []string{plain}, "traefik.tcp.services.plain.loadbalancer.server.port="+plain[len("127.0.0.1:"):])
	p.set("told", []string{told}, "traefik.tcp.services.told.loadbalancer.server.port="+told[len("127.0.0.1:"):],
		"traefik.tcp.services.told.loadbalancer.proxyprotocol.version=1")
	p.set("declares", []string{"127.0.0.1:1"}, "traefik.tcp.routers.db.rule=HostSNI(`*`)", "traefik.tcp.routers.db.service=db",
		"traefik.tcp.services.db.weighted.services[0].name=plain", "traefik.tcp.services.db.weighted.services[1].name=told")
	if diff := cmp.Diff(map[string]int{"plain: x": 2, "told in version 1": 2}, p.count(4)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestWeightedServicesOfDatagrams(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=udp")
	one, two := udpBackend(t), udpBackend(t)
	for service, address := range map[string]string{"one": one, "two": two} {
		p.set(service, []string{address}, "traefik.udp.services."+service+".loadbalancer.server.port="+address[len("127.0.0.1:"):])
	}
	p.set("declares", []string{"127.0.0.1:1"}, "traefik.udp.routers.dns.service=dns",
		"traefik.udp.services.dns.weighted.services[0].name=one", "traefik.udp.services.dns.weighted.services[0].weight=2",
		"traefik.udp.services.dns.weighted.services[1].name=two")
	buffer := make([]byte, 100)
	for range 6 { // sessions
		nc := dialUDP(t, p.address(0))
		io.WriteString(nc, "x")
		if n, err := nc.Read(buffer); string(buffer[:n]) != "echo x" {
			t.Errorf("%q, %v", buffer[:n], err)
		}
	}
	requests := map[string]uint64{}
	for _, m := range p.Metrics().Targets {
		requests[m.Target] = m.Requests
	}
	if diff := cmp.Diff(map[string]uint64{"udp://" + one: 4, "udp://" + two: 2}, requests); diff != "" {
		t.Errorf("sessions by weight (-want +got):\n%s", diff)
	}
}
