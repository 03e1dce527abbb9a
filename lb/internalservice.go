package lb

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// Services that Traefik has itself, as routers name them.
const (
	// noService is for routers that only redirect: whatever gets past their
	// middlewares is answered without asking anybody.
	noService = "noop" + atInternal
	// pingService tells whether the load balancer takes requests.
	pingService = "ping" + atInternal

	atInternal = tags.AtInternal
)

// errInternal is why the others are not there: who may see routes and metrics is
// decided where the admin listener is configured, not by tags.
var errInternal = errors.New("of services @internal there are noop and ping, for routers that name them; routes, problems and metrics are at the admin listener")

// isInternal reports whether a route names a service of the load balancer's own.
func isInternal(r *tags.Route) bool {
	return (r.Dialect == tags.Traefik || r.Dialect == tags.File) && tags.IsInternal(r.Pool)
}

// nobody is the ending of noService.
type nobody struct{}

// Serve implements [Handler].
func (nobody) Serve(x *Exchange) { x.Answer(http.StatusTeapot, &Header{}, "") }

// ping is the ending of pingService.
type ping struct{}

// Serve implements [Handler].
func (ping) Serve(x *Exchange) {
	status := http.StatusOK
	if x.entry.draining.Load() {
		status = http.StatusServiceUnavailable
	}
	h := &Header{}
	h.Add("Content-Type", "text/plain; charset=utf-8")
	x.Answer(status, h, http.StatusText(status))
}

// internal gives the route a pool without anyone in it, and who answers instead.
func (k *httpLink) internal() bool {
	name := strings.ToLower(k.wanted.Pool)
	switch name {
	case noService:
		k.last = nobody{}
	case pingService:
		k.last = ping{}
	default:
		return k.fail("service "+k.wanted.Pool+": "+errInternal.Error(), "")
	}
	p := &tags.Pool{Name: name, Dialect: k.wanted.Dialect, Service: k.wanted.Service}
	k.pooled(k.made, p, k.pools.Pool(name, nil, policy(nil)))
	return true
}
