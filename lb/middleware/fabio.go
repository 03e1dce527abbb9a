package middleware

import (
	"net/http"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// redirectTo is Fabio's redirect.
type redirectTo struct {
	status int
	url    string // "/$path" is "$path" in it: the path brings its own slash
	part   string // the fragment, with its "#"
}

func newRedirectTo(s spec.Redirect) redirectTo {
	url, part := s.URL, ""
	if i := strings.IndexByte(url, '#'); i >= 0 {
		url, part = url[:i], url[i:]
	}
	return redirectTo{s.Code, strings.Replace(url, "/$path", "$path", 1), part}
}

// Serve implements [lb.Middleware].
func (r redirectTo) Serve(x *lb.Exchange, _ lb.Handler) { x.Redirect(r.status, r.location(x)) }

func (r redirectTo) location(x *lb.Exchange) string {
	to := strings.Replace(r.url, "$host", x.Authority, 1)
	before, after, withPath := strings.Cut(to, "$path")
	if withPath {
		to = before + x.RawPath + after
		if !strings.Contains(before+after, "?") {
			to += x.RawQuery
		}
	}
	if scheme := strings.Index(to, "://"); scheme >= 0 && !strings.Contains(to[scheme+len("://"):], "/") {
		end := len(to)
		if i := strings.IndexByte(to, '?'); i >= 0 {
			end = i
		}
		to = to[:end] + "/" + to[end:]
	}
	return to + r.part
}

// addQuery puts its parameters in front of the request's.
type addQuery spec.AddQuery

// Serve implements [lb.Middleware].
func (a addQuery) Serve(x *lb.Exchange, next lb.Handler) {
	_ = a.Preview(x) // is nil
	next.Serve(x)
}

// Preview implements [lb.Previewer].
func (a addQuery) Preview(x *lb.Exchange) error {
	query := "?" + a.Query
	if len(x.RawQuery) > 1 {
		query += "&" + x.RawQuery[1:]
	}
	x.RawQuery = query
	return nil
}

// unauthorized lets nobody in.
type unauthorized struct{}

// Serve implements [lb.Middleware].
func (unauthorized) Serve(x *lb.Exchange, _ lb.Handler) {
	h := &lb.Header{}
	h.Add("Content-Type", "text/plain; charset=utf-8")
	x.Answer(http.StatusUnauthorized, h, authorizationFailed)
}
