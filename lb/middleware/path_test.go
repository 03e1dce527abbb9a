package middleware

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestPaths(t *testing.T) {
	regex := func(texts ...string) spec.Middleware { return spec.StripPrefixRegex{Regex: texts} }
	for _, test := range []struct {
		spec             spec.Middleware
		sent, want, told string // told is X-Forwarded-Prefix or X-Replaced-Path
	}{
		{regex("/a/[0-9]+"), "/a/12/z", "/z", "/a/12"},
		{regex("/a/[0-9]+"), "/a/12", "/", "/a/12"},
		{regex("/a/[0-9]+"), "/b/a/12/z", "/b/a/12/z", ""},
		{regex("/x", "/a"), "/a/b%2Fc?q=1", "/b%2Fc?q=1", "/a"},
		{regex("^"), "/a", "/a", ""},
		{spec.StripPrefixTemplate{Templates: []string{"/x", "/a/{id:[0-9]+}"}}, "/a/12/z", "/z", "/a/12"},
		{spec.StripPrefixTemplate{Templates: []string{"/a/{id}"}}, "/b", "/b", ""},
		{spec.ReplacePath{Path: "/n"}, "/old?q=1", "/n?q=1", "/old"},
		{spec.ReplacePath{Path: "n?x"}, "/old", "/n%3Fx", "/old"},
		{spec.ReplacePathRegex{Regex: "^/a/(.*)", Replacement: "/b/$1"}, "/a/x%2Fy", "/b/x%2Fy", "/a/x%2Fy"},
		{spec.ReplacePathRegex{Regex: "^/a/(.*)", Replacement: "/b/$1"}, "/c/x", "/c/x", ""},
		{spec.ReplacePathRegex{Regex: "^/", Replacement: "x?y/"}, "/c", "/x%3Fy/c", "/c"},
	} {
		x, r := exchange(t, "GET http://h"+test.sent)
		var got string
		made(t, test.spec).Serve(x, handler(func(x *lb.Exchange) {
			got = x.RawPath + x.RawQuery
			upstream(200, "ok")(x)
		}))
		told := x.Header.Get("X-Forwarded-Prefix") + x.Header.Get("X-Replaced-Path")
		if got != test.want || told != test.told || r.status != 200 {
			t.Errorf("%+v: %s became %s, told %q, status %d; want %s and %q", test.spec, test.sent, got, told, r.status, test.want, test.told)
		}
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		spec spec.Middleware
		sent string
	}{
		{spec.EncodedCharacters{}, "/a%2fb"},
		{spec.EncodedCharacters{AllowSlash: true}, "/a%3Bb"},
		{spec.StripPrefixRegex{Regex: []string{"/api"}}, "/api../x"},
		{spec.StripPrefixRegex{Regex: []string{"/[^/]*"}}, "/a%0d%0aX:%20y/z"},
		{spec.ReplacePathRegex{Regex: "x", Replacement: "..%2f"}, "/x"},
		{spec.ReplacePathRegex{Regex: "^.*$", Replacement: strings.Repeat("$0", 2000)}, "/" + strings.Repeat("x", 1000)},
		{spec.RedirectRegex{Regex: "^.*$", Replacement: strings.Repeat("$0", 2000)}, "/" + strings.Repeat("x", 1000)},
	} {
		x, r := exchange(t, "GET http://h"+test.sent)
		made(t, test.spec).Serve(x, handler(func(*lb.Exchange) { t.Errorf("%+v let %s pass", test.spec, test.sent) }))
		if r.status != 400 || x.Outcome.Err == nil {
			t.Errorf("%+v: %s was answered %d, %v", test.spec, test.sent, r.status, x.Outcome.Err)
		}
	}
	x, r := exchange(t, "GET http://h/a%2fb%20c")
	if made(t, spec.EncodedCharacters{AllowSlash: true}).Serve(x, upstream(200, "")); r.status != 200 {
		t.Errorf("an allowed character was answered %d", r.status)
	}
}
