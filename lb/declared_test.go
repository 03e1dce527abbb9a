package lb

import (
	"slices"
	"testing"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// What is declared is listed whether it is served or not, and of services that are
// the pools they are served by.
func TestDefinitions(t *testing.T) {
	app := []string{
		"traefik.http.routers.good.rule=PathPrefix(`/`)", "traefik.http.routers.lost.rule=PathPrefix(`/`)",
		"traefik.http.routers.lost.middlewares=absent", "traefik.http.middlewares.unused.addprefix.prefix=/x",
		"traefik.tcp.routers.stream.rule=HostSNI(`*`)", "traefik.tcp.routers.stream.entrypoints=tcp", "traefik.udp.routers.datagrams.entrypoints=udp",
	}
	c := startWithCatalog(t, func(s *watchtest.Source) { register(s, "app", app, watch.Passing, httpBackend(t, echo)) },
		func(o *ServerOptions) {
			o.Table.Static.Middlewares = []tags.Middleware{{Name: "configured", Dialect: tags.File}}
			o.Listeners = append(o.Listeners, listener.Listener{Name: "tcp", Address: "127.0.0.1:0", Proto: listener.ProtoTCP}, listener.Listener{Name: "udp", Address: "127.0.0.1:0", Proto: listener.ProtoUDP})
		})
	eventually(t, "the catalog was read", c.Ready)
	var routes, streams, middlewares, services []string
	for _, d := range c.Definitions() {
		for _, r := range d.Routes {
			routes = append(routes, r.Name)
		}
		for _, r := range d.TCPRoutes {
			streams = append(streams, r.Name)
		}
		for _, m := range d.Middlewares {
			middlewares = append(middlewares, m.Name)
		}
		for _, p := range d.Pools {
			network, name := PoolService(&p)
			services = append(services, network+" "+name)
		}
	}
	var pools []string
	for _, p := range c.Table().ServicePools() {
		pools = append(pools, p.Network+" "+p.Service)
		if len(p.Pool.Targets()) != 1 {
			t.Errorf("service %s has %d targets", p.Service, len(p.Pool.Targets()))
		}
	}
	for of, lists := range map[string][2][]string{
		"routes": {routes, {"good", "lost"}}, "streams": {streams, {"datagrams", "stream"}}, "middlewares": {middlewares, {"configured", "unused"}},
		"services": {services, {" app", "tcp app", "udp app"}}, "pools": {pools, {" app", "tcp app", "udp app"}},
	} {
		if slices.Sort(lists[0]); !slices.Equal(lists[0], lists[1]) {
			t.Errorf("%s %q, want %q", of, lists[0], lists[1])
		}
	}
}
