package lb

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

func keyOfServer(s *httptest.Server) target.Key {
	return target.Key{Scheme: "http", Address: strings.TrimPrefix(s.URL, "http://")}
}

func TestSticky(t *testing.T) {
	members := []target.Member{{Key: target.Key{Scheme: "http", Address: "a:1"}, Weight: 1}, {Key: target.Key{Scheme: "http", Address: "b:1"}, Weight: 1}}
	p := target.NewRegistry(nil).Pool("web@traefik", members, target.Policy{Watched: true})
	r := &Route{Pool: p, sticky: newSticky(&spec.Cookie{Name: "wh ere", Secure: true, HTTPOnly: true, SameSite: "lax", MaxAge: 60, Domain: "x.test"}, p)}
	ask := func(cookie string) (*target.Target, string) {
		x := &Exchange{}
		if cookie != "" {
			x.Header.Add("Cookie", "other=1; "+cookie)
		}
		picked, fresh := r.pick(x)
		if !fresh {
			return picked, ""
		}
		h := &Header{}
		r.sticky.set(h, cookieValue(picked.Key().String()))
		return picked, h.Get("Set-Cookie")
	}
	first, set := ask("")
	cookie, attributes, _ := strings.Cut(set, ";")
	if attributes != " Path=/; Domain=x.test; Max-Age=60; HttpOnly; Secure; SameSite=Lax" || !strings.HasPrefix(cookie, "wh_ere=") {
		t.Errorf("cookie %q", set)
	}
	if strings.Contains(set, "a:1") {
		t.Errorf("the cookie tells an address: %q", set)
	}
	for range 4 {
		if again, set := ask(cookie); again != first || set != "" {
			t.Errorf("sent to %v, cookie %q", again.Key(), set)
		}
	}
	if _, set := ask("wh_ere=unknown"); set == "" {
		t.Error("an unknown value is not replaced")
	}
	p.SetUp(first, false)
	if other, set := ask(cookie); other == first || set == "" {
		t.Errorf("sent to the one that is down; cookie %q", set)
	}
}

func TestCookieNames(t *testing.T) {
	if a, b := cookieName("", "a"), cookieName("", "b"); a == b || len(a) != 6 || a[0] != '_' {
		t.Errorf("made names %q and %q", a, b)
	}
	if name := cookieName("a=b;c\nd", "a"); name != "a_b_c_d" {
		t.Errorf("name %q", name)
	}
}

func TestHealthChecks(t *testing.T) {
	var well atomic.Bool
	well.Store(true)
	asked := make(chan *http.Request, 100)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			select {
			case asked <- r.Clone(context.Background()):
			default:
			}
			if !well.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	}))
	defer backend.Close()
	check := spec.DefaultHealthCheck()
	check.Path, check.Hostname, check.Headers, check.Interval = "/health", "checked.test", map[string]string{"X-A": "b"}, 10*time.Millisecond

	registry := target.NewRegistry(nil)
	pool := registry.Pool("web", []target.Member{{Key: keyOfServer(backend), Weight: 1}}, target.Policy{Watched: true})
	route := &Route{Pool: pool, health: check}
	p := &prober{log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	ctx, cancel := context.WithCancel(context.Background())
	p.begin(ctx)
	p.replace(nil, []*Route{route, route})
	up := func() bool { return pool.Pick(0) != nil }

	r := <-asked
	if r.Host != "checked.test" || r.Header.Get("X-A") != "b" || r.Method != http.MethodGet {
		t.Errorf("asked %s %s of %s with %v", r.Method, r.URL, r.Host, r.Header)
	}
	well.Store(false)
	eventually(t, "the target is given up", func() bool { return !up() })
	well.Store(true)
	eventually(t, "the target is taken back", up)

	// The checks go on while one of two routes is left.
	p.replace([]*Route{route}, nil)
	well.Store(false)
	eventually(t, "the target is given up again", func() bool { return !up() })
	p.replace([]*Route{route}, nil)
	if len(p.running) != 0 {
		t.Error("the checks of a pool without routes go on")
	}
	cancel()
	p.wait()
}

// TestCookieValue: clients with a cookie of Traefik stay where they are.
func TestCookieValue(t *testing.T) {
	if got, want := cookieValue("http://127.0.0.1:8080"), "d30a576c03187167"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}
