package lb

import (
	"net"
	"strings"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// EntrypointAddress is how clients reach a listener.
type EntrypointAddress struct {
	Scheme string // "http" or "https"
	Port   string
}

// entrypointAddresses are those of the listeners for HTTP, as they are
// configured.
func entrypointAddresses(listeners []listener.Listener) map[string]EntrypointAddress {
	addresses := map[string]EntrypointAddress{}
	for i := range listeners {
		l := &listeners[i]
		scheme := "http"
		if l.HasTLS() {
			scheme = "https"
		}
		if _, port, err := net.SplitHostPort(l.Address); err == nil {
			addresses[l.Entrypoint()] = EntrypointAddress{scheme, port}
		}
	}
	return addresses
}

// entrypointMiddlewares are those of listeners, as tags and the configuration call them.
func entrypointMiddlewares(listeners []listener.Listener) map[string][]string {
	names := map[string][]string{}
	for i := range listeners {
		for _, name := range listeners[i].Middlewares {
			if !strings.Contains(name, "@") {
				name += "@" + string(tags.File)
			}
			names[listeners[i].Entrypoint()] = append(names[listeners[i].Entrypoint()], name)
		}
	}
	return names
}

// entrypointTLSOptions are the TLS options listeners name.
func entrypointTLSOptions(listeners []listener.Listener) map[string]string {
	names := map[string]string{}
	for i := range listeners {
		if l := &listeners[i]; l.TLSOptions != "" {
			names[l.Entrypoint()] = certs.TLSOptionsName(l.TLSOptions)
		}
	}
	return names
}
