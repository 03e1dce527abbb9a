package lb

import (
	"io"
	"testing"
)

// Fabio's tags give a port of datagrams to a service, and say who may use it.
func TestUDPOfFabio(t *testing.T) {
	p := pass(t, nil, "127.0.0.1:0;proto=udp", "127.0.0.1:0;proto=udp", "127.0.0.1:0;proto=udp")
	p.set("dns", []string{udpBackend(t)}, "urlprefix-"+p.port(0)+" proto=udp deny=ip:192.0.2.1",
		"urlprefix-127.0.0.1"+p.port(1)+" proto=udp deny=ip:127.0.0.1")
	nc, buffer := dialUDP(t, p.address(0)), make([]byte, 100)
	io.WriteString(nc, "x")
	if n, err := nc.Read(buffer); string(buffer[:n]) != "echo x" {
		t.Errorf("%q, %v", buffer[:n], err)
	}
	for i, reason := range map[int]string{1: refusedByAccess, 2: RefusedByNoRoute} {
		io.WriteString(dialUDP(t, p.address(i)), "x")
		eventually(t, "the client is refused", func() bool {
			return p.entries[i].metrics().RefusedConnections[reason] == 1
		})
	}
}

func TestUDP(t *testing.T) {
	backend := udpBackend(t)
	p := pass(t, nil, "127.0.0.1:0;proto=udp;name=dns;it=2s", "127.0.0.1:0;proto=udp;name=other")
	p.set("dns", []string{backend}, "traefik.udp.routers.d.entrypoints=dns", "traefik.udp.routers.d.service=dns",
		"traefik.udp.services.dns.loadbalancer.server.port="+backend[len("127.0.0.1:"):])
	nc, buffer := dialUDP(t, p.address(0)), make([]byte, 2000)
	for range 3 {
		io.WriteString(nc, "x")
		if n, err := nc.Read(buffer); string(buffer[:n]) != "echo x" {
			t.Errorf("%q, %v", buffer[:n], err)
		}
	}
	io.WriteString(dialUDP(t, p.address(1)), "x")
	eventually(t, "all is counted", func() bool {
		m := p.routeMetrics()
		return m.Network == "udp" && m.Connections == 1 && m.Open == 0 && m.Received == 3 && m.Sent == 18 &&
			p.entries[0].metrics().Connections == 0 && p.entries[1].metrics().RefusedConnections[RefusedByNoRoute] == 1
	})
}
