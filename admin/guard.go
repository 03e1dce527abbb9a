package admin

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard lets through what may be answered, and sets the headers that keep
// browsers from doing more with the answer than show it.
func guard(next http.Handler, hosts hostCheck) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !hosts.allow(r):
			writeProblem(w, problem{
				Status: http.StatusForbidden,
				Detail: fmt.Sprintf("the host %q is not a name of this listener; use localhost or its address, or add the name to admin.hosts", r.Host),
			})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isDeliberate reports whether a request that changes something was made by who
// means it: browsers send this type to no other host without asking first, which
// is not answered, and tell what page a request comes from.
func isDeliberate(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "application/json" && http.NewCrossOriginProtection().Check(r) == nil
}

// hostCheck knows the names a request may ask for. A page whose own name was
// made to resolve to this machine still sends its own name; that gives it away.
type hostCheck struct {
	names []string // lower case
	all   bool     // a unix socket: no browser gets there
}

func newHostCheck(o Options, l net.Listener) hostCheck {
	if l.Addr().Network() == "unix" {
		return hostCheck{all: true}
	}
	c := hostCheck{names: []string{"localhost"}}
	if host, _, err := net.SplitHostPort(o.Listen); err == nil && net.ParseIP(host) == nil && host != "" {
		c.names = append(c.names, strings.ToLower(host)) // addresses are judged by allow
	}
	for _, name := range o.Hosts {
		c.names = append(c.names, strings.ToLower(name))
	}
	return c
}

// allow takes known names, loopback addresses, and the address the request came
// in at. No host at all (HTTP/1.0 probes) is nothing a browser sends.
func (c hostCheck) allow(r *http.Request) bool {
	if c.all || r.Host == "" {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if slices.Contains(c.names, strings.ToLower(strings.TrimSuffix(host, "."))) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ip.IsLoopback() || local != nil && local.AddrPort().Addr().Unmap() == ip.Unmap()
}
