package lb

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// variants are what becomes of requests for one Fabio source, or one router of
// Traefik, whose tags have other options at some instances than at others, as
// those of two versions do during a deploy. A target of all of them is picked
// first, so that they share the requests as if there were one. From there the
// request goes the way of its target's options, and to no target that has others.
type variants struct {
	all []*Route // they have the pool in common
	of  map[*target.Target]*Route
	// rules is set if targets may have variants that are none of all: such as are
	// for other requests, and perhaps for these too.
	rules bool
	every []*Route // those too

	detours sync.Pool // of *detour
}

// picked is the target whose variant serves the exchange.
type picked struct {
	target *target.Target
	fresh  bool // as [Route.pick] has it
}

// Serve implements [Handler].
func (v *variants) Serve(x *Exchange) {
	route, outer := x.Route, x.detour
	t, fresh := v.choose(x)
	if t == nil {
		x.answerNoTarget()
		return
	}
	d := v.begin(x)
	defer func() {
		d.end()
		x.Route, x.picked, x.detour = route, picked{}, outer
	}()
	for ; t != nil; t, fresh = d.take(x), route.sticky != nil {
		x.Route, x.picked = v.of[t], picked{t, fresh}
		if !v.takes(t, &x.Request) {
			x.Route = v.all[0] // it stands in for those whose tags ask for the request
		}
		v.serve(x, t)
	}
}

func (v *variants) serve(x *Exchange, t *target.Target) {
	if t.Key().Scheme == tags.SchemeRedirect {
		t.Begin()
		defer t.End(false)
	}
	x.Route.handler.Serve(x)
}

// choose picks a target whose variant is for the exchange. If there is none that
// is well, a target whose rule is another one may stand in.
func (v *variants) choose(x *Exchange) (t *target.Target, fresh bool) {
	t, fresh = x.Route.choose(x)
	if t == nil || v.takes(t, &x.Request) {
		return t, fresh
	}
	other := x.Route.Pool.PickOf(func(t *target.Target) bool { return v.takes(t, &x.Request) })
	if other == nil && v.rules {
		return t, fresh
	}
	return other, x.Route.sticky != nil
}

// takes reports whether a target's variant is for a request.
func (v *variants) takes(t *target.Target, r *match.Request) bool {
	if v.rules {
		return v.of[t].Match.Match(r)
	}
	return v.of[t].applies(r)
}

// applies reports whether the variant is for a request: a redirect is not for one
// that is where it leads.
func (r *Route) applies(to *match.Request) bool {
	return r.Applies == nil || r.Applies.Match(to)
}

// Variants are what the route is made of if instances ask for it with different
// options, else none. The options of each count for its own endpoints, and the
// route has the steps that come before. The slice is shared and must not be
// changed.
func (r *Route) Variants() []*Route {
	if r.variants == nil || len(r.variants.all) < 2 && r.variants.rules {
		return nil
	}
	return r.variants.all
}

// ways are the variants that a request may get to, none if there is only one.
func (r *Route) ways(of *match.Request) (all []*Route) {
	if r.variants == nil || !r.variants.rules {
		return r.Variants()
	}
	for _, way := range r.variants.every {
		if way.Match.Match(of) && len(way.Endpoints) > 0 {
			all = append(all, way)
		}
	}
	if len(all) < 2 {
		return r.Variants()
	}
	return all
}

// own tells which targets of the pool may be given the route's requests, nil for
// all.
func (r *Route) own() func(*target.Target) bool {
	if r.variants == nil {
		return nil
	}
	return func(t *target.Target) bool { return r.variants.of[t] == r }
}

// sideBySide are the definitions that are served beside the one that counts, and that
// one; none if it is alone. Their order is that in which Fabio takes the tags of one
// instance, of which it heeds the first: those with options go before one without,
// and all before commands.
func sideBySide[R declared](winner R, by []R) (all []R) {
	for _, r := range by {
		d := r.Declared()
		isKnown := func(known R) bool { return known.Declared().Pool == d.Pool }
		if isKnown(winner) || !areVariants(winner.Declared(), d) || slices.ContainsFunc(all, isKnown) {
			continue
		}
		if all == nil {
			all = append(all, winner)
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b R) int { return compareRules(a.Declared(), b.Declared()) })
	return all
}

// compareRules puts what commands ask for behind what tags do, as it is written.
func compareRules(a, b *tags.Declaration) int {
	if a.Manual && b.Manual {
		return 0
	}
	return cmp.Or(compareBools(a.Manual, b.Manual), strings.Compare(b.Rule, a.Rule))
}

// areVariants reports whether two definitions of one route can be served side by
// side: they hold for the same requests. Of routes of connections, that is told by
// their name.
func areVariants(a, b *tags.Declaration) bool {
	return a.Dialect == tags.Fabio && a.Origin.Claimed == b.Origin.Claimed && reflect.DeepEqual(a.Match, b.Match)
}

// condition is that of the definition which counts, and that one of the variants
// applies.
func (k *httpLink) condition() match.Expr {
	var applies match.Or
	for _, r := range k.definitions() {
		if r.Applies == nil {
			return k.wanted.Match
		}
		applies = append(applies, r.Applies)
	}
	if len(applies) == 1 {
		return match.And{k.wanted.Match, applies[0]}
	}
	return match.And{k.wanted.Match, applies}
}

// definitions are the variants, or the one that counts.
func (k *httpLink) definitions() []*tags.Route {
	if k.variants == nil {
		return []*tags.Route{k.wanted}
	}
	return k.variants
}

// shared gives a route the pool of all its variants, whose own pools are given, and
// returns how requests are spread over it: as the first one with a policy does.
func (k *link) shared(made *Linked, pools []string) *spec.LoadBalancer {
	var whole tags.Pool
	for _, name := range append([]string{k.asked.Pool}, pools...) {
		if p := k.backend(nameOf(tags.Fabio, name)).merge(); p != nil {
			whole.Policy = cmp.Or(whole.Policy, p.Policy)
		}
	}
	balance := k.balance(&whole)
	made.Policy, made.Endpoints = whole.Told(k.Defaults.Balance), distinct(made.Endpoints)
	made.Pool = k.runtime("", k.asked.Dialect, made.Endpoints, balance)
	return balance
}

// vary makes the variants of the route, and the pool of them all.
func (k *httpLink) vary() bool {
	made := &variants{of: map[*target.Target]*Route{}}
	var all []*Route
	var pools []string
	for _, wanted := range k.variants {
		all = append(all, &Route{Route: wanted, Linked: k.made.Linked, PassHost: wanted.PassHost})
		pools = append(pools, wanted.Pool)
	}
	shares, owners := k.shareOut(pools)
	for i, v := range all {
		v.Endpoints = shares[i].endpoints
		if shares[i].taken {
			k.problems = append(k.problems, takenProblem(&v.Declaration))
		}
		// The targets of one that fails stay with it: others must not have them.
		if k.wayOf(v) {
			v.variants, made.all = made, append(made.all, v)
			k.made.Endpoints = append(k.made.Endpoints, v.Endpoints...)
		}
	}
	if len(made.all) == 0 {
		return false // each has told why
	}
	balance := k.shared(&k.made.Linked, pools)
	k.made.balance(balance)
	for _, v := range made.all {
		v.Pool = k.made.Pool
		v.balance(balance)
	}
	for _, t := range k.made.Pool.Targets() {
		made.of[t] = all[owners[t.Key()]]
	}
	k.made.variants, k.last = made, made
	return true
}

// share is what one variant has.
type share struct {
	endpoints []tags.Endpoint
	taken     bool // whether it has not all it asks for
}

// shareOut gives each variant, by its pool, its endpoints, and each endpoint to
// one variant: what is healthy goes before what is not, for a new instance may
// have the address of an old one; then comes the order of the variants.
func (k *link) shareOut(pools []string) (shares []share, owners map[target.Key]int) {
	shares, owners = make([]share, len(pools)), map[target.Key]int{}
	for _, serving := range []bool{true, false} {
		for i, pool := range pools {
			for _, e := range k.endpoints(pool) {
				_, owned := owners[targetKey(e)]
				switch {
				case e.Serving != serving:
				case !owned:
					owners[targetKey(e)] = i
					shares[i].endpoints = append(shares[i].endpoints, e)
				default:
					shares[i].taken = shares[i].taken || serving
				}
			}
		}
	}
	for i := range shares {
		shares[i].endpoints = distinct(shares[i].endpoints)
	}
	return shares, owners
}

// takenProblem is that of a definition of which an instance asks for another one
// as well.
func takenProblem(d *tags.Declaration) tags.Problem {
	return d.Problem("an instance asks for the route with other options as well, which count", "one tag of a source for each instance")
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
func (k *httpLink) wayOf(v *Route) bool {
	steps, err := k.given(nil, v.Route)
	if err != nil {
		k.problems = append(k.problems, v.Problem(err.Error(), notWithout))
		return false
	}
	v.Steps = slices.Concat(steps, k.own(v.Route))
	if v.handler, err = k.chain(v.Name+"//"+v.Route.Pool, v.Steps, lastHandler{}); err != nil {
		k.problems = append(k.problems, v.Problem(err.Error(), "its instances get no requests for the route, others do"))
		return false
	}
	return true
}
