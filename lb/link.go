package lb

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// name identifies an object of one dialect. The text is in lower case: names
// that differ in case alone are one.
type name struct {
	dialect tags.Dialect
	text    string
}

func nameOf(d tags.Dialect, text string) name { return name{d, strings.ToLower(text)} }

// linker joins the definitions of all services: a route of one may use pools
// and middlewares of another, and several may ask for the same object.
type linker struct {
	Options
	pools       Pools
	wanted      map[name]tags.Route
	middlewares map[name]tags.Middleware
	backends    map[name]*backend
	problems    []tags.Problem
}

// backend is a pool, once it is used.
type backend struct {
	tags.Pool
	runtime *target.Pool
}

// newLinker expects the definitions of about so many services.
func newLinker(o Options, pools Pools, services int) *linker {
	return &linker{
		Options:     o,
		pools:       pools,
		wanted:      make(map[name]tags.Route, services),
		middlewares: map[name]tags.Middleware{},
		backends:    make(map[name]*backend, services),
	}
}

// add takes in the definition of one more service.
func (l *linker) add(d tags.Definition) {
	l.problems = append(l.problems, d.Problems...)
	for _, r := range d.Routes {
		l.addRoute(r)
	}
	for _, m := range d.Middlewares {
		l.addMiddleware(m)
	}
	for _, p := range d.Pools {
		l.addPool(p)
	}
}

func (l *linker) addRoute(r tags.Route) {
	key := nameOf(r.Dialect, r.Name)
	if other, ok := l.wanted[key]; ok {
		winner, loser := other, r
		if r.Origin.Compare(other.Origin) > 0 {
			winner, loser = r, other
		}
		if !same(winner, loser) {
			l.problem(loser, fmt.Sprintf("service %s asks for a route of the same name in another way, which counts", winner.Service), "")
		}
		r = winner
	}
	l.wanted[key] = r
}

// same reports whether two routes of one name do the same.
func same(a, b tags.Route) bool {
	switch a.Dialect {
	case tags.Fabio:
		return a.Pool == b.Pool // which tells of all options
	case tags.Traefik1:
		return a.Service == b.Service
	}
	return a.Rule == b.Rule && a.Match.String() == b.Match.String() && a.Precedence == b.Precedence && a.Pool == b.Pool &&
		slices.Equal(a.Entrypoints, b.Entrypoints) && slices.Equal(a.Middlewares, b.Middlewares)
}

func (l *linker) addMiddleware(m tags.Middleware) {
	key := nameOf(tags.Traefik, m.Name)
	if other, ok := l.middlewares[key]; ok {
		winner, loser := other, m
		if m.Origin.Compare(other.Origin) > 0 {
			winner, loser = m, other
		}
		if winner.Broken != loser.Broken || !reflect.DeepEqual(winner.Spec, loser.Spec) {
			l.problems = append(l.problems, tags.Problem{
				Service: loser.Service, Offset: -1,
				Reason: fmt.Sprintf("service %s declares middleware %s in another way, which counts", winner.Service, m.Name),
			})
		}
		m = winner
	}
	l.middlewares[key] = m
}

func (l *linker) addPool(p tags.Pool) {
	key := nameOf(p.Dialect, p.Name)
	known := l.backends[key]
	if known == nil {
		l.backends[key] = &backend{Pool: p}
		return
	}
	if p.Origin.Compare(known.Origin) > 0 {
		known.PassHost, known.Origin = p.PassHost, p.Origin
	}
	known.Broken = cmp.Or(known.Broken, p.Broken)
	known.Endpoints = slices.Concat(known.Endpoints, p.Endpoints)
}

// routes makes the routes whose parts are all there, in no order.
func (l *linker) routes() []*Route {
	routes := make([]*Route, 0, len(l.wanted))
	for _, wanted := range l.wanted {
		if r := l.route(wanted); r != nil {
			routes = append(routes, r)
		}
	}
	return routes
}

func (l *linker) route(wanted tags.Route) *Route {
	r := &Route{
		Name:        wanted.Name,
		Dialect:     wanted.Dialect,
		Rule:        wanted.Rule,
		Match:       wanted.Match,
		Precedence:  wanted.Precedence,
		Service:     wanted.Service,
		Entrypoints: wanted.Entrypoints,
		Middlewares: wanted.Middlewares,
		SlashPaths:  wanted.SlashPaths,
		Host:        wanted.Host,
	}
	if !l.entrypoints(r, wanted) || !l.steps(r, wanted) || !l.handler(r, wanted) {
		return nil
	}
	r.Precedence.Family = family(r.Dialect)
	b := l.backends[nameOf(wanted.Dialect, wanted.Pool)]
	switch {
	case b == nil:
		l.problem(wanted, "there is no service "+wanted.Pool, "")
		return nil
	case b.Broken != "":
		l.problem(wanted, "service "+wanted.Pool+": "+b.Broken, "")
		return nil
	}
	if b.runtime == nil {
		b.Endpoints = distinct(b.Endpoints)
		b.runtime = l.pools.Pool(b.Name+"@"+string(b.Dialect), members(b.Endpoints))
	}
	r.PassHost = wanted.PassHost && b.PassHost
	r.Endpoints, r.Pool = b.Endpoints, b.runtime
	return r
}

// family gives every dialect a number, so that no two routes have equal
// precedence: names are unique within a dialect.
func family(d tags.Dialect) uint8 {
	return uint8(slices.Index([]tags.Dialect{tags.Fabio, tags.Traefik1, tags.Traefik}, d))
}

// entrypoints binds a route to the listeners it names. Those that do not exist
// are dropped; a route without any left is not served.
func (l *linker) entrypoints(r *Route, wanted tags.Route) bool {
	if len(l.Entrypoints) == 0 || len(wanted.Entrypoints) == 0 {
		return true
	}
	var known []string
	for _, e := range wanted.Entrypoints {
		if slices.Contains(l.Entrypoints, e) {
			known = append(known, e)
		}
	}
	if len(known) == 0 {
		l.problem(wanted, "no listener has one of the names "+strings.Join(wanted.Entrypoints, ", "),
			"a listener gets its name from ;name=NAME behind its address")
		return false
	}
	r.Entrypoints = known
	r.Match = match.And{wanted.Match, match.Entrypoint{Names: known}}
	return true
}

const notWithout = "routes are not served without their middlewares"

// steps lists the route's middlewares: its own, and those it names.
func (l *linker) steps(r *Route, wanted tags.Route) bool {
	for _, own := range wanted.Steps {
		r.Steps = append(r.Steps, Step{Spec: own})
	}
	err := l.named(r, wanted.Middlewares, 0)
	if err != nil {
		l.problem(wanted, err.Error(), notWithout)
	}
	return err == nil
}

// maxChain bounds how deep chains of middlewares may be nested.
const maxChain = 16

// named adds the middlewares of those names.
func (l *linker) named(r *Route, names []string, depth int) error {
	for _, text := range names {
		m, ok := l.middlewares[nameOf(tags.Traefik, text)]
		chain, isChain := m.Spec.(spec.Chain)
		switch {
		case !ok:
			return errors.New("there is no middleware " + text)
		case m.Broken != "":
			return errors.New("middleware " + text + ": " + m.Broken)
		case isChain && depth == maxChain:
			return errors.New("middleware " + text + ": the chain contains itself")
		case isChain:
			if err := l.named(r, chain.Middlewares, depth+1); err != nil {
				return err
			}
		default:
			r.Steps = append(r.Steps, Step{Name: text, Spec: m.Spec})
		}
	}
	return nil
}

// handler puts the route's handler together: the steps, and then the forwarder.
func (l *linker) handler(r *Route, wanted tags.Route) bool {
	r.handler = lastHandler{}
	for i, step := range slices.Backward(r.Steps) {
		owner := fmt.Sprintf("%s/%s/%d", r.Dialect, r.Name, i)
		m, err := l.middleware(owner, step.Spec)
		if err != nil {
			l.problem(wanted, strings.TrimSpace("middleware "+step.Name)+": "+err.Error(), notWithout)
			return false
		}
		r.Steps[i].middleware = m
		r.handler = &chained{m, r.handler}
	}
	return true
}

// middleware makes a middleware, or finds the one there is.
func (l *linker) middleware(owner string, s spec.Middleware) (Middleware, error) {
	if m, ok := pathMiddleware(s); ok {
		return m, nil
	}
	if l.Options.Middlewares == nil {
		return nil, errors.New("middlewares of kind " + s.Kind() + " are not available")
	}
	return l.Options.Middlewares.Middleware(owner, s)
}

// problem reports why a route is not served.
func (l *linker) problem(r tags.Route, reason, hint string) {
	l.problems = append(l.problems, tags.Problem{
		Service: r.Service, Instance: r.Instance, Node: r.Node, Instances: r.Origin.Instances,
		Route: r.Name, Tag: r.Tag, Offset: -1, Reason: reason, Hint: hint,
	})
}

// distinct sorts endpoints by address and keeps one of each, a serving one if
// there is one.
func distinct(endpoints []tags.Endpoint) []tags.Endpoint {
	sorted := slices.Clone(endpoints)
	slices.SortStableFunc(sorted, func(a, b tags.Endpoint) int {
		serving := func(e tags.Endpoint) int {
			if e.Serving {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Scheme, b.Scheme), serving(a)-serving(b))
	})
	return slices.CompactFunc(sorted, func(a, b tags.Endpoint) bool { return a.Address == b.Address && a.Scheme == b.Scheme })
}

// members are the endpoints that serve, with their weights.
func members(endpoints []tags.Endpoint) []target.Member {
	all := make([]target.Member, 0, len(endpoints))
	var shares []float64
	fixed := false
	for _, e := range endpoints {
		if e.Serving {
			all = append(all, target.Member{Key: target.Key{Scheme: e.Scheme, Address: e.Address}, Weight: e.Weight})
			shares = append(shares, e.Share)
			fixed = fixed || e.Share > 0
		}
	}
	if fixed {
		for i, weight := range weights(shares) {
			all[i].Weight = weight
		}
	}
	return all
}

// fullShare is the weight of all the traffic.
const fullShare = 10_000

// weights turns fixed shares (0 is none) into weights. Who has none divides
// equally what the others leave, if they leave anything; fixed shares that sum
// to more than everything, or to less with nobody to take the rest, are scaled.
func weights(shares []float64) []int {
	sum, dynamic := 0.0, 0
	for _, share := range shares {
		sum += share
		if share == 0 {
			dynamic++
		}
	}
	scale, rest := 1.0, 0.0
	if sum > 1 || dynamic == 0 {
		scale = 1 / sum
	} else {
		rest = (1 - sum) / float64(dynamic)
	}
	all := make([]int, len(shares))
	for i, share := range shares {
		if share == 0 {
			share = rest
		} else {
			share *= scale
		}
		if share > 0 {
			all[i] = max(1, int(math.Round(share*fullShare)))
		}
	}
	return all
}
