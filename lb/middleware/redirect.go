package middleware

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// redirectStatus is the status of a redirect: what may change the method of the
// next request is for GET only.
func redirectStatus(method string, permanent bool) int {
	switch {
	case method == http.MethodGet && permanent:
		return http.StatusMovedPermanently
	case method == http.MethodGet:
		return http.StatusFound
	case permanent:
		return http.StatusPermanentRedirect
	}
	return http.StatusTemporaryRedirect
}

type redirectScheme struct {
	scheme, port string // port is empty if it is the scheme's own
	permanent    bool
	listener     string // the port of which what came there is served, if any
}

func newRedirectScheme(s spec.RedirectScheme) redirectScheme {
	r := redirectScheme{strings.ToLower(s.Scheme), s.Port, s.Permanent, ""}
	if s.AtListener {
		r.listener = s.Port
	}
	if r.scheme == "http" && r.port == "80" || r.scheme == "https" && r.port == "443" {
		r.port = ""
	}
	return r
}

// Serve implements [lb.Middleware].
func (r redirectScheme) Serve(x *lb.Exchange, next lb.Handler) {
	if r.listener != "" && r.listener == strconv.Itoa(int(x.Local.Port())) {
		next.Serve(x)
		return
	}
	to := r.scheme + "://" + withoutPort(x.Authority)
	if r.port != "" {
		to += ":" + r.port
	}
	to += x.RawPath + x.RawQuery
	if to == location(x) {
		next.Serve(x)
		return
	}
	x.Redirect(redirectStatus(x.Request.Method, r.permanent), to)
}

type redirectRegex struct {
	expression  *regexp.Regexp
	replacement string
	permanent   bool
}

func newRedirectRegex(s spec.RedirectRegex) redirectRegex {
	return redirectRegex{regexp.MustCompile(s.Regex), s.Replacement, s.Permanent}
}

// Serve implements [lb.Middleware].
func (r redirectRegex) Serve(x *lb.Exchange, next lb.Handler) {
	from := location(x)
	to, err := replace(r.expression, from, r.replacement)
	if err == nil && to != from && r.expression.MatchString(from) {
		x.Redirect(redirectStatus(x.Request.Method, r.permanent), to)
		return
	}
	x.ServeRewritten(err, next)
}

// location is the request's own address, as the client sees it.
func location(x *lb.Exchange) string {
	host := x.Authority
	scheme := clientScheme(x)
	if scheme == "https" && strings.HasSuffix(host, ":443") || scheme == "http" && strings.HasSuffix(host, ":80") {
		host = withoutPort(host)
	}
	return scheme + "://" + host + x.RawPath + x.RawQuery
}

func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}

// clientScheme is how the client spoke to the outermost proxy that is trusted.
func clientScheme(x *lb.Exchange) string {
	switch scheme := x.Header.Get("X-Forwarded-Proto"); strings.ToLower(scheme) {
	case "https", "wss":
		return "https"
	case "http", "ws":
		return "http"
	}
	return x.Scheme
}
