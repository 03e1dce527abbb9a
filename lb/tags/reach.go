package tags

import (
	"strings"

	"github.com/sluiceproxy/sluice/lb/transport"
)

// Reach says how targets are connected to; the fields are as in [Endpoint].
type Reach struct {
	ServerName string
	SkipVerify bool
	Transport  transport.ID
}

func (r Reach) set(e *Endpoint) {
	e.ServerName, e.SkipVerify, e.Transport = r.ServerName, r.SkipVerify, r.Transport
}

// DefaultTransports are how targets are connected to of which nobody says more:
// those of requests that have TLS, and those of connections.
type DefaultTransports struct{ HTTP, TCP transport.ID }

// apply gives them to the endpoints of pools.
func (d DefaultTransports) apply(pools []Pool) {
	if d == (DefaultTransports{}) {
		return
	}
	for i := range pools {
		for n := range pools[i].Endpoints {
			e := &pools[i].Endpoints[n]
			if (Reach{e.ServerName, e.SkipVerify, e.Transport}) != (Reach{}) {
				continue
			}
			switch e.Scheme {
			case "https":
				e.Transport = d.HTTP
			case "tcp", "tls":
				e.Transport = d.TCP
			}
		}
	}
}

// Transports are those that services may name, by name in lower case.
type Transports map[string]transport.ID

// Find finds what a service names: NAME or NAME@file. Nothing, or
// default@internal, is none.
func (t Transports) Find(name string) (id transport.ID, ok bool) {
	name = strings.ToLower(name)
	if name == "" || name == "default@internal" {
		return id, true
	}
	id, ok = t[strings.TrimSuffix(name, atFile)]
	return id, ok
}
