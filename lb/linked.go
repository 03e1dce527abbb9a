package lb

import (
	"slices"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// Linked is what a definition of a route has become: where it is served, for what,
// and by whom.
type Linked struct {
	// Match is the condition that the definition and the entry points stand for.
	Match match.Expr
	// Entrypoints are the listeners that serve the route; none are all.
	Entrypoints []string
	// Pool has the endpoints that are serving. It is never nil, and empty if
	// there are none: that is a 503, not a 404.
	Pool *target.Pool
	// Endpoints are all endpoints, serving or not, by address.
	Endpoints []tags.Endpoint
	// Policy is what tags of no dialect and the configuration say of the pool's
	// service, nil for nothing.
	Policy *tags.Policy

	outline *Outline // nil unless its service is composed of others
}

// Outline is that of a route whose service is composed of others, nil for others.
func (l *Linked) Outline() *Outline { return l.outline }

// limit restricts a route to listeners.
func (l *Linked) limit(entrypoints []string) {
	l.Entrypoints, l.Match = entrypoints, match.And{l.Match, match.Entrypoint{Names: entrypoints}}
}

// pooled gives a route a pool, for which there are defaults.
func (l *Linked) pooled(p *tags.Pool, runtime *target.Pool, defaults *spec.LoadBalancer) {
	l.Endpoints, l.Pool, l.Policy = p.Endpoints, runtime, p.Told(defaults)
}

// composed tells what the route's service is composed of, and of which endpoints.
func (l *Linked) composed(outline Outline, parts ...[]tags.Endpoint) {
	l.outline = &outline
	l.Endpoints = distinct(slices.Concat(parts...))
}
