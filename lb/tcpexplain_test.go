package lb

import (
	"testing"

	"github.com/sluiceproxy/sluice/lb/listener"
)

func TestAskTCP(t *testing.T) {
	c := newCatalog()
	c.options.TCPEntrypoints = []TCPEntrypoint{
		{"db", listener.ProtoTCP, 5432, false}, {"in", listener.ProtoSNI, 443, false}, {"dns", listener.ProtoUDP, 53, false}, {"any", listener.ProtoTCPDynamic, 0, false},
	}
	c.set("db", at("192.0.2.1", "urlprefix-:5432 proto=tcp"))
	c.set("one", at("192.0.2.2", "urlprefix-10.0.0.1:5432 proto=tcp"))
	c.set("name", at("192.0.2.3", "urlprefix-a.test/ proto=tcp"))
	c.set("wild", at("192.0.2.3", "urlprefix-*.test proto=tcp"))
	c.set("dns", at("192.0.2.4", "traefik.udp.routers.dns.entrypoints=dns"))
	table := c.build()
	for _, p := range table.Problems() {
		t.Error(p)
	}
	for question, want := range map[string]string{
		"tcp://:5432": "db", "tcp://10.0.0.1:5432": "one", "tcp://10.0.0.2:5432": "db", "tcp://:1": "",
		"tls://A.test": "name", "tls://b.test:443": "wild", "tls://b.other": "", "udp://:53": "dns",
	} {
		e, err := table.AskTCP(question)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if e.Route != nil {
			got = e.Route.Service
		}
		if got != want {
			t.Errorf("%s: %q, want %q", question, got, want)
		}
	}
	for _, question := range []string{"tcp://a:b", "tcp://[::1:5"} {
		if _, err := table.AskTCP(question); err == nil {
			t.Errorf("%s was understood", question)
		}
	}
}

// Routes of connections follow changes as those of requests do.
func TestTCPTableFollows(t *testing.T) {
	c := newCatalog()
	b := c.builder()
	c.set("db", at("192.0.2.1", "urlprefix-:5432 proto=tcp", "traefik.tcp.routers.r.rule=HostSNI(`a.test`)", "traefik.tcp.routers.r.tls=true"))
	first := b.Build(c.snapshot())
	c.set("other", at("192.0.2.2", "traefik.tcp.routers.r.rule=HostSNI(`b.test`)", "traefik.tcp.routers.r.tls=true"))
	second := b.Build(c.snapshot())
	c.remove("db")
	third := b.Build(c.snapshot())
	c.remove("other")
	last := b.Build(c.snapshot())
	for i, row := range []struct {
		table            *Table
		routes, problems int
		hello            bool
	}{{first, 2, 0, true}, {second, 3, 1, true}, {third, 1, 0, true}, {last, 0, 0, false}} {
		if n := len(row.table.TCPRoutes()); n != row.routes {
			t.Errorf("table %d has %d routes, want %d", i, n, row.routes)
		}
		if n := len(row.table.Problems()); n != row.problems {
			t.Errorf("table %d has problems %v, want %d", i, row.table.Problems(), row.problems)
		}
		if row.table.needsHello("") != row.hello {
			t.Errorf("table %d: a hello is needed: %v", i, !row.hello)
		}
	}
	if n := len(b.linker.routes) + len(b.linker.backends) + len(b.linker.middlewares); n > 0 {
		t.Errorf("%d objects are kept for nothing", n)
	}
}
