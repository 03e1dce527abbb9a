package lb

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// What is counted in detail is told by kind, and only if it was asked for.
func TestDetails(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		io.WriteString(w, "hello")
	})
	r := start(t, func(o *ServerOptions) { o.DetailBounds = []float64{0, 30} }, testRoute{prefix: "/", backends: []string{backend}})
	for _, request := range []string{
		"GET /ok HTTP/1.1\r\n", "GET /ok HTTP/1.1\r\n", "POST /bad HTTP/1.1\r\nContent-Length: 3\r\n",
		"BREW /ok HTTP/1.1\r\n", "GET /ok HTTP/1.1\r\nAccept: text/html, Text/Event-Stream\r\n",
	} {
		body := ""
		if strings.HasPrefix(request, "POST") {
			body = "abc"
		}
		r.raw(request + "Host: h\r\nConnection: close\r\n\r\n" + body)
	}
	want := []string{
		"200  http 1 0/5", "200 GET http 2 0/10", "200 GET sse 1 0/5", "503 POST http 1 3/5",
	}
	eventually(t, "all is counted", func() bool { return len(r.Metrics().Entrypoints[0].Details) == 4 })
	m := r.Metrics()
	for of, details := range map[string][]count.Detail{
		"the listener": m.Entrypoints[0].Details, "the route": m.Routes[0].Details, "the service": m.Services[0].Details,
	} {
		var got []string
		for _, d := range details {
			got = append(got, fmt.Sprintf("%d %s %s %d %d/%d", d.Status, d.Method, d.Protocol, d.Count(), d.Received, d.Sent))
			if d.Seconds <= 0 || d.Buckets[0] != 0 || d.Buckets[1] != d.Count() {
				t.Errorf("%s: %v in %v seconds", of, d.Buckets, d.Seconds)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", of, got, want)
		}
	}

	plain := start(t, nil, testRoute{prefix: "/", backends: []string{backend}})
	plain.get("/ok")
	eventually(t, "it is counted", func() bool { return len(plain.Metrics().Routes) > 0 })
	if m := plain.Metrics(); len(m.Routes[0].Details)+len(m.Services)+len(m.RouteTargets) > 0 {
		t.Errorf("details nobody asked for: %+v", m)
	}
}

// A service is counted under the name its tags have for it, and of composed ones
// the part that was asked. A target is counted for the service its
// instance is of, and forgotten with its route.
func TestDetailsOfServices(t *testing.T) {
	backend, other := httpBackend(t, echo), httpBackend(t, echo)
	app := []string{
		"urlprefix-/shared", "traefik.enable=true",
		"traefik.http.routers.app.rule=PathPrefix(`/app`)", "traefik.http.routers.app.service=both",
		"traefik.http.services.both.weighted.services[0].name=own", "traefik.http.services.own.loadbalancer.passhostheader=true",
	}
	second := []string{"urlprefix-/shared", "traefik.enable=true"}
	services := func(s *watchtest.Source, names ...string) {
		all := map[string][]string{"app": app, "second": second}
		var list []watch.ServiceTags
		for _, name := range names {
			list = append(list, watch.ServiceTags{Name: name, Tags: all[name]})
		}
		s.Set(watch.Services{}, list)
	}
	c := startWithCatalog(t, func(s *watchtest.Source) {
		registerAmong(s, "app", app, watch.Passing, backend)
		registerAmong(s, "second", second, watch.Passing, other)
		services(s, "app", "second")
	}, func(o *ServerOptions) { o.DetailBounds = []float64{1} })
	eventually(t, "the catalog was read", c.Ready)
	for range 10 {
		c.get("/shared")
	}
	c.get("/app")
	counted := func() map[string]uint64 {
		all := map[string]uint64{}
		for _, s := range c.Metrics().Services {
			for _, d := range s.Details {
				all[s.Dialect+" "+s.Service] += d.Count()
			}
		}
		for _, r := range c.Metrics().RouteTargets {
			all[r.Route+" "+r.Service+" "+strings.Replace(r.Target.Address, backend, "backend", 1)] += r.Count()
		}
		return all
	}
	want := map[string]uint64{
		"fabio app": 5, "fabio second": 5, "traefik own": 1, "/shared app backend": 5, "/shared second " + other: 5,
	}
	eventually(t, "all is counted", func() bool { return c.Metrics().InFlight == 0 })
	if got := counted(); !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	services(c.source, "app")
	delete(want, "fabio second")
	delete(want, "/shared second "+other)
	eventually(t, "the other service is forgotten", func() bool { return maps.Equal(counted(), want) })
}

// Requests are counted whichever version of a service's tags asks for them.
func TestDetailsOfVersions(t *testing.T) {
	versions := map[string][]string{}
	for name, path := range map[string]string{"one": "", "two": "two"} { // requests for two are for both
		versions[name] = []string{
			"traefik.http.routers.app.rule=PathPrefix(`/" + path + "`)", "traefik.http.routers.app.service=app",
			"traefik.http.services.app.loadbalancer.passhostheader=true",
		}
	}
	c := startWithCatalog(t, func(s *watchtest.Source) {
		var services []watch.ServiceTags
		for name, tags := range versions {
			registerAmong(s, name, tags, watch.Passing, httpBackend(t, echo))
			services = append(services, watch.ServiceTags{Name: name, Tags: tags})
		}
		s.Set(watch.Services{}, services)
	}, func(o *ServerOptions) { o.DetailBounds = []float64{1} })
	eventually(t, "the catalog was read", c.Ready)
	for range 10 {
		for path := range versions {
			if status, body := c.get("/" + path); status != http.StatusOK {
				t.Fatal(status, body)
			}
		}
	}
	eventually(t, "all is counted", func() bool { return c.Metrics().InFlight == 0 })
	count := uint64(0)
	for _, s := range c.Metrics().Services {
		for _, d := range s.Details {
			count += d.Count()
		}
	}
	if count != 20 {
		t.Errorf("%d requests are counted, want 20", count)
	}
}

// A call of gRPC goes by the status in its answer's header or behind its body.
func TestKindOfGRPC(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		answer  []*Header
		want    count.Kind
	}{
		"trailer":   {"application/grpc+proto", []*Header{{}, {[]h1.Field{{Name: "grpc-status", Value: "5"}}}}, count.Kind{Protocol: "grpc", GRPC: 5}},
		"header":    {"application/grpc-web", []*Header{{[]h1.Field{{Name: "Grpc-Status", Value: "0"}}}, nil}, count.Kind{Protocol: "grpc-web"}},
		"no status": {"application/grpc", []*Header{{}, nil}, count.Kind{Protocol: "grpc", GRPC: count.GRPCUnknown}},
		"no number": {"application/grpc", []*Header{{[]h1.Field{{Name: "Grpc-Status", Value: "99"}}}}, count.Kind{Protocol: "grpc", GRPC: count.GRPCUnknown}},
	} {
		x := &Exchange{}
		x.Header.Add("Content-Type", test.content)
		x.beginKind()
		for _, section := range test.answer {
			x.recordGRPC(section)
		}
		if got := x.kindNow().Kind(); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// What details cost an exchange, beside what it costs without.
func BenchmarkDetails(b *testing.B) {
	bounds := []float64{0.1, 0.3, 1.2, 5}
	d := newDetails(bounds)
	x := &Exchange{entry: &entry{}, Route: &Route{Route: &tags.Route{}}}
	x.Route.counted.service = &serviceCounters{}
	x.Request.Method, x.Outcome.Status = http.MethodGet, http.StatusOK
	for _, name := range []string{"Host", "User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Cookie", "Referer", "X-Forwarded-For"} {
		x.Header.Add(name, "*/*")
	}
	var route count.Counters
	b.ReportAllocs()
	for b.Loop() {
		x.served = nil
		x.beginKind()
		since := x.mark()
		d.countService(x, since)
		d.count(route.Of(0), x, time.Millisecond)
		d.count(x.entry.counters.Of(0), x, time.Millisecond)
	}
}
