package tags

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// parseFabioRedirect reads "CODE,URL".
func parseFabioRedirect(text string) (r spec.Redirect, err *fabioError) {
	const syntax = "redirect=301,https://host/path, where $host and $path stand for the request's"
	code, target, ok := strings.Cut(text, ",")
	if !ok || strings.Contains(target, ",") {
		return r, &fabioError{0, "the redirect is not of the form CODE,URL", syntax}
	}
	r.Code, _ = strconv.Atoi(code)
	r.URL = target
	if err := r.Validate(); err != nil {
		return r, &fabioError{0, err.Error(), syntax}
	}
	if u, err := url.Parse(strings.NewReplacer("$host", "host", "$path", "/path").Replace(target)); err != nil || u.Scheme == "" || u.Host == "" {
		return r, &fabioError{len(code) + 1, "the redirect leads to no absolute URL", syntax}
	}
	return r, nil
}

// elsewhere holds for requests that the redirect of a route takes to another
// place. The others are for the route after it: to send them where they are
// would be to send them in circles.
type elsewhere struct {
	scheme, host, path string // of the target, with $host and $path
	strip, add         string
}

func (t fabioTag) elsewhere() elsewhere {
	scheme, rest, _ := strings.Cut(t.redirect.URL, "://")
	// $path may stand right behind the host.
	rest = strings.Replace(rest, "/$path", "$path", 1)
	end := strings.IndexAny(rest, "/?#")
	if i := strings.Index(rest, "$path"); i >= 0 && (end < 0 || i < end) {
		end = i
	}
	e := elsewhere{scheme: strings.ToLower(scheme), host: rest, strip: t.strip, add: t.add}
	if end >= 0 {
		e.host, e.path = rest[:end], rest[end:]
	}
	if i := strings.IndexAny(e.path, "?#"); i >= 0 {
		e.path = e.path[:i]
	}
	if !strings.Contains(e.path, "$path") {
		if plain, err := url.PathUnescape(e.path); err == nil {
			e.path = plain
		}
	}
	if e.path == "" {
		e.path = "/"
	}
	return e
}

// Match implements [match.Expr].
func (e elsewhere) Match(r *match.Request) bool {
	if e.scheme != scheme(r) || !e.isHost(r) {
		return true
	}
	if !strings.Contains(e.path, "$path") {
		return e.path != r.Path
	}
	path := r.Path
	if cut, ok := strings.CutPrefix(path, e.strip); ok && e.strip != "" {
		path = "/" + strings.TrimPrefix(cut, "/")
	}
	return strings.Replace(e.path, "$path", e.add+path, 1) != r.Path
}

// isHost reports whether the target's host is the request's. A port the scheme
// implies is none.
func (e elsewhere) isHost(r *match.Request) bool {
	if e.host == "$host" {
		return true
	}
	name, port := e.host, uint64(0)
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, ']') {
		port, _ = strconv.ParseUint(name[i+1:], 10, 16)
		name = name[:i]
	}
	if name != "$host" && !strings.EqualFold(name, r.Host) {
		return false
	}
	return withoutDefault(port, e.scheme) == withoutDefault(uint64(r.Port), scheme(r))
}

func withoutDefault(port uint64, scheme string) uint64 {
	if port == 80 && scheme == "http" || port == 443 && scheme == "https" {
		return 0
	}
	return port
}

// scheme is how the client spoke to the outermost proxy, as far as it says so.
func scheme(r *match.Request) string {
	if r.Fields != nil {
		if proto, ok := r.Fields.Header("X-Forwarded-Proto", 0); ok {
			return strings.ToLower(proto)
		}
	}
	if r.TLS {
		return "https"
	}
	return "http"
}

func (e elsewhere) String() string {
	return "LeadsElsewhere(`" + e.scheme + "://" + e.host + e.path + "`)"
}
