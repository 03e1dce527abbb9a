package lb

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// A Previewer is a middleware that can be tried on an exchange that nobody
// waits for: it changes the request as it would, and neither answers nor
// counts. The error says why the request would be refused.
type Previewer interface{ Preview(x *Exchange) error }

// pathMiddleware makes the middlewares that cut and add prefixes, which many
// routes have.
func pathMiddleware(s spec.Middleware) (Middleware, bool) {
	switch s := s.(type) {
	case spec.StripPrefix:
		return stripPrefixes(s), true
	case spec.AddPrefix:
		return addPrefix(s), true
	}
	return nil, false
}

type stripPrefixes spec.StripPrefix

// Serve implements [Middleware].
func (s stripPrefixes) Serve(x *Exchange, next Handler) {
	if s.RedirectBare && s.isBare(x.Request.Path) {
		x.Redirect(http.StatusMovedPermanently, x.RawPath+"/"+x.RawQuery)
		return
	}
	if !s.RewriteLocation && !s.RewriteCookies {
		x.ServeRewritten(s.Preview(x), next)
		return
	}
	reply := x.Reply
	prefix, err := s.cut(x)
	if prefix = strings.TrimRight(prefix, "/"); prefix != "" && err == nil {
		x.Reply = &prefixedReply{reply, x, escapePath(prefix), s.RewriteLocation, s.RewriteCookies}
	}
	x.ServeRewritten(err, next)
	x.Reply = reply
}

// isBare reports whether a path is one of the prefixes, without a slash at its end.
func (s stripPrefixes) isBare(path string) bool {
	return !strings.HasSuffix(path, "/") && slices.ContainsFunc(s.Prefixes, func(prefix string) bool {
		return strings.TrimSuffix(prefix, "/") == path
	})
}

// Preview implements [Previewer].
func (s stripPrefixes) Preview(x *Exchange) error {
	_, err := s.cut(x)
	return err
}

// cut cuts one of the prefixes, and tells which, empty if none was.
func (s stripPrefixes) cut(x *Exchange) (prefix string, err error) {
	if s.AlwaysForwarded && len(s.Prefixes) > 0 {
		x.Header.Set("X-Forwarded-Prefix", s.Prefixes[0])
	}
	for _, prefix := range s.Prefixes {
		cut, err := x.StripPrefix(prefix)
		if err == nil && !cut {
			continue
		}
		if err == nil && !s.AlwaysForwarded {
			x.Header.Append("X-Forwarded-Prefix", prefix)
		}
		return prefix, err
	}
	return "", nil
}

type addPrefix spec.AddPrefix

// Serve implements [Middleware].
func (a addPrefix) Serve(x *Exchange, next Handler) { x.ServeRewritten(a.Preview(x), next) }

// Preview implements [Previewer].
func (a addPrefix) Preview(x *Exchange) error { return x.AddPrefix(a.Prefix) }

// ServeRewritten goes on with a request whose path was changed, or refuses it if
// the change failed: then the path is not fit to be forwarded any more.
func (x *Exchange) ServeRewritten(err error, next Handler) {
	if err != nil {
		x.Outcome.Err = err
		x.AnswerText(http.StatusBadRequest, "400 bad request")
		return
	}
	next.Serve(x)
}
