package lb

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// Services of connections of the configuration may be composed, of each other and of
// the catalog's; tags name them, and its middlewares.
func TestStaticServicesOfConnections(t *testing.T) {
	static := tags.Static{
		StreamServices: []tags.StaticStreamService{
			{Name: "fixed", StreamServers: tags.StreamServers{Targets: []string{lbtest.Serve(t, counting("fixed"))}}},
			{Name: "either", Weighted: []spec.WeightedService{{Name: "fixed", Weight: 1}, {Name: "db", Weight: 1}}},
		},
		StreamMiddlewares: []tags.StaticMiddleware{
			{Name: "nobody", Spec: &spec.ConnAllowList{SourceRange: []string{"192.0.2.1"}}},
			{Name: "local", Spec: &spec.ConnAllowList{SourceRange: []string{"127.0.0.0/8"}}},
		},
		Streams: []tags.StaticStream{
			{Name: "either", Entrypoints: []string{"a"}, Middlewares: []string{"local"}, StreamServers: tags.StreamServers{Service: "either"}},
			{Name: "closed", Entrypoints: []string{"b"}, Middlewares: []string{"nobody"}, StreamServers: tags.StreamServers{Service: "fixed"}},
		},
	}
	p := pass(t, func(o *ServerOptions) {
		var err error
		if o.Table.Static, o.Table.Tags.StaticPools, err = static.Definition(nil); err != nil {
			t.Fatal(err)
		}
	}, "127.0.0.1:0;proto=tcp;name=a", "127.0.0.1:0;proto=tcp;name=b", "127.0.0.1:0;proto=tcp;name=c")
	p.set("db", []string{lbtest.Serve(t, counting("db"))},
		"traefik.tcp.routers.r.rule=HostSNI(`*`)", "traefik.tcp.routers.r.entrypoints=c", "traefik.tcp.routers.r.service=fixed@file",
		"traefik.tcp.routers.r.middlewares=local@file")
	both := []string{say(t, p.address(0), "x"), say(t, p.address(0), "x")}
	if slices.Sort(both); !slices.Equal(both, []string{"db: x", "fixed: x"}) {
		t.Errorf("%q", both)
	}
	if got := say(t, p.address(1), "x"); got != "" {
		t.Errorf("%q: the client is on no list", got)
	}
	if got := say(t, p.address(2), "x"); got != "fixed: x" {
		t.Errorf("%q by a tag", got)
	}
}

func TestStaticStreamServiceFaults(t *testing.T) {
	targets := tags.StreamServers{Targets: []string{"a:1"}}
	for want, s := range map[string]tags.Static{
		"one of service, targets and weighted says who serves it": {StreamServices: []tags.StaticStreamService{{Name: "s"}}},
		"composed of others": {StreamServices: []tags.StaticStreamService{{Name: "s", StreamServers: targets, Weighted: []spec.WeightedService{{Name: "t"}}}}},
		"a name has no @":    {StreamServices: []tags.StaticStreamService{{Name: "s@file", StreamServers: targets}}},
		"datagrams have no TLS": {StreamServices: []tags.StaticStreamService{
			{Name: "s", UDP: true, StreamServers: tags.StreamServers{Targets: []string{"a:1"}, ProxyProtocol: 1}},
		}},
		"is said by service": {
			StreamServices: []tags.StaticStreamService{{Name: "s", StreamServers: targets}},
			Streams:        []tags.StaticStream{{Name: "r", StreamServers: tags.StreamServers{Service: "s", TargetTLS: true}}},
		},
		"tcp_middleware": {StreamMiddlewares: []tags.StaticMiddleware{{Name: "m", Spec: &spec.InFlightConn{}}}},
	} {
		if _, _, err := s.Definition(nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
