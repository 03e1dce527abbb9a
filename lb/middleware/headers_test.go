package middleware

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestHeadersSetAndRemove(t *testing.T) {
	m := made(t, &spec.Headers{
		Request:  map[string]string{"x-new": "1", "X-Old": "", "Host": "inner.test"},
		Response: map[string]string{"Server": "", "X-Team": "a"},
	})
	x, r := exchange(t, "GET http://h/", "X-Old: 1", "x-new: 0")
	var seen lb.Header
	m.Serve(x, handler(func(x *lb.Exchange) {
		seen = *x.Header.Clone()
		upstream(200, "", "Server: nginx", "X-Team: b")(x)
	}))
	if seen.Has("X-Old") || seen.Get("X-New") != "1" || x.UpstreamHost != "inner.test" {
		t.Errorf("the upstream saw %v of host %q", seen, x.UpstreamHost)
	}
	if r.header.Has("Server") || r.header.Get("X-Team") != "a" {
		t.Errorf("the client saw %v", r.header)
	}
	if x.Reply != lb.Reply(r) {
		t.Error("the exchange did not get its reply back")
	}
}

func TestSecurityHeaders(t *testing.T) {
	all := &spec.Headers{
		STSSeconds: 10, STSIncludeSubdomains: true, STSPreload: true, FrameDeny: true, ContentTypeNosniff: true,
		BrowserXSSFilter: true, ContentSecurityPolicy: "default-src 'self'", ReferrerPolicy: "no-referrer",
		PermissionsPolicy: "camera=()", ContentSecurityPolicyReportOnly: "img-src *",
	}
	const always = `X-Frame-Options: DENY
X-Content-Type-Options: nosniff
X-XSS-Protection: 1; mode=block
Content-Security-Policy: default-src 'self'
Content-Security-Policy-Report-Only: img-src *
Referrer-Policy: no-referrer
Permissions-Policy: camera=()
`
	const sts = "Strict-Transport-Security: max-age=10; includeSubDomains; preload\n"
	forced := *all
	forced.ForceSTSHeader = true
	told := *all
	told.SSLProxyHeaders = map[string]string{"X-Forwarded-Proto": "https"}
	for name, test := range map[string]struct {
		spec    *spec.Headers
		request string
		want    string
	}{
		"plain":          {all, "X-Nothing: x", always},
		"forced":         {&forced, "X-Nothing: x", always + sts},
		"told by a peer": {&told, "X-Forwarded-Proto: https", always + sts},
		"custom": {
			&spec.Headers{CustomFrameOptionsValue: "SAMEORIGIN", CustomBrowserXSSValue: "0"}, "X-Nothing: x",
			"X-Frame-Options: SAMEORIGIN\nX-XSS-Protection: 0\n",
		},
	} {
		x, r := exchange(t, "GET http://h/", test.request)
		made(t, test.spec).Serve(x, upstream(200, ""))
		if got := text(&r.header); got != test.want {
			t.Errorf("%s: got\n%swant\n%s", name, got, test.want)
		}
	}
}

func text(h *lb.Header) string {
	var b strings.Builder
	for name, value := range h.All() {
		b.WriteString(name + ": " + value + "\n")
	}
	return b.String()
}

func TestHeadersRefuse(t *testing.T) {
	for _, test := range []struct {
		spec     *spec.Headers
		request  string
		line     string
		status   int
		location string
	}{
		{&spec.Headers{AllowedHosts: []string{"H"}}, "GET http://h/", "A: b", 200, ""},
		{&spec.Headers{AllowedHosts: []string{"i"}}, "GET http://h/", "A: b", 500, ""},
		{&spec.Headers{AllowedHosts: []string{"i"}, HostsProxyHeaders: []string{"X-Host"}}, "GET http://h/", "X-Host: i", 200, ""},
		{&spec.Headers{AllowedHosts: []string{"i"}, IsDevelopment: true}, "GET http://h/", "A: b", 200, ""},
		{&spec.Headers{SSLRedirect: true}, "GET http://h:80/a?b", "A: b", 301, "https://h/a?b"},
		{&spec.Headers{SSLRedirect: true, SSLTemporaryRedirect: true, SSLHost: "s:8443"}, "GET http://h/", "A: b", 307, "https://s:8443/"},
	} {
		x, r := exchange(t, test.request, test.line)
		made(t, test.spec).Serve(x, upstream(200, ""))
		if r.status != test.status || r.header.Get("Location") != test.location {
			t.Errorf("%+v: %s %s was answered %d %q", test.spec, test.request, test.line, r.status, r.header.Get("Location"))
		}
	}
}

func TestCORS(t *testing.T) {
	listed := &spec.Headers{
		AllowOriginList: []string{"https://a.test"}, AllowOriginListRegex: []string{`^https://[a-z]+\.b\.test$`},
		AllowMethods: []string{"GET", "PUT"}, AllowHeaders: []string{"X-A"}, MaxAge: 100, ExposeHeaders: []string{"X-B"},
		AddVaryHeader: true,
	}
	star := &spec.Headers{AllowOriginList: []string{"*"}}
	credentials := &spec.Headers{AllowOriginList: []string{"*"}, AllowCredentials: true}
	const preflight = "Access-Control-Request-Method: PUT"
	for name, test := range map[string]struct {
		spec      *spec.Headers
		request   string
		lines     []string
		forwarded bool
		want      string
	}{
		"preflight": {
			listed, "OPTIONS http://h/", []string{"Origin: https://a.test", preflight}, false,
			"Access-Control-Allow-Headers: X-A\nAccess-Control-Allow-Methods: GET,PUT\nAccess-Control-Max-Age: 100\n" +
				"Access-Control-Allow-Origin: https://a.test\nVary: Origin\n",
		},
		"preflight of a stranger": {
			listed, "OPTIONS http://h/", []string{"Origin: https://evil.test", preflight}, false,
			"Access-Control-Allow-Headers: X-A\nAccess-Control-Allow-Methods: GET,PUT\nAccess-Control-Max-Age: 100\nVary: Origin\n",
		},
		"plain OPTIONS": {star, "OPTIONS http://h/", nil, true, ""},
		"by expression": {
			listed, "GET http://h/", []string{"Origin: https://x.b.test"}, true,
			"Access-Control-Allow-Origin: https://x.b.test\nAccess-Control-Expose-Headers: X-B\nVary: Origin\n",
		},
		"a stranger": {
			listed, "GET http://h/", []string{"Origin: https://x.b.test.evil.test"}, true,
			"Access-Control-Expose-Headers: X-B\nVary: Origin\n",
		},
		"anyone": {star, "GET http://h/", []string{"Origin: https://x"}, true, "Access-Control-Allow-Origin: *\n"},
		"anyone with credentials": {
			credentials, "GET http://h/", []string{"Origin: https://x"}, true,
			"Access-Control-Allow-Origin: *\nAccess-Control-Allow-Credentials: true\n",
		},
	} {
		x, r := exchange(t, test.request, test.lines...)
		forwarded := false
		made(t, test.spec).Serve(x, handler(func(x *lb.Exchange) {
			forwarded = true
			upstream(200, "")(x)
		}))
		if got := text(&r.header); got != test.want || forwarded != test.forwarded || r.status != 200 {
			t.Errorf("%s: %d, forwarded %v, got\n%swant\n%s", name, r.status, forwarded, got, test.want)
		}
	}
}
