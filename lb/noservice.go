package lb

import (
	"net/http"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// noService is the service routers of Traefik name that only redirect: whatever
// gets past their middlewares is answered without asking anybody.
const noService = "noop@internal"

func isNoService(r *tags.Route) bool {
	return r.Dialect == tags.Traefik && strings.EqualFold(r.Pool, noService)
}

// nobody is the ending of noService.
type nobody struct{}

// Serve implements [Handler].
func (nobody) Serve(x *Exchange) { x.Answer(http.StatusTeapot, &Header{}, "") }

// noPool gives the route a pool without anyone in it.
func (k *link) noPool() bool {
	p := &tags.Pool{Name: noService, Dialect: k.wanted.Dialect, Service: k.wanted.Service}
	k.pooled(k.made, p, k.pools.Pool(noService, nil, policy(nil)))
	k.last = nobody{}
	return true
}
