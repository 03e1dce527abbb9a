package tracing

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

const (
	parent  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
)

// app is the route of most tests.
var app = []string{"traefik.http.routers.app.rule=PathPrefix(`/app`)"}

func TestForwardedRequest(t *testing.T) {
	r := start(t, world{tags: app, instances: []string{""}})
	answer := r.get("/app/x?token=secret&page=2", "traceparent: "+parent, "tracestate: a=1", "tracestate: b=2", "baggage: user=7")
	server, clients := byParents(t, r.Wait(t, 2))
	if len(clients) != 1 || server.TraceID != traceID || server.ParentID != spanID {
		t.Fatalf("%+v", r.Spans())
	}
	client := clients[0]
	if server.Name != "GET PathPrefix(`/app`)" || client.Name != "GET" || server.Status != "unset" || client.Status != "unset" || server.Scope != scope {
		t.Errorf("%+v", r.Spans())
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(r.url, "http://"))
	want := map[string]string{
		"http.request.method": "GET", "url.scheme": "http", "url.path": "/app/x", "url.query": "token=REDACTED&page=REDACTED",
		"server.address": "127.0.0.1", "server.port": port, "client.address": "127.0.0.1", "network.peer.address": "127.0.0.1",
		"network.protocol.version": "1.1", "http.route": "PathPrefix(`/app`)", "http.response.status_code": "200", "user_agent.original": "tester",
		"http.request.body.size": "0", "http.response.body.size": "5", "entry_point": "web", "sluice.route": "app", "sluice.service": "app",
	}
	if diff := cmp.Diff(want, without(t, server.Attributes, "client.port", "network.peer.port")); diff != "" {
		t.Errorf("server span (-want +got):\n%s", diff)
	}
	want = map[string]string{
		"http.request.method": "GET", "url.scheme": "http", "server.address": "127.0.0.1", "network.peer.address": "127.0.0.1",
		"network.protocol.version": "1.1", "http.response.status_code": "200", "user_agent.original": "tester",
	}
	if diff := cmp.Diff(want, without(t, client.Attributes, "url.full", "server.port", "network.peer.port")); diff != "" {
		t.Errorf("client span (-want +got):\n%s", diff)
	}
	if full := client.Attributes["url.full"]; full != "http://127.0.0.1:"+client.Attributes["server.port"]+"/app/x?token=REDACTED&page=REDACTED" {
		t.Errorf("url.full is %s", full)
	}
	told := http.Header{
		"Got-Traceparent": {"00-" + traceID + "-" + client.ID + "-01"}, "Got-Tracestate": {"a=1,b=2"}, "Got-Baggage": {"user=7"},
	}
	for name, want := range told {
		if got := answer.Header[name]; !slices.Equal(got, want) {
			t.Errorf("the server was told %s: %q, want %q", name, got, want)
		}
	}
	if client.Start.Before(server.Start) || client.End.After(server.End) {
		t.Errorf("the try is not inside the request: %+v", r.Spans())
	}
	wantResource := map[string]string{"service.name": "sluice", "service.version": "1.2.3"}
	for key, want := range wantResource {
		if got := server.Resource[key]; got != want {
			t.Errorf("resource %s is %q, want %q", key, got, want)
		}
	}
}

// What names no parent, or two, begins a trace of its own, and nothing of the old
// one is passed on.
func TestParentsThatAreNone(t *testing.T) {
	r := start(t, world{tags: app, instances: []string{""}})
	for name, lines := range map[string][]string{
		"none":      nil,
		"malformed": {"traceparent: 00-xyz-01", "tracestate: a=1"},
		"zero":      {"traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01", "tracestate: a=1"},
		"two":       {"traceparent: " + parent, "traceparent: " + parent, "tracestate: a=1"},
	} {
		t.Run(name, func(t *testing.T) {
			r.Forget()
			answer := r.get("/app", lines...)
			server, clients := byParents(t, r.Wait(t, 2))
			want := "00-" + server.TraceID + "-" + clients[0].ID + "-01"
			if got := answer.Header["Got-Traceparent"]; server.TraceID == traceID || server.ParentID != "" || !slices.Equal(got, []string{want}) {
				t.Errorf("the server was told %q, want %q; %+v", got, want, server)
			}
			if got := answer.Header["Got-Tracestate"]; len(got) > 0 {
				t.Errorf("the server was told tracestate %q", got)
			}
		})
	}
}

func TestAnswersOfOurOwn(t *testing.T) {
	tags := []string{
		"traefik.http.routers.app.rule=PathPrefix(`/app`)",
		"traefik.http.routers.away.rule=PathPrefix(`/away`)",
		"traefik.http.routers.away.middlewares=to",
		"traefik.http.middlewares.to.redirectregex.regex=.*",
		"traefik.http.middlewares.to.redirectregex.replacement=http://other.test/",
	}
	r := start(t, world{tags: tags, instances: []string{lbtest.Refusing(t)}, server: func(o *lb.ServerOptions) { o.RejectEncoded = []string{"slash"} }})
	tests := map[string]struct {
		method, path string
		clients      int
		want         tracingtest.Span
		attributes   map[string]string
	}{
		"no route": {"GET", "/else", 0, tracingtest.Span{Name: "GET", Status: "unset"},
			map[string]string{"http.response.status_code": "404", "http.route": "", "error.type": ""}},
		"redirect": {"GET", "/away", 0, tracingtest.Span{Name: "GET PathPrefix(`/away`)", Status: "unset"},
			map[string]string{"http.response.status_code": "302"}},
		"refused": {"GET", "/app%2Fx", 0, tracingtest.Span{Name: "GET", Status: "unset"},
			map[string]string{"http.response.status_code": "400", "url.path": "/app%2Fx"}},
		"nobody there": {"POST", "/app", 2, tracingtest.Span{Name: "POST PathPrefix(`/app`)", Status: "error"},
			map[string]string{"http.response.status_code": "502", "error.type": "502"}},
		"a method of the client's": {"BREW", "/else", 0, tracingtest.Span{Name: "HTTP", Status: "unset"},
			map[string]string{"http.request.method": "_OTHER", "http.request.method_original": "BREW"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r.Forget()
			r.raw(test.method + " " + test.path + " HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n")
			server, clients := byParents(t, r.Wait(t, 1+test.clients))
			if server.Name != test.want.Name || server.Status != test.want.Status || len(clients) != test.clients {
				t.Errorf("%+v", r.Spans())
			}
			for key, want := range test.attributes {
				if got := server.Attributes[key]; got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			for _, c := range clients {
				if c.Status != "error" || c.Attributes["error.type"] != "connect" || c.Attributes["http.response.status_code"] != "" {
					t.Errorf("%+v", c)
				}
			}
		})
	}
}

func TestCaptured(t *testing.T) {
	r := start(t, world{tags: app, instances: []string{""}, options: func(o *Options, _ *tracingtest.Collector) {
		o.RequestHeaders, o.ResponseHeaders, o.SafeQuery = []string{"X-Team", "User-Agent"}, []string{"Content-Type", "content-length"}, []string{"page", "a b"}
		o.ServiceName, o.Resource = "edge", map[string]string{"deployment.environment.name": "test"}
	}})
	r.get("/app?page=2;token=x&a+b=1&bare", "X-Team: blue", "X-Team: green\xff", "Cookie: secret=1")
	server, clients := byParents(t, r.Wait(t, 2))
	for _, s := range append(clients, server) {
		for key, want := range map[string]string{
			"http.request.header.x-team": "[blue green\uFFFD]", "http.response.header.content-length": "[5]",
			"http.response.header.content-type": "[text/plain; charset=utf-8]", "http.request.header.user-agent": "", "user_agent.original": "tester",
		} {
			if key == "http.response.header.content-length" {
				continue // which belongs to the wire
			}
			if got := s.Attributes[key]; got != want {
				t.Errorf("%s: %s is %q, want %q", s.Kind, key, got, want)
			}
		}
		if s.Resource["service.name"] != "edge" || s.Resource["deployment.environment.name"] != "test" {
			t.Errorf("resource %v", s.Resource)
		}
	}
	if query := server.Attributes["url.query"]; query != "page=2&token=REDACTED&a+b=1&REDACTED" {
		t.Errorf("url.query is %q", query)
	}
}

func TestHTTP2(t *testing.T) {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Got-Traceparent", r.Header.Get("traceparent"))
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	}))
	backend.Config.Protocols = &protocols
	backend.Start()
	defer backend.Close()
	tags := append(slices.Clone(app), "traefik.http.services.app.loadbalancer.server.scheme=h2c")
	r := start(t, world{tags: tags, instances: []string{backend.Listener.Addr().String()}})
	r.clients.Protocols = &protocols
	answer := r.do(http.MethodPost, "/app/Service/Call", "Content-Type: application/grpc", "TE: trailers")
	server, clients := byParents(t, r.Wait(t, 2))
	if answer.ProtoMajor != 2 || server.Attributes["network.protocol.version"] != "2" || clients[0].Attributes["network.protocol.version"] != "2" {
		t.Errorf("%s, %+v", answer.Proto, r.Spans())
	}
	if want := "00-" + server.TraceID + "-" + clients[0].ID + "-01"; answer.Header.Get("Got-Traceparent") != want {
		t.Errorf("the server was told %q, want %q", answer.Header.Get("Got-Traceparent"), want)
	}
}

// Copies of requests are tries of the same trace.
func TestMirrors(t *testing.T) {
	tags := []string{
		"traefik.http.routers.app.rule=PathPrefix(`/app`)",
		"traefik.http.routers.app.service=both",
		"traefik.http.services.main.loadbalancer.server.scheme=http",
		"traefik.http.services.both.mirroring.service=main",
		"traefik.http.services.both.mirroring.mirrors[0].name=main",
		"traefik.http.services.both.mirroring.mirrors[0].percent=100",
	}
	r := start(t, world{tags: tags, instances: []string{""}})
	r.get("/app")
	if _, clients := byParents(t, r.Wait(t, 3)); len(clients) != 2 {
		t.Errorf("%+v", r.Spans())
	}
}

// Who decides about a request is told of its trace, too.
func TestForwardAuth(t *testing.T) {
	asked := make(chan http.Header, 1)
	auth := lbtest.Serve(t, func(nc *net.TCPConn) {
		if request, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
			asked <- request.Header
			io.WriteString(nc, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		}
	})
	tags := []string{
		"traefik.http.routers.app.rule=PathPrefix(`/app`)",
		"traefik.http.routers.app.middlewares=auth",
		"traefik.http.middlewares.auth.forwardauth.address=http://" + auth,
	}
	r := start(t, world{tags: tags, instances: []string{""}})
	r.get("/app", "traceparent: "+parent)
	server, _ := byParents(t, r.Wait(t, 2))
	want := []string{"00-" + traceID + "-" + server.ID + "-01"}
	if got := (<-asked).Values("Traceparent"); !slices.Equal(got, want) {
		t.Errorf("the server that is asked was told %q, want %q", got, want)
	}
}
