package lb

import (
	"slices"
	"strings"
)

// prefixedReply puts a prefix that was cut off a request's path in front of paths of
// its answer: the client knows them by no other.
type prefixedReply struct {
	Reply
	x      *Exchange
	prefix string // as in paths that are sent, without a slash at its end
	// location and cookies say which: that it redirects to, and those its cookies are
	// for.
	location, cookies bool
}

// Begin implements [Reply].
func (r *prefixedReply) Begin(status int, h *Header, length int64) error {
	if location := h.Get("Location"); r.location && location != "" {
		if to, changed := r.rewritten(location); changed {
			h.Set("Location", to)
		}
	}
	if r.cookies && h.Has("Set-Cookie") {
		lines := slices.Collect(h.Values("Set-Cookie"))
		h.Del("Set-Cookie")
		for _, line := range lines {
			h.Add("Set-Cookie", r.cookie(line))
		}
	}
	return r.Reply.Begin(status, h, length)
}

// cookie is one for the path below the prefix, unless it is for one already, or has to
// be for all paths (RFC 6265bis §4.1.3.2). Without a path it is for the client's own.
func (r *prefixedReply) cookie(line string) string {
	attributes := strings.Split(line, ";")
	if strings.HasPrefix(strings.TrimSpace(line), "__Host-") {
		return line
	}
	for i, attribute := range attributes[1:] {
		name, path, _ := strings.Cut(attribute, "=")
		path = strings.TrimSpace(path)
		if !strings.EqualFold(strings.TrimSpace(name), "Path") || !strings.HasPrefix(path, "/") {
			continue
		}
		switch {
		case path == "/": // and what has no slash behind the prefix
			attributes[i+1] = " Path=" + r.prefix
		case path != r.prefix && !strings.HasPrefix(path, r.prefix+"/"):
			attributes[i+1] = " Path=" + r.prefix + path
		}
	}
	return strings.Join(attributes, ";")
}

// rewritten is another location, unless it is on another host, below the prefix
// already, or relative to the path of the request.
func (r *prefixedReply) rewritten(location string) (to string, changed bool) {
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
