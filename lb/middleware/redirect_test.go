package middleware

import (
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestRedirects(t *testing.T) {
	https := spec.RedirectScheme{Scheme: "https"}
	permanent := spec.RedirectScheme{Scheme: "https", Permanent: true}
	port := spec.RedirectScheme{Scheme: "https", Port: "8443"}
	regex := func(from, to string) spec.Middleware { return spec.RedirectRegex{Regex: from, Replacement: to} }
	for _, test := range []struct {
		spec     spec.Middleware
		request  string
		header   string
		status   int
		location string
	}{
		{https, "GET http://h:8080/p?q=1", "", 302, "https://h/p?q=1"},
		{https, "HEAD http://h/p", "", 307, "https://h/p"},
		{permanent, "GET http://h/", "", 301, "https://h/"},
		{permanent, "POST http://h/", "", 308, "https://h/"},
		{port, "GET http://h/", "", 302, "https://h:8443/"},
		{port, "GET https://h:8443/", "", 200, ""},
		{https, "GET https://h/", "", 200, ""},
		{https, "GET https://h:443/", "", 200, ""},
		{https, "GET http://h/", "X-Forwarded-Proto: https", 200, ""},
		{spec.RedirectScheme{Scheme: "https", Port: "443"}, "GET http://[::1]:80/", "", 302, "https://[::1]/"},
		{regex("^http://www\\.(.*)", "https://$1"), "GET http://www.h/p?q", "", 302, "https://h/p?q"},
		{regex("^http://www\\.(.*)", "https://$1"), "GET http://h/p", "", 200, ""},
		{regex("^.*$", "/login"), "GET http://h/p", "", 302, "/login"},
		{regex("h", "h"), "GET http://h/p", "", 200, ""},
		{regex("p", "a\r\nSet-Cookie: x=y"), "GET http://h/p", "", 302, "hTTa"},
	} {
		var lines []string
		if test.header != "" {
			lines = append(lines, test.header)
		}
		x, r := exchange(t, test.request, lines...)
		made(t, test.spec).Serve(x, upstream(200, "ok"))
		if test.location == "hTTa" { // what cannot be in a field is escaped
			test.location = "htta%0D%0ASet-Cookie:%20x=y://h/a%0D%0ASet-Cookie:%20x=y"
		}
		if got := r.header.Get("Location"); r.status != test.status || got != test.location {
			t.Errorf("%+v: %s was answered %d %q, want %d %q", test.spec, test.request, r.status, got, test.status, test.location)
		}
	}
}
