package lb

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// link is the making of one route from its parts.
type link struct {
	*linker
	wanted   *tags.Route // the definition that counts
	made     *Route
	uses     []used
	problems []tags.Problem
}

// route makes the route, or returns nil if one of its parts is not there.
func (k *link) route(w *wanted) *Route {
	k.wanted, k.problems = w.winner()
	if k.wanted == nil {
		return nil
	}
	k.made = &Route{Route: k.wanted, Match: k.wanted.Match, Entrypoints: k.wanted.Entrypoints}
	if !k.entrypoints() || !k.steps() || !k.handler() || !k.pool() {
		k.letGo()
		return nil
	}
	k.made.rule = match.Route{Expr: k.made.Match, Precedence: &k.wanted.Precedence, Value: k.made}
	return k.made
}

// entrypoints binds the route to the listeners it names. Those that do not exist
// are dropped; a route without any left is not served.
func (k *link) entrypoints() bool {
	if len(k.Entrypoints) == 0 || len(k.wanted.Entrypoints) == 0 {
		return true
	}
	var known []string
	for _, e := range k.wanted.Entrypoints {
		if name, ok := k.EntrypointAliases[e]; ok {
			e = name
		}
		if slices.Contains(k.Entrypoints, e) && !slices.Contains(known, e) {
			known = append(known, e)
		}
	}
	if len(known) == 0 {
		return k.fail("no listener has one of the names "+strings.Join(k.wanted.Entrypoints, ", "),
			"a listener gets its name from ;name=NAME behind its address")
	}
	k.made.Entrypoints = known
	k.made.Match = match.And{k.wanted.Match, match.Entrypoint{Names: known}}
	return true
}

const notWithout = "routes are not served without their middlewares"

// steps lists the route's middlewares: its own, and those it names.
func (k *link) steps() bool {
	for _, own := range k.wanted.Steps {
		k.made.Steps = append(k.made.Steps, Step{Spec: own})
	}
	if err := k.named(k.wanted.Middlewares, 0); err != nil {
		return k.fail(err.Error(), notWithout)
	}
	b := k.backend(nameOf(k.wanted.Dialect, k.wanted.Pool))
	if p := b.merge(); p != nil && len(p.Middlewares) > 0 {
		if err := k.named(p.Middlewares, 0); err != nil {
			return k.fail("service "+p.Name+": "+err.Error(), notWithout)
		}
	}
	return true
}

// maxChain bounds how deep chains of middlewares may be nested.
const maxChain = 16

// named adds the middlewares of those names.
func (k *link) named(names []string, depth int) error {
	for _, text := range names {
		object := k.middleware(nameOf(tags.Traefik, text))
		k.use(object)
		m := object.winner()
		if m == nil {
			return errors.New("there is no middleware " + text)
		}
		chain, isChain := m.Spec.(spec.Chain)
		switch {
		case m.Broken != "":
			return errors.New("middleware " + text + ": " + m.Broken)
		case isChain && depth == maxChain:
			return errors.New("middleware " + text + ": the chain contains itself")
		case isChain:
			if err := k.named(chain.Middlewares, depth+1); err != nil {
				return err
			}
		default:
			k.made.Steps = append(k.made.Steps, Step{Name: text, Spec: m.Spec})
		}
	}
	return nil
}

// letGo forgets the runtime pools a route has looked at that is not served after
// all, if no other route has them: the registry forgets them too.
func (k *link) letGo() {
	for _, u := range k.uses {
		if b, ok := u.(*backend); ok && b.users.isEmpty() {
			b.runtime = nil
		}
	}
}

// use remembers what the route depends on.
func (k *link) use(object used) {
	if !slices.Contains(k.uses, object) {
		k.uses = append(k.uses, object)
	}
}

// handler puts the route's handler together: the steps, and then the forwarder.
func (k *link) handler() bool {
	r := k.made
	r.handler = lastHandler{}
	for i, step := range slices.Backward(r.Steps) {
		m, err := k.step(i, step.Spec)
		if err != nil {
			return k.fail(strings.TrimSpace("middleware "+step.Name)+": "+err.Error(), notWithout)
		}
		r.Steps[i].middleware = m
		r.handler = &chained{m, r.handler}
	}
	return true
}

// step makes the i-th middleware of the route. Some need to know of other things
// than their spec.
func (k *link) step(i int, s spec.Middleware) (Middleware, error) {
	switch t := s.(type) {
	case *spec.Errors:
		pages, err := k.serviceRoute(t.Service)
		if err != nil {
			return nil, err
		}
		return newErrorPages(t, pages)
	case spec.RedirectEntrypoint:
		to, ok := k.EntrypointAddresses[cmp.Or(k.EntrypointAliases[t.Entrypoint], t.Entrypoint)]
		if !ok {
			return nil, errors.New("there is no listener " + t.Entrypoint + " to redirect to")
		}
		s = spec.RedirectScheme{Scheme: to.Scheme, Port: to.Port, Permanent: t.Permanent}
	}
	return k.middlewareOf(fmt.Sprintf("%s/%s/%d", k.made.Dialect, k.made.Name, i), s)
}

// serviceRoute is what forwarding to a service by its name needs.
func (k *link) serviceRoute(service string) (*Route, error) {
	p, runtime, err := k.poolOf(service)
	if err != nil {
		return nil, err
	}
	k.made.also = append(k.made.also, runtime)
	return &Route{Route: &tags.Route{Name: k.wanted.Name, Dialect: k.wanted.Dialect}, PassHost: p.PassHost, Pool: runtime}, nil
}

// middlewareOf makes a middleware, or finds the one there is.
func (l *linker) middlewareOf(owner string, s spec.Middleware) (Middleware, error) {
	if m, ok := pathMiddleware(s); ok {
		return m, nil
	}
	if l.Middlewares == nil {
		return nil, errors.New("middlewares of kind " + s.Kind() + " are not available")
	}
	return l.Middlewares.Middleware(owner, s)
}

// pool gives the route the pool it names.
func (k *link) pool() bool {
	p, runtime, err := k.poolOf(k.wanted.Pool)
	if err != nil {
		return k.fail(err.Error(), "")
	}
	k.made.PassHost = k.wanted.PassHost && p.PassHost
	k.made.Endpoints, k.made.Pool = p.Endpoints, runtime
	if p.Balance != nil {
		k.made.health = p.Balance.Health
		if s := p.Balance.Sticky; s != nil && s.Cookie != nil {
			k.made.sticky = newSticky(s.Cookie, runtime)
		}
	}
	return true
}

// poolOf finds a pool of the route's dialect.
func (k *link) poolOf(service string) (*tags.Pool, *target.Pool, error) {
	b := k.backend(nameOf(k.wanted.Dialect, service))
	k.use(b)
	p := b.merge()
	switch {
	case p == nil:
		return nil, nil, errors.New("there is no service " + service)
	case p.Broken != "":
		return nil, nil, errors.New("service " + service + ": " + p.Broken)
	}
	if b.runtime == nil {
		b.runtime = k.pools.Pool(p.Name+"@"+string(p.Dialect), members(p.Endpoints), policy(p.Balance))
	}
	return p, b.runtime, nil
}

// merge joins the declarations of a pool, nil if there is none.
func (b *backend) merge() *tags.Pool {
	if b.merged != nil || len(b.by) == 0 {
		return b.merged
	}
	p := *b.by[0]
	for _, other := range b.by[1:] {
		if other.Origin.Compare(p.Origin) > 0 {
			p.PassHost, p.Balance, p.Middlewares, p.Origin = other.PassHost, other.Balance, other.Middlewares, other.Origin
		}
		p.Broken = cmp.Or(p.Broken, other.Broken)
		p.Endpoints = slices.Concat(p.Endpoints, other.Endpoints)
	}
	p.Endpoints = distinct(p.Endpoints)
	b.merged = &p
	return b.merged
}

// fail reports why the route is not served.
func (k *link) fail(reason, hint string) bool {
	k.problems = append(k.problems, problemOf(k.wanted, reason, hint))
	return false
}

func problemOf(r *tags.Route, reason, hint string) tags.Problem {
	return tags.Problem{
		Service: r.Service, Instance: r.Instance, Node: r.Node, Instances: r.Origin.Instances,
		Route: r.Name, Tag: r.Tag, Offset: -1, Reason: reason, Hint: hint,
	}
}
