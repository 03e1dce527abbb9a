package lb

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

func TestLocationsBelowACutPrefix(t *testing.T) {
	var location, own string
	address := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", strings.ReplaceAll(location, "BACKEND", own))
		w.WriteHeader(http.StatusFound)
	})
	own = address
	strip := spec.StripPrefix{Prefixes: []string{"/app"}, RewriteLocation: true}
	r := start(t, nil, testRoute{prefix: "/app", backends: []string{address}, change: func(r *Route) { r.handler = chainOf(t, strip) }})
	for from, want := range map[string]string{
		"/login?a=/b":                "/app/login?a=/b",
		"/":                          "/app/",
		"login":                      "login",
		"../login":                   "../login",
		"/app/login":                 "/app/login",
		"/application":               "/app/application",
		"//other.test/x":             "//other.test/x",
		"http://other.test/x":        "http://other.test/x",
		"https://" + r.addr + "/x":   "https://" + r.addr + "/app/x",
		"http://" + r.addr:           "http://" + r.addr + "/app/",
		"http://BACKEND/x":           "http://" + r.addr + "/app/x",
		"ftp://" + r.addr + "/x":     "ftp://" + r.addr + "/x",
		"mailto:postmaster@app.test": "mailto:postmaster@app.test",
	} {
		location = from
		answer, err := client(t).Get(r.url("/app/page"))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := answer.Header.Get("Location"); got != want {
			t.Errorf("%s becomes %s, want %s", from, got, want)
		}
	}
}

// Cookies are for what the client knows: else it would not send them.
func TestCookiesBelowACutPrefix(t *testing.T) {
	sent := map[string]string{
		"a=1; Path=/; HttpOnly":       "a=1; Path=/app; HttpOnly",
		"a=1; path = /x; Secure":      "a=1; Path=/app/x; Secure",
		"a=1;Path=/x/":                "a=1; Path=/app/x/",
		"a=1; Path=/app":              "a=1; Path=/app",
		"a=1; Path=/app/x":            "a=1; Path=/app/x",
		"a=1; Path=/application":      "a=1; Path=/app/application",
		"a=1":                         "a=1",
		"a=Path=/x":                   "a=Path=/x",
		"a=1; Path=; Max-Age=1":       "a=1; Path=; Max-Age=1",
		"a=1; Path=x":                 "a=1; Path=x",
		"__Host-a=1; Secure; Path=/":  "__Host-a=1; Secure; Path=/",
		"a=1; Expires=Thu; Path=/b c": "a=1; Expires=Thu; Path=/app/b c",
	}
	var lines []string
	for line := range sent {
		lines = append(lines, line)
	}
	address := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { w.Header()["Set-Cookie"] = lines })
	cookies := spec.StripPrefix{Prefixes: []string{"/app"}, RewriteCookies: true}
	location := spec.StripPrefix{Prefixes: []string{"/other"}, RewriteLocation: true}
	r := start(t, nil, testRoute{prefix: "/app", backends: []string{address}, change: func(r *Route) { r.handler = chainOf(t, cookies) }},
		testRoute{prefix: "/other", backends: []string{address}, change: func(r *Route) { r.handler = chainOf(t, location) }})
	for path, rewrites := range map[string]bool{"/app/page": true, "/other/page": false} {
		answer, err := client(t).Get(r.url(path))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		for i, got := range answer.Header["Set-Cookie"] {
			want := lines[i]
			if rewrites {
				want = sent[want]
			}
			if got != want {
				t.Errorf("%s: %q becomes %q, want %q", path, lines[i], got, want)
			}
		}
		if len(answer.Header["Set-Cookie"]) != len(lines) {
			t.Errorf("%s: %d cookies", path, len(answer.Header["Set-Cookie"]))
		}
	}
}

func TestBarePrefixes(t *testing.T) {
	address := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/at"+r.RequestURI)
		w.WriteHeader(http.StatusSeeOther)
	})
	tags := []string{
		"traefik.frontend.rule=PathPrefixStrip:/cerebro/",
		"traefik.frontends.b.rule=Host:" + "h.test" + ";PathPrefixStrip:/products,/goods/;Method:GET",
	}
	modern := []string{
		"traefik.http.routers.app.rule=PathPrefix(`/app`)", "traefik.http.routers.app.middlewares=cut",
		"traefik.http.middlewares.cut.stripprefix.prefixes=/app",
	}
	for _, on := range []bool{true, false} {
		c := startWithCatalog(t, func(s *watchtest.Source) {
			registerAmong(s, "old", tags, watch.Passing, address)
			registerAmong(s, "modern", modern, watch.Passing, address)
			s.Set(watch.Services{}, []watch.ServiceTags{{Name: "old", Tags: tags}, {Name: "modern", Tags: modern}})
		}, func(o *ServerOptions) { o.Table.Tags.RedirectBare, o.Table.Tags.RewriteLocation = on, on })
		eventually(t, "the catalog was read", c.Ready)
		for _, test := range []struct{ method, host, path, want, off string }{
			{"GET", "x", "/cerebro?q=1", "301 /cerebro/?q=1", "404 "},
			{"GET", "x", "/cerebro/", "303 /cerebro/at/", "303 /at/"},
			{"GET", "x", "/cerebro/x", "303 /cerebro/at/x", "303 /at/x"},
			{"GET", "x", "/cerebroz", "404 ", "404 "},
			{"GET", "h.test", "/products", "301 /products/", "303 /at/"},
			{"GET", "h.test", "/goods", "301 /goods/", "404 "},
			{"POST", "h.test", "/goods", "404 ", "404 "},
			{"GET", "x", "/goods", "404 ", "404 "},
			{"GET", "h.test", "/productsx", "303 /products/at/x", "303 /at/x"},
			{"GET", "x", "/app", "301 /app/", "303 /at/"},
			{"GET", "x", "/app/y", "303 /app/at/y", "303 /at/y"},
		} {
			r, _ := http.NewRequestWithContext(t.Context(), test.method, c.url(test.path), http.NoBody)
			r.Host = test.host
			answer, err := client(t).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			want := test.off
			if on {
				want = test.want
			}
			if got := answer.Status[:3] + " " + answer.Header.Get("Location"); got != want {
				t.Errorf("%v: %s %s%s: %q, want %q", on, test.method, test.host, test.path, got, want)
			}
		}
	}
}
