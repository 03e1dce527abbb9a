package lb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/match"
)

// Routers of connections and of datagrams that are declared in several ways.
func TestVersionsOfConnections(t *testing.T) {
	sni := func(name string, more ...string) []string {
		return append([]string{"traefik.tcp.routers.db.rule=HostSNI(`" + name + "`)", "traefik.tcp.routers.db.tls.passthrough=true"}, more...)
	}
	tests := []struct {
		name     string
		old, new []string
		services [2]string         // that have them
		want     map[string]string // the pool by the name asked for
		told     string
	}{
		{"another rule", sni("old"), sni("new"), [2]string{"app", "app"}, map[string]string{"old": "tcp:app", "new": "tcp:app"}, "router db is declared differently"},
		{"the same", sni("old"), sni("old"), [2]string{"app", "app"}, map[string]string{"old": "tcp:app"}, ""},
		{"a rule with a fault", sni("old"), sni("`"), [2]string{"app", "app"}, map[string]string{"old": "tcp:app"}, "HostSNI(```)"},
		{"two services", sni("old"), sni("new"), [2]string{"a", "b"}, map[string]string{"old": "tcp:a", "new": "tcp:b"}, "service b asks for a route of the same name"},
		{"two services of one rule", sni("old"), sni("old"), [2]string{"a", "b"}, map[string]string{"old": "tcp:b"}, "another way, which counts"},
		{
			"a middleware that is not there", sni("old"), sni("old", "traefik.tcp.routers.db.middlewares=gone"), [2]string{"a", "b"},
			map[string]string{"old": "tcp:a"}, "there is none of this name",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newCatalog()
			older, newer := at("a", test.old...), at("b", test.new...)
			older.Service.ID, newer.Service.ID, newer.Service.ModifyIndex = "a", "b", 2
			if test.services[0] == test.services[1] {
				c.set(test.services[0], older, newer)
			} else {
				c.set(test.services[0], older)
				c.set(test.services[1], newer)
			}
			table := c.build()
			got := map[string]string{}
			for _, name := range []string{"old", "new"} {
				if r, ok := table.LookupTCP(&match.Request{Host: name, TLS: true, Conn: &match.Conn{}}); ok {
					got[name] = r.TCPRoute.Pool
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("pools (-want +got):\n%s\n%v", diff, table.Problems())
			}
			if told := fmt.Sprint(table.Problems()); !strings.Contains(told, test.told) || test.told == "" && told != "[]" {
				t.Errorf("the problems are %s, want %q", told, test.told)
			}
		})
	}
}

// Of datagrams, listeners are all that a router can ask for.
func TestVersionsOfDatagrams(t *testing.T) {
	c := newCatalog()
	c.options.TCPEntrypoints = []TCPEntrypoint{{"one", listener.ProtoUDP, 53, false}, {"two", listener.ProtoUDP, 54, false}}
	older, newer := at("a", "traefik.udp.routers.dns.entrypoints=one,two"), at("b", "traefik.udp.routers.dns.entrypoints=one")
	newer.Service.ModifyIndex = 2
	c.set("a", older)
	c.set("b", newer)
	table := c.build()
	got := map[string]string{}
	for _, name := range []string{"one", "two"} {
		if r, ok := table.LookupUDP(&match.Request{Entrypoint: name, Conn: &match.Conn{}}); ok {
			got[name] = r.TCPRoute.Pool
		}
	}
	if diff := cmp.Diff(map[string]string{"one": "udp:b", "two": "udp:a"}, got); diff != "" {
		t.Errorf("pools (-want +got):\n%s\n%v", diff, table.Problems())
	}
}
