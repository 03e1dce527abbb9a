package lb

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// variants are what becomes of requests for one Fabio source whose tags have
// other options at some instances than at others, as those of two versions do
// during a deploy. A target of all of them is picked first, so that they share
// the requests as if there were one. From there the request goes the way of its
// target's options, and to no target that has others.
type variants struct {
	all []*Route // they have the pool in common
	of  map[*target.Target]*Route
}

// picked is the target whose variant serves the exchange.
type picked struct {
	target *target.Target
	fresh  bool // as [Route.pick] has it
}

// Serve implements [Handler].
func (v *variants) Serve(x *Exchange) {
	route := x.Route
	t, fresh := route.choose(x)
	if t == nil {
		x.answerNoTarget()
		return
	}
	defer func() { x.Route, x.picked = route, picked{} }()
	x.Route, x.picked = v.of[t], picked{t, fresh}
	x.Route.handler.Serve(x)
}

// Variants are what the route is made of if instances ask for it with different
// options, else none. The options of each count for its own endpoints, and the
// route has the steps that come before. The slice is shared and must not be
// changed.
func (r *Route) Variants() []*Route {
	if r.variants == nil {
		return nil
	}
	return r.variants.all
}

// own tells which targets of the pool may be given the route's requests, nil for
// all.
func (r *Route) own() func(*target.Target) bool {
	if r.variants == nil {
		return nil
	}
	return func(t *target.Target) bool { return r.variants.of[t] == r }
}

// variants are the definitions that are served side by side, none if the one that
// counts is alone. Their order is that in which Fabio takes the tags of one
// instance, of which it heeds the first: those with options go before one without.
func (w *wanted) variants(winner *tags.Route) (all []*tags.Route) {
	for _, r := range w.by {
		isKnown := func(known *tags.Route) bool { return known.Pool == r.Pool }
		if isKnown(winner) || !areVariants(winner, r) || slices.ContainsFunc(all, isKnown) {
			continue
		}
		if all == nil {
			all = append(all, winner)
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b *tags.Route) int { return strings.Compare(b.Rule, a.Rule) })
	return all
}

// areVariants reports whether two definitions of one route can be served side by
// side: they hold for the same requests, and hand them to targets.
func areVariants(a, b *tags.Route) bool {
	return a.Dialect == tags.Fabio && a.Origin.Claimed == b.Origin.Claimed && !redirects(a) && !redirects(b) &&
		reflect.DeepEqual(a.Match, b.Match)
}

func redirects(r *tags.Route) bool {
	return slices.ContainsFunc(r.Steps, func(m spec.Middleware) bool {
		_, ok := m.(spec.Redirect)
		return ok
	})
}

// vary makes the variants of the route, and the pool of them all.
func (k *link) vary() bool {
	made := &variants{of: map[*target.Target]*Route{}}
	all, owners := k.shareOut()
	for _, v := range all {
		// The targets of one that fails stay with it: others must not have them.
		if k.wayOf(v) {
			v.variants, made.all = made, append(made.all, v)
			k.made.Endpoints = append(k.made.Endpoints, v.Endpoints...)
		}
	}
	if len(made.all) == 0 {
		return false // each has told why
	}
	whole := cmp.Or(k.backend(nameOf(tags.Fabio, k.wanted.Pool)).merge(), &tags.Pool{})
	balance := k.balance(whole)
	k.made.Policy = whole.Policy
	k.made.Endpoints = distinct(k.made.Endpoints)
	k.made.Pool = k.pools.Pool(k.wanted.Pool+"@"+string(tags.Fabio), members(k.made.Endpoints, balance), policy(balance))
	k.made.balance(balance)
	for _, v := range made.all {
		v.Pool = k.made.Pool
		v.balance(balance)
	}
	for _, t := range k.made.Pool.Targets() {
		made.of[t] = owners[t.Key()]
	}
	k.made.variants, k.last = made, made
	return true
}

// shareOut gives each variant its endpoints, and each endpoint to one variant:
// what is healthy goes before what is not, for a new instance may have the
// address of an old one; then comes the order of the variants.
func (k *link) shareOut() (all []*Route, owners map[target.Key]*Route) {
	owners = map[target.Key]*Route{}
	for _, wanted := range k.variants {
		all = append(all, &Route{Route: wanted, Match: k.made.Match, Entrypoints: k.made.Entrypoints, PassHost: wanted.PassHost})
	}
	for _, serving := range []bool{true, false} {
		for _, v := range all {
			taken := false
			for _, e := range k.endpoints(v.Route.Pool) {
				switch owner := owners[targetKey(e)]; {
				case e.Serving != serving:
				case owner == nil:
					owners[targetKey(e)] = v
					v.Endpoints = append(v.Endpoints, e)
				default:
					taken = serving
				}
			}
			if taken {
				k.problems = append(k.problems, problemOf(v.Route,
					"an instance asks for the route with other options as well, which count", "one tag of a source for each instance"))
			}
		}
	}
	for _, v := range all {
		v.Endpoints = distinct(v.Endpoints)
	}
	return all, owners
}

// endpoints are those that ask for a variant.
func (k *link) endpoints(pool string) []tags.Endpoint {
	b := k.backend(nameOf(tags.Fabio, pool))
	k.use(b)
	if p := b.merge(); p != nil {
		return p.Endpoints
	}
	return nil
}

// wayOf makes the steps a variant's requests go through.
func (k *link) wayOf(v *Route) bool {
	v.Steps = k.own(v.Route)
	var err error
	if v.handler, err = k.chain(v.Name+"//"+v.Route.Pool, v.Steps, lastHandler{}); err != nil {
		k.problems = append(k.problems, problemOf(v.Route, err.Error(), "its instances get no requests for the route, others do"))
		return false
	}
	return true
}
