package lb

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/watch"
)

// socketPath is one of a socket that may be made; folders of tests have names that
// are too long.
func socketPath(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return filepath.Join(folder, "sock")
}

// bySocket is a client of a socket, for any URL.
func bySocket(t *testing.T, path string, protocols *http.Protocols) *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
		Protocols: protocols, DisableCompression: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func dialSocket(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

// told answers with what it is told of the client.
func told(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s|%s|%s|%s", r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Real-Ip"), r.Header.Get("Forwarded"), r.Host)
}

func body(t *testing.T, answer *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// onSocket has the rig listen on a socket.
func onSocket(t *testing.T, path, options string) func(*ServerOptions) {
	t.Helper()
	l, err := listener.Parse("unix://" + path + options)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *ServerOptions) { o.Listeners = []listener.Listener{l} }
}

func TestListenOnSocket(t *testing.T) {
	path := socketPath(t)
	r := start(t, onSocket(t, path, ";mode=0600"), testRoute{prefix: "/", backends: []string{httpBackend(t, told)}})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	prior := new(http.Protocols)
	prior.SetUnencryptedHTTP2(true)
	for name, protocols := range map[string]*http.Protocols{"HTTP/1.1": nil, "HTTP/2": prior} {
		ask, _ := http.NewRequest(http.MethodGet, "http://shop.test/", http.NoBody)
		ask.Header.Set("X-Forwarded-For", "192.0.2.1")
		answer, err := bySocket(t, path, protocols).Do(ask)
		if got, want := body(t, answer, err), `unix:|unix:|for=unknown;by=unknown;host="shop.test";proto=http|shop.test`; got != want {
			t.Errorf("%s: the server is told %q, want %q", name, got, want)
		}
	}
	r.stop()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestTrustedSocket(t *testing.T) {
	path := socketPath(t)
	on := onSocket(t, path, "")
	start(t, func(o *ServerOptions) { on(o); o.TrustSockets = true }, testRoute{prefix: "/", backends: []string{httpBackend(t, told)}})
	ask, _ := http.NewRequest(http.MethodGet, "http://shop.test/", http.NoBody)
	ask.Header.Set("X-Forwarded-For", "192.0.2.1")
	answer, err := bySocket(t, path, nil).Do(ask)
	if got := body(t, answer, err); !strings.HasPrefix(got, "192.0.2.1, unix:|") {
		t.Errorf("the server is told %q", got)
	}
}

// What stands before the load balancer on the same machine says who the client is.
func TestProxyHeaderOnSocket(t *testing.T) {
	path := socketPath(t)
	start(t, onSocket(t, path, ";pxyproto=true"), testRoute{prefix: "/", backends: []string{httpBackend(t, told)}})
	for head, want := range map[string]string{
		"PROXY TCP4 192.0.2.9 192.0.2.1 4711 80\r\n": "192.0.2.9|192.0.2.9|for=192.0.2.9;by=192.0.2.1;",
		"": "unix:|unix:|for=unknown;",
	} {
		nc := dialSocket(t, path)
		io.WriteString(nc, head+"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
		if got := body(t, answer, err); !strings.HasPrefix(got, want) {
			t.Errorf("%q: the server is told %q, want %q", head, got, want)
		}
	}
}

func TestStreamsOnSocket(t *testing.T) {
	path := socketPath(t)
	p := pass(t, nil, "unix://"+path+";proto=tcp;name=in")
	ask := func() string {
		nc := dialSocket(t, path)
		io.WriteString(nc, "question")
		nc.CloseWrite()
		answer, _ := io.ReadAll(nc)
		return string(answer)
	}
	tags := []string{"traefik.tcp.routers.all.rule=HostSNI(`*`)", "traefik.tcp.routers.all.entrypoints=in"}
	p.set("db", []string{lbtest.Serve(t, counting("db"))}, tags...)
	if got := ask(); got != "db: question" {
		t.Errorf("%q", got)
	}
	p.set("db", []string{lbtest.Serve(t, counting("db"))}, append(tags,
		"traefik.tcp.routers.all.middlewares=few", "traefik.tcp.middlewares.few.ipallowlist.sourcerange=0.0.0.0/0,::/0")...)
	if got := ask(); got != "" {
		t.Errorf("%q for who has no address, where addresses decide", got)
	}
}

// socketBackend serves requests at a socket.
func socketBackend(t *testing.T, h http.HandlerFunc) (path string) {
	t.Helper()
	path = socketPath(t)
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	var err error
	if s.Listener, err = net.Listen("unix", path); err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Close)
	return path
}

// registered is an instance with a socket.
func registered(path, node string, tags ...string) watch.Instance {
	i := at("127.0.0.1", tags...)
	i.Node.Name, i.Service.Port, i.Service.SocketPath = node, 0, path
	return i
}

func TestForwardToSocket(t *testing.T) {
	near, far := socketBackend(t, told), socketBackend(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "another node's") })
	p := pass(t, func(o *ServerOptions) {
		o.Table.Locality.Node = "here"
		o.Table.Tags.Sockets = []string{filepath.Dir(near), filepath.Dir(far)}
	}, "127.0.0.1:0")
	p.catalog.set("web", registered(near, "here", "urlprefix-/ host=dst"), registered(far, "there", "urlprefix-/"))
	p.put(p.own.Build(p.catalog.snapshot()))
	for range 10 {
		answer, err := client(t).Get("http://" + p.address(0) + "/x")
		if got := body(t, answer, err); !strings.HasPrefix(got, "127.0.0.1|") || !strings.HasSuffix(got, "|localhost") {
			t.Fatalf("%q", got)
		}
	}
}

func TestSocketsElsewhereAreNotReached(t *testing.T) {
	path := socketBackend(t, told)
	p := pass(t, func(o *ServerOptions) { o.Table.Locality.Node = "here" }, "127.0.0.1:0")
	p.catalog.set("web", registered(path, "here", "urlprefix-/"))
	p.put(p.own.Build(p.catalog.snapshot()))
	answer, err := client(t).Get("http://" + p.address(0) + "/x")
	if body(t, answer, err); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d", answer.StatusCode)
	}
	problems := p.Table().Problems()
	if len(problems) != 1 || !strings.Contains(problems[0].Reason, "the socket "+path+" is in none of the folders") {
		t.Errorf("%v", problems)
	}
}

func TestPassOnToSocket(t *testing.T) {
	path := socketPath(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			said, _ := io.ReadAll(nc)
			fmt.Fprintf(nc, "db: %s", said)
			nc.Close()
		}
	}()
	p := pass(t, func(o *ServerOptions) {
		o.Table.Locality.Node = "here"
		o.Table.Tags.Sockets = []string{filepath.Dir(path)}
	}, "127.0.0.1:0;proto=tcp")
	p.catalog.set("db", registered(path, "here", "urlprefix-"+p.port(0)+" proto=tcp"))
	p.put(p.own.Build(p.catalog.snapshot()))
	if got := say(t, p.address(0), "question"); got != "db: question" {
		t.Errorf("%q", got)
	}
}
