package lb

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// rig is a running server whose table is given instead of built.
type rig struct {
	*Server
	t    testing.TB
	addr string
	stop func() // ends Run and waits for it
	err  error  // what Run returned, after stop
}

// testRoute is a route by path prefix to backends, by their addresses, with a
// scheme in front if that is not http.
type testRoute struct {
	prefix   string
	backends []string
	change   func(*Route)
	balance  *spec.LoadBalancer
}

// start runs a server on one listener. The options may be changed first.
func start(t testing.TB, change func(*ServerOptions), routes ...testRoute) *rig {
	t.Helper()
	o := DefaultServerOptions()
	o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "http"}}
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	o.ServerName = "lb.test"
	if change != nil {
		change(&o)
	}
	s, err := New(o, watch.New(watch.DefaultOptions()))
	if err != nil {
		t.Fatal(err)
	}
	s.build = func(*watch.Snapshot) *Table { return tableOf(s.targets, routes) }
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	r := &rig{Server: s, t: t, addr: s.entries[0].address.String()}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		r.err = s.Run(ctx)
		close(ended)
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(r.stop)
	eventually(t, "the server is ready", func() bool { return len(routes) == 0 || s.Ready() })
	return r
}

// tableOf makes a table without a catalog; no routes make an incomplete one.
func tableOf(p Pools, routes []testRoute) *Table {
	table := &Table{pending: len(routes) == 0}
	for _, tr := range routes {
		var members []target.Member
		for _, address := range tr.backends {
			key := target.Key{Scheme: "http", Address: address}
			if scheme, rest, ok := strings.Cut(address, "://"); ok {
				key.Scheme, key.Address = scheme, rest
			}
			key.SkipVerify = key.Scheme == "https"
			members = append(members, target.Member{Key: key, Weight: 1})
		}
		r := &Route{
			Route: &tags.Route{
				Declaration: tags.Declaration{Name: tr.prefix, Dialect: tags.Fabio, Service: "test"},
				Precedence:  match.Precedence{Class: match.BySpecificity, Path: tr.prefix, Name: tr.prefix},
			},
			Linked:   Linked{Match: match.PathPrefix{Text: tr.prefix}, Pool: p.Pool(tr.prefix, members, policy(tr.balance))},
			PassHost: true,
			handler:  lastHandler{},
		}
		r.balance(tr.balance)
		if tr.change != nil {
			tr.change(r)
		}
		r.rule = match.Route{Expr: r.Match, Precedence: &r.Precedence, Value: r}
		table.routes = append(table.routes, r)
	}
	slices.SortFunc(table.routes, compareRoutes)
	table.index = match.NewIndex(rules(table.routes))
	return table
}

// chainOf is the handler of a route with these middlewares.
func chainOf(t testing.TB, steps ...spec.Middleware) Handler {
	t.Helper()
	chain := Handler(lastHandler{})
	for _, step := range slices.Backward(steps) {
		m, err := (&linker{}).middlewareOf("test", step)
		if err != nil {
			t.Fatal(err)
		}
		chain = &chained{&Step{middleware: m}, chain}
	}
	return chain
}

// handlerFunc is a function as a Handler.
type handlerFunc func(x *Exchange)

func (f handlerFunc) Serve(x *Exchange) { f(x) }

func (r *rig) url(path string) string { return "http://" + r.addr + path }

// client returns an HTTP client that keeps no connection after the test.
func client(t testing.TB) *http.Client {
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// raw sends text as it is on a connection of its own and returns all that comes
// back until the server closes it.
func (r *rig) raw(text string) string {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		r.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		r.t.Logf("after %q: %v", answer, err)
	}
	return string(answer)
}

// get fetches and returns status and body.
func (r *rig) get(path string) (int, string) {
	r.t.Helper()
	resp, err := client(r.t).Get(r.url(path))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// httpBackend starts an upstream and returns its address.
func httpBackend(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	return lbtest.HTTP(t, h)
}

// rawBackend starts an upstream that reads a request's head and then does with
// the connection what it likes; the connection is closed afterwards.
func rawBackend(t testing.TB, serve func(head string, conn net.Conn, r *bufio.Reader)) string {
	t.Helper()
	return lbtest.Serve(t, func(conn *net.TCPConn) {
		r := bufio.NewReader(conn)
		var head strings.Builder
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
			head.WriteString(line)
		}
		serve(head.String(), conn, r)
	})
}

// echo answers with the request as it arrived.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s\nHost: %s\n", r.Method, r.RequestURI, r.Host)
	var lines []string
	for name, values := range r.Header {
		lines = append(lines, name+": "+strings.Join(values, " | "))
	}
	slices.Sort(lines)
	fmt.Fprintf(w, "%s\n\n%s", strings.Join(lines, "\n"), body)
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	lbtest.Eventually(t, what, condition)
}
