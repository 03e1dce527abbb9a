package tracing

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

func TestRetriesAreTriesOfTheirOwn(t *testing.T) {
	r := start(t, world{tags: app, instances: []string{lbtest.Refusing(t), ""}})
	var spans []tracingtest.Span
	for i := 0; len(spans) < 3; i++ { // until the turn is at the one that refuses
		if i > 10 {
			t.Fatal("no request was tried twice")
		}
		path := "/app/" + strconv.Itoa(i)
		r.get(path)
		spans = r.of(path)
	}
	server, clients := byParents(t, spans)
	if server.Status != "unset" || server.Attributes["http.response.status_code"] != "200" || len(clients) != 2 {
		t.Fatalf("%+v", r.Spans())
	}
	first, second := clients[0], clients[1]
	if first.Attributes["error.type"] != "connect" || first.Status != "error" || !strings.Contains(first.Message, "refused") || first.Attributes["http.request.resend_count"] != "" {
		t.Errorf("first try: %+v", first)
	}
	if second.Status != "unset" || second.Attributes["http.request.resend_count"] != "1" || second.Attributes["http.response.status_code"] != "200" {
		t.Errorf("second try: %+v", second)
	}
}

func TestStatusesOfTargets(t *testing.T) {
	r := start(t, world{tags: app, instances: []string{""}})
	for status, want := range map[int]struct{ server, client string }{404: {"unset", "error"}, 500: {"error", "error"}, 304: {"unset", "unset"}} {
		r.Forget()
		r.get("/app", "X-Answer: "+strconv.Itoa(status))
		server, clients := byParents(t, r.Wait(t, 2))
		if server.Status != want.server || clients[0].Status != want.client {
			t.Errorf("%d: %+v", status, r.Spans())
		}
		if kind := clients[0].Attributes["error.type"]; want.client == "error" && kind != strconv.Itoa(status) {
			t.Errorf("%d: error.type is %q", status, kind)
		}
	}
}

// An answer that breaks off is no success, though its status was.
func TestTruncatedAnswer(t *testing.T) {
	backend := lbtest.Serve(t, func(nc *net.TCPConn) {
		if _, err := http.ReadRequest(bufio.NewReader(nc)); err == nil {
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhel")
		}
	})
	r := start(t, world{tags: app, instances: []string{backend}})
	r.raw("GET /app HTTP/1.1\r\nHost: shop.test\r\n\r\n")
	server, clients := byParents(t, r.Wait(t, 2))
	for _, s := range append(clients, server) {
		if s.Status != "error" || s.Attributes["error.type"] == "" || s.Attributes["http.response.status_code"] != "200" {
			t.Errorf("%+v", s)
		}
	}
}

// Clients may leave when they like: that is told, and no failure.
func TestClientLeaves(t *testing.T) {
	left := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		<-left
		for r.Context().Err() == nil {
			w.Write(make([]byte, 1<<16))
		}
	}))
	defer server.Close()
	r := start(t, world{tags: app, instances: []string{server.Listener.Addr().String()}})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/app", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := r.clients.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	close(left)
	own, clients := byParents(t, r.Wait(t, 2))
	if own.Status != "unset" || own.Attributes["error.type"] != "client_gone" || clients[0].Status != "unset" {
		t.Errorf("%+v", r.Spans())
	}
}

// An answer that is replaced is told of as it was.
func TestReplacedAnswer(t *testing.T) {
	tags := append(slices.Clone(app), "traefik.http.routers.app.middlewares=pages",
		"traefik.http.middlewares.pages.errors.status=418", "traefik.http.middlewares.pages.errors.service=app",
		"traefik.http.middlewares.pages.errors.query=/page",
		"traefik.http.services.app.loadbalancer.server.scheme=http")
	r := start(t, world{tags: tags, instances: []string{""}})
	r.get("/app/x", "X-Answer: 418")
	own, clients := byParents(t, r.of("/app/x"))
	if len(clients) != 2 || own.Attributes["http.response.status_code"] != "418" || own.Status != "unset" {
		t.Fatalf("%+v", r.Spans())
	}
	if first := clients[0].Attributes; first["http.response.status_code"] != "418" || first["error.type"] != "418" || clients[0].Message != "" {
		t.Errorf("%+v", clients[0])
	}
}
