package lb

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// httpLink is the making of one route of requests.
type httpLink struct {
	link
	wanted   *tags.Route   // the definition that counts
	declared *tags.Route   // what wanted is a version of; see [linker.versions]
	variants []*tags.Route // see [sideBySide]
	made     *Route
	last     Handler   // what the chain ends with
	names    int       // of middlewares
	tlsHosts []tlsHost // for which the TLS options are to count, even if the route is not served
	faulty   []faulty
}

func (l *linker) newHTTPLink(wanted *tags.Route) *httpLink {
	return &httpLink{link: link{linker: l, asked: &wanted.Declaration}, wanted: wanted}
}

// make makes the route of the definition, unless one of its parts is not there.
func (k *httpLink) make() bool {
	k.made = &Route{Route: k.wanted, Linked: Linked{Match: k.condition(), Entrypoints: k.wanted.Entrypoints}}
	if !k.entrypoints() || !k.tlsOptions() || !k.steps() || !k.pool() || !k.handler() {
		k.made = nil
		return false
	}
	k.tellFaults()
	k.made.certificates = k.certificates(k.made.Entrypoints)
	k.made.rule = match.Route{Expr: k.made.Match, Precedence: &k.wanted.Precedence, Value: k.made}
	return true
}

// entrypoints binds the route to the listeners it names. Those that do not exist
// are dropped; a route without any left is not served.
func (k *httpLink) entrypoints() bool {
	wanted := k.wanted.Entrypoints
	if len(wanted) == 0 {
		wanted = k.Defaults.Entrypoints
	}
	if len(k.Entrypoints) == 0 || len(wanted) == 0 {
		return true
	}
	var known []string
	for _, e := range wanted {
		if name, ok := k.EntrypointAliases[e]; ok {
			e = name
		}
		if slices.Contains(k.Entrypoints, e) && !slices.Contains(known, e) {
			known = append(known, e)
		}
	}
	if len(known) == 0 {
		return k.fail("no listener has one of the names "+strings.Join(wanted, ", "),
			"a listener gets its name from ;name=NAME behind its address")
	}
	k.made.limit(known)
	return true
}

// tlsOptions finds the hosts for which the route's TLS options are to count.
func (k *httpLink) tlsOptions() bool {
	k.tlsHosts = k.hostsOf(k.made)
	name := certs.TLSOptionsName(k.wanted.TLSOptions())
	switch {
	case name == "":
	case certs.FindTLSOptions(k.TLSOptions, name) == nil:
		return k.fail(certs.Undeclared(k.wanted.TLSOptions()))
	case len(k.tlsHosts) == 0:
		k.problems = append(k.problems, k.wanted.Problem("the TLS options "+k.wanted.TLSOptions()+" have no effect: the rule names no host",
			"they are chosen by the name clients ask for, before there is a request"))
	}
	return true
}

const notWithout = "routes are not served without their middlewares"

// steps lists the route's middlewares: those all have, its own, and those it
// names.
func (k *httpLink) steps() bool {
	var err error
	if !k.wanted.WithoutDefaults {
		if k.made.Steps, err = k.named(nil, k.defaults(), 0); err != nil {
			return k.fail(err.Error(), notWithout)
		}
	}
	if k.variants != nil {
		return true // they have steps of their own
	}
	if k.made.Steps, err = k.given(k.made.Steps, k.wanted); err != nil {
		return k.fail(err.Error(), notWithout)
	}
	k.made.Steps = append(k.made.Steps, k.own(k.wanted)...)
	named, err := k.named(nil, k.wanted.Middlewares, 0)
	if err != nil {
		return k.fail(err.Error(), notWithout)
	}
	k.made.Steps = append(k.made.Steps, named...)
	b := k.backend(nameOf(k.wanted.Dialect.Owner(k.wanted.Pool)))
	k.use(b)
	if p := b.merge(); p != nil && len(p.Middlewares) > 0 {
		if k.made.Steps, err = k.named(k.made.Steps, p.Middlewares, 0); err != nil {
			return k.fail("service "+p.Name+": "+err.Error(), notWithout)
		}
	}
	return true
}

// given adds the middlewares that the configuration gives to the routes of a service.
func (k *httpLink) given(steps []Step, r *tags.Route) (_ []Step, err error) {
	for _, policy := range r.Given() {
		if steps, err = k.named(steps, policy.Middlewares, 0); err != nil {
			return nil, fmt.Errorf("policy %s, %s: %w", policy.Service, policy.Source, err)
		}
	}
	return steps, nil
}

// defaults are the middlewares that all routes have, without those that the route may
// and would rather leave out, and without those that the configuration spares it.
func (k *httpLink) defaults() []string {
	all := k.Defaults.Middlewares
	for _, policy := range k.wanted.Given() {
		all = leftOut(all, policy.Without)
	}
	if len(k.wanted.Without()) == 0 {
		return all
	}
	for _, name := range k.wanted.Without() {
		if !k.isOptional(name) {
			k.problems = append(k.problems, k.wanted.Problem("the middleware "+name+" cannot be left out", "defaults { optional = […] } says which ones can"))
		}
	}
	return leftOut(all, slices.DeleteFunc(slices.Clone(k.wanted.Without()), func(name string) bool { return !k.isOptional(name) }))
}

func (k *httpLink) isOptional(name string) bool {
	return slices.ContainsFunc(k.Defaults.Optional, func(o string) bool { return isNamed(o, name) })
}

// leftOut are the middlewares that do not go by one of the names.
func leftOut(middlewares, names []string) []string {
	return slices.DeleteFunc(slices.Clone(middlewares), func(m string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return isNamed(m, name) })
	})
}

// isNamed reports whether a middleware of the configuration goes by that name, with or
// without where it comes from.
func isNamed(middleware, name string) bool {
	return strings.EqualFold(strings.TrimSuffix(middleware, "@file"), strings.TrimSuffix(name, "@file"))
}

// maxFields bounds in bytes the fields that a route's middlewares put into requests
// and answers: all of them are in memory for each that is in flight.
const maxFields = 64 << 10

func checkFields(steps []Step) error {
	size := 0
	for _, step := range steps {
		if h, ok := step.Spec.(*spec.Headers); ok {
			size += h.Size()
		}
	}
	if size > maxFields {
		return fmt.Errorf("its middlewares set fields of more than %d bytes", maxFields)
	}
	return nil
}

// own lists the middlewares that a definition has without names. A route is served
// without its protection, but not without the others; and what would keep strangers
// out keeps out everybody then.
func (k *httpLink) own(r *tags.Route) (steps []Step) {
	for _, s := range r.Protection() {
		name := tags.PolicyPrefix + s.Kind()
		if _, err := k.step(r.Name, s); err != nil {
			_, guards := s.(*spec.JWT)
			consequence := "it is ignored"
			if guards {
				consequence = "nobody is let in"
			}
			p := r.Problem(name+": "+err.Error()+"; "+consequence, "")
			p.Route, p.Tag = "", ""
			k.problems = append(k.problems, p)
			if !guards {
				continue
			}
			s = spec.Unauthorized{}
		}
		steps = append(steps, Step{Name: name, Spec: s})
	}
	for _, s := range r.Steps {
		steps = append(steps, Step{Spec: s})
	}
	return steps
}

// Bounds on middlewares: how deep chains of them may be nested, and how many names
// of them a route may come to, for a few chains of chains stand for millions.
const (
	maxChain = 16
	maxNames = 1024
)

// named adds the middlewares of those names.
func (k *httpLink) named(steps []Step, names []string, depth int) ([]Step, error) {
	for _, text := range names {
		if k.names++; k.names > maxNames {
			return nil, fmt.Errorf("the route has more than %d middlewares, counting those in chains", maxNames)
		}
		object := k.middleware(nameOf(tags.Traefik.Owner(text)))
		k.use(object)
		m := object.winnerFor(k.wanted.Service)
		if m == nil {
			return nil, errors.New("there is no middleware " + text)
		}
		chain, isChain := m.Spec.(spec.Chain)
		switch {
		case m.Broken != "":
			return nil, errors.New("middleware " + text + ": " + m.Broken)
		case isChain && depth == maxChain:
			return nil, errors.New("middleware " + text + ": the chain contains itself")
		case isChain:
			var err error
			if steps, err = k.named(steps, chain.Middlewares, depth+1); err != nil {
				return nil, err
			}
		default:
			steps = append(steps, Step{Name: text, Spec: m.Spec})
		}
	}
	return steps, nil
}

// handler puts the route's handler together: the steps, and then what they end
// with.
func (k *httpLink) handler() bool {
	var err error
	if k.made.handler, err = k.chain(k.made.Name, k.made.Steps, k.last); err != nil {
		return k.fail(err.Error(), notWithout)
	}
	return k.wanted.WithoutDefaults || k.doors()
}

// chain puts steps in front of a handler. Their state is that of the owner.
func (k *httpLink) chain(owner string, steps []Step, last Handler) (Handler, error) {
	if err := checkFields(steps); err != nil {
		return nil, err
	}
	for i, step := range slices.Backward(steps) {
		m, err := k.step(fmt.Sprintf("%s/%s/%d", k.made.Dialect, owner, i), step.Spec)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSpace("middleware "+step.Name), err)
		}
		steps[i].middleware = m
		k.watchFault(step, m)
		last = &chained{&steps[i], last}
	}
	return last, nil
}

// step makes a middleware. Some need to know of other things than their spec.
func (k *httpLink) step(owner string, s spec.Middleware) (Middleware, error) {
	switch t := s.(type) {
	case *spec.Errors:
		pages, err := k.ending(t.Service, nil)
		if err != nil {
			return nil, err
		}
		return newErrorPages(t, pages)
	case spec.RedirectEntrypoint:
		to, ok := k.EntrypointAddresses[cmp.Or(k.EntrypointAliases[t.Entrypoint], t.Entrypoint)]
		if !ok {
			return nil, errors.New("there is no listener " + t.Entrypoint + " to redirect to")
		}
		s = spec.RedirectScheme{Scheme: to.Scheme, Port: to.Port, Permanent: t.Permanent, AtListener: true}
	}
	return k.middlewareOf(owner, s)
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
func (k *httpLink) pool() bool {
	switch {
	case k.variants != nil:
		return k.vary()
	case isInternal(k.wanted):
		return k.internal()
	}
	p, runtime, err := k.poolOf(k.wanted.Pool)
	if err != nil {
		return k.fail(err.Error(), "")
	}
	k.made.PassHost = k.wanted.PassHost
	k.pooled(k.made, p, runtime)
	if k.last = (lastHandler{}); p.Composed == nil {
		return true
	}
	e, err := k.ending(k.wanted.Pool, nil)
	if err != nil {
		return k.fail(err.Error(), "")
	}
	k.last = e
	var parts [][]tags.Endpoint
	for _, via := range k.made.vias {
		parts = append(parts, via.Endpoints)
	}
	k.made.composed(e.outline(), parts...)
	return true
}

// pooled gives a route a pool.
func (k *httpLink) pooled(r *Route, p *tags.Pool, runtime *target.Pool) {
	r.PassHost = r.PassHost && p.PassHost
	r.pooled(p, runtime, k.Defaults.Balance)
	r.balance(k.balance(p))
}
