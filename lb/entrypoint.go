package lb

import (
	"cmp"
	"net"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// entrypoint is what rules call the listener.
func (l *Listener) entrypoint() string { return cmp.Or(l.Name, l.Address) }

// EntrypointAddress is how clients reach a listener.
type EntrypointAddress struct {
	Scheme string // "http" or "https"
	Port   string
}

// entrypointAddresses are those of the listeners for HTTP, as they are
// configured.
func entrypointAddresses(listeners []Listener) map[string]EntrypointAddress {
	addresses := map[string]EntrypointAddress{}
	for i := range listeners {
		l := &listeners[i]
		scheme := "http"
		if l.HasTLS() {
			scheme = "https"
		}
		if _, port, err := net.SplitHostPort(l.Address); err == nil {
			addresses[l.entrypoint()] = EntrypointAddress{scheme, port}
		}
	}
	return addresses
}

// entrypointMiddlewares are those of listeners, as tags and the configuration call them.
func entrypointMiddlewares(listeners []Listener) map[string][]string {
	names := map[string][]string{}
	for i := range listeners {
		for _, name := range listeners[i].Middlewares {
			if !strings.Contains(name, "@") {
				name += "@" + string(tags.File)
			}
			names[listeners[i].entrypoint()] = append(names[listeners[i].entrypoint()], name)
		}
	}
	return names
}

// entrypointTLSOptions are the TLS options listeners name.
func entrypointTLSOptions(listeners []Listener) map[string]string {
	names := map[string]string{}
	for i := range listeners {
		if l := &listeners[i]; l.TLSOptions != "" {
			names[l.entrypoint()] = tlsOptionsName(l.TLSOptions)
		}
	}
	return names
}

// entrypoints are the names of all listeners, and other names that routes may
// call some of them by: the first that speaks HTTP is "web" and "http", the first
// that speaks HTTPS "websecure" and "https", unless a listener has that name.
//
// While no listener has a name and all are of one kind, there are no names at
// all: each route is served on each listener, whatever it asks for.
func entrypoints(listeners []Listener) (names []string, aliases map[string]string) {
	first := map[string]*Listener{}
	named := false
	for i := range listeners {
		l := &listeners[i]
		names = append(names, l.entrypoint())
		named = named || l.Name != ""
		kind := l.Proto
		if kind == ProtoHTTPSAndSNI {
			kind = ProtoHTTPS
		}
		if first[kind] == nil {
			first[kind] = l
		}
	}
	if !named && (first[ProtoHTTP] == nil || first[ProtoHTTPS] == nil) {
		return nil, nil
	}
	aliases = map[string]string{}
	for alias, kind := range map[string]string{
		"web": ProtoHTTP, "http": ProtoHTTP, "websecure": ProtoHTTPS, "https": ProtoHTTPS,
	} {
		if first[kind] != nil && !slices.Contains(names, alias) {
			aliases[alias] = first[kind].entrypoint()
		}
	}
	return names, aliases
}
