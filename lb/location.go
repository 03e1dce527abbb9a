package lb

import "strings"

// locationReply puts a prefix that was cut off a request's path in front of the
// path that its answer redirects to: the client knows it by no other.
type locationReply struct {
	Reply
	x      *Exchange
	prefix string // as in paths that are sent, without a slash at its end
}

// Begin implements [Reply].
func (r *locationReply) Begin(status int, h *Header, length int64) error {
	if location := h.Get("Location"); location != "" {
		if to, changed := r.rewritten(location); changed {
			h.Set("Location", to)
		}
	}
	return r.Reply.Begin(status, h, length)
}

// rewritten is another location, unless it is on another host, below the prefix
// already, or relative to the path of the request.
func (r *locationReply) rewritten(location string) (to string, changed bool) {
	base, path := "", location
	if scheme, rest, ok := strings.Cut(location, "://"); ok && (scheme == "http" || scheme == "https") {
		host := rest
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			host = rest[:i]
		}
		path = rest[len(host):]
		switch {
		case strings.EqualFold(host, r.x.Authority):
			base = scheme + "://" + host
		case r.x.Outcome.Target != nil && host == r.x.Outcome.Target.Key().Address:
			base = r.x.Scheme + "://" + r.x.Authority
		default:
			return "", false
		}
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		path == r.prefix || strings.HasPrefix(path, r.prefix+"/") {
		return "", false
	}
	return base + r.prefix + path, true
}
