package tags

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// traefik makes the routers, services and middlewares of Traefik v2/v3. Each
// instance declares its own; those of one name are merged.
func (p *parser) traefik() {
	m := merger{
		parser:      p,
		routers:     map[string][]variant[router]{},
		services:    map[string][]variant[service]{},
		middlewares: map[string][]variant[middleware]{},
		own:         map[Owner]map[string]string{},
		tcp:         newStreamMerger(p, "tcp"),
		udp:         newStreamMerger(p, "udp"),
	}
	for _, v := range p.views {
		if v.dialect == Traefik {
			m.instance(v)
		}
	}
	m.tcp.define()
	m.udp.define()
	for _, chains := range []bool{false, true} { // which may consist of the others
		for _, name := range sortedKeys(m.middlewares) {
			if _, isChain := m.middlewares[name][0].value.spec.(spec.Chain); isChain == chains {
				m.middleware(name)
			}
		}
	}
	for _, name := range sortedKeys(m.services) {
		m.service(m.services[name])
	}
	for n, name := range sortedKeys(m.routers) {
		if p.tooMany(m.routers[name][0].owner, n) {
			return
		}
		m.versions(m.routers[name])
	}
}

func (m *merger) parse(r *router) (match.Expr, error) {
	return parseRule(r.rule.value, cmp.Or(r.syntax, syntax(m.RuleSyntax), syntaxV3), m.Patterns)
}

// merger collects what the instances of a service declare, by lower-case name.
type merger struct {
	*parser
	routers     map[string][]variant[router]
	services    map[string][]variant[service]
	middlewares map[string][]variant[middleware]
	// own has the names of an instance's own versions of middlewares, by what it
	// calls them, where others count.
	own      map[Owner]map[string]string
	tcp, udp *streamMerger
}

// variant is an object as some instance declares it, or several in the same
// way.
type variant[T any] struct {
	value  T
	owner  Instance
	origin Origin
	all    []Owner // all instances that declare it in this way
}

func (m *merger) instance(v view) {
	declared, err := decode(v.labels, func(l label, reason string) {
		m.problem(v.Instance, Problem{Tag: l.redacted(), Offset: -1, Reason: reason})
	})
	if err != nil {
		problem := Problem{
			Tag: err.label.redacted(), Offset: -1, Reason: err.reason,
			Hint: "until it is put right, all Traefik tags of the instance are left out",
		}
		if err.value {
			problem.Offset = err.label.at
		}
		m.problem(v.Instance, problem)
		return
	}
	m.tcp.instance(declared.tcp, v.Instance)
	m.udp.instance(declared.udp, v.Instance)
	m.link(&declared, v)
	for name, r := range declared.routers {
		m.routers[name] = append(m.routers[name], variant[router]{value: *r, owner: v.Instance})
	}
	for name, s := range declared.services {
		m.transportOf(s) // before it is checked
		for _, odd := range s.check() {
			m.problem(v.Instance, Problem{Tag: odd.by.redacted(), Offset: -1, Reason: odd.reason})
		}
		m.services[name] = append(m.services[name], variant[service]{value: *s, owner: v.Instance})
	}
	for name, w := range declared.middlewares {
		if odd := w.check(); odd != "" {
			m.problem(v.Instance, Problem{Tag: w.by.redacted(), Offset: -1, Reason: odd})
		}
		if s, ok := w.spec.(spec.StripPrefix); ok {
			w.spec = m.stripping(s)
		}
		m.middlewares[name] = append(m.middlewares[name], variant[middleware]{value: *w, owner: v.Instance})
	}
}

// link adds what an instance leaves unsaid: the service, the router, and which
// service a router uses.
func (m *merger) link(o *objects, v view) {
	if o.other && len(o.routers) == 0 && len(o.services) == 0 {
		return
	}
	name := m.defaultName(v)
	if !o.hasOwn() {
		object(o.services, service{name: name, weight: 1, passHost: true})
	}
	main := o.main()
	if main != "" && len(o.routers) == 0 {
		object(o.routers, router{name: name})
	}
	for _, r := range o.routers {
		if r.rule.value == "" {
			m.defaultRule(r, v)
		}
		if r.service != "" {
			continue
		}
		if r.service = main; main == "" {
			r.broken, r.by = "the router names no service and the instance has several", r.rule
		}
	}
}

// defaultName is what the router and the service of an instance are called that it
// does not name: those of canaries do not mix with the others.
func (m *merger) defaultName(v view) string {
	l, _ := v.find("consulcatalog.canary")
	if on, err := strconv.ParseBool(l.value); err != nil || !on {
		return m.Service
	}
	return m.Service + "-" + short(strings.Join(slices.Sorted(slices.Values(v.Tags)), "\n"))
}

// stripping adds what is asked for of all prefixes that are cut.
func (o *Options) stripping(s spec.StripPrefix) spec.StripPrefix {
	s.RedirectBare = s.RedirectBare || o.RedirectBare
	s.RewriteLocation = s.RewriteLocation || o.RewriteLocation
	s.RewriteCookies = s.RewriteCookies || o.RewriteCookies
	return s
}

// hasOwn reports whether the instance declares a service that it is a server of.
func (o *objects) hasOwn() bool {
	for _, s := range o.services {
		if s.composed == nil {
			return true
		}
	}
	return false
}

// main is the service of routers that name none.
func (o *objects) main() string {
	var all, composed []string
	for _, s := range o.services {
		if all = append(all, s.name); s.composed != nil {
			composed = append(composed, s.name)
		}
	}
	return mainService(all, composed)
}

// mainService is the one of an instance's services that routers mean which name
// none, empty if there is no telling: the only one, or the only one that is
// composed of others.
func mainService(all, composed []string) string {
	switch {
	case len(composed) == 1:
		return composed[0]
	case len(all) == 1:
		return all[0]
	}
	return ""
}

// distinct joins the variants that are equal.
func distinct[T any](all []variant[T], equal func(a, b T) bool) (joined []variant[T]) {
	for _, v := range all {
		i := slices.IndexFunc(joined, func(j variant[T]) bool { return equal(j.value, v.value) })
		if i < 0 {
			i = len(joined)
			joined = append(joined, v)
		}
		joined[i].origin = joined[i].origin.with(v.owner)
		joined[i].all = append(joined[i].all, Owner{v.owner.Node, v.owner.ID})
	}
	return joined
}

// best picks the variant that counts: one that is not broken, that of most serving
// instances, then of most, then of the newest. The others are reported.
func best[T any](
	p *parser, kind string, all []variant[T], equal func(a, b T) bool, broken func(T) bool, describe func(T) (name, tag string),
) (winner variant[T], others []variant[T]) {
	distinct := distinct(all, equal)
	if len(distinct) == 1 {
		return distinct[0], nil
	}
	sound := func(v variant[T]) int {
		if broken(v.value) {
			return 0
		}
		return 1
	}
	// Of equal ones the first counts, in the order of nodes and instances.
	winner = slices.MaxFunc(distinct, func(a, b variant[T]) int {
		return cmp.Or(sound(a)-sound(b), a.origin.Compare(b.origin))
	})
	for _, d := range distinct {
		if !equal(d.value, winner.value) {
			others = append(others, d)
			name, tag := describe(d.value)
			p.problem(d.owner, Problem{
				Tag: tag, Offset: -1,
				Reason: kind + " " + name + " is declared differently by other instances of the service, which count",
			})
		}
	}
	return winner, others
}

func (a router) equal(b router) bool {
	return a.rule.value == b.rule.value && a.priority == b.priority && a.service == b.service && a.tls == b.tls && reflect.DeepEqual(a.declared, b.declared) && a.syntax == b.syntax &&
		a.unlogged == b.unlogged && a.uncounted == b.uncounted && a.traced == b.traced && a.tracedSteps == b.tracedSteps &&
		a.broken == b.broken && slices.Equal(a.entrypoints, b.entrypoints) && slices.Equal(a.middlewares, b.middlewares)
}

func (m *merger) router(v variant[router]) {
	r := v.value
	problem := Problem{Route: r.name, Tag: r.rule.tag, Offset: r.rule.at}
	if r.rule.tag == "" {
		problem.Offset = -1
	}
	if r.broken != "" {
		m.problem(v.owner, Problem{Route: r.name, Tag: r.by.tag, Offset: -1, Reason: r.broken})
		return
	}
	rule, err := m.parse(&r)
	if err != nil {
		m.problem(v.owner, problem.because(err))
		return
	}
	var declared routerTLS
	if r.tls {
		rule = match.And{rule, match.TLS{}}
		if r.declared.TLS != nil {
			declared = *r.declared.TLS
		}
	}
	m.Routes = append(m.Routes, Route{
		Declaration: Declaration{
			Name:        r.name,
			Dialect:     Traefik,
			Service:     m.Service,
			Rule:        r.rule.value,
			Match:       rule,
			Entrypoints: r.entrypoints,
			Middlewares: r.middlewares,
			TLS:         NewTLS(strings.TrimSpace(declared.Options), strings.TrimSpace(declared.CertResolver), names(declared.Domains)),
			Pool:        local([]string{r.service})[0],
			Origin:      v.origin,
			Tag:         r.rule.tag,
			Instance:    v.owner.ID,
			Node:        v.owner.Node,
		},
		Precedence: match.Precedence{
			Class:    match.ByPriority,
			Priority: r.rank(),
			Name:     r.name,
		},
		PassHost:    true,
		Unlogged:    r.unlogged,
		Uncounted:   r.uncounted,
		Traced:      r.traced,
		TracedSteps: r.tracedSteps,
		Owners:      v.all,
	})
}

// local cuts what says that a name is one of the catalog's.
func local(names []string) []string {
	names = slices.Clone(names)
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, "@consulcatalog")
	}
	return names
}

// service makes a pool of all instances that declare it. What applies to the
// pool as a whole may differ between them, and is decided as for routers.
func (m *merger) service(all []variant[service]) {
	winner, _ := best(m.parser, "service", all,
		func(a, b service) bool {
			return a.passHost == b.passHost && a.broken == b.broken && reflect.DeepEqual(a.balance, b.balance) &&
				reflect.DeepEqual(a.composed, b.composed) && slices.Equal(a.middlewares, b.middlewares)
		},
		func(s service) bool { return s.broken != "" },
		func(s service) (string, string) { return s.name, "" })
	pool := Pool{
		Name: winner.value.name, Dialect: Traefik, PassHost: winner.value.passHost, Balance: winner.value.balance,
		Composed: winner.value.composed, Middlewares: m.ownNames(winner.owner, winner.value.middlewares), Broken: winner.value.broken, Service: m.Service,
	}
	for _, v := range all {
		pool.Origin = pool.Origin.with(v.owner)
		if v.value.composed != nil || pool.Composed != nil {
			continue // who declares it is no server of it
		}
		if v.value.unusable != "" {
			m.problem(v.owner, Problem{Offset: -1, Reason: "service " + v.value.name + ": " + v.value.unusable})
			continue
		}
		if e, ok := m.server(v.value, v.owner); ok {
			pool.Endpoints = append(pool.Endpoints, e)
		}
	}
	m.Pools = append(m.Pools, pool)
}

// server is the endpoint of one instance of a service.
func (m *merger) server(s service, owner Instance) (e Endpoint, ok bool) {
	if s.url != "" {
		e, err := s.place()
		if err != nil {
			m.problem(owner, Problem{Offset: -1, Reason: "service " + s.name + ": " + err.Error()})
			return e, false
		}
		e.Transport = m.transportOf(&s)
		e.Weight, e.Serving, e.Retired = s.weight*max(1, owner.Weight), owner.Serving, owner.Retired
		e.Instance, e.Node, e.Zone = owner.ID, owner.Node, owner.Zone
		return e, true
	}
	e, ok = m.endpoint(owner, cmp.Or(s.port, owner.Port))
	e.Weight, e.Scheme = e.Weight*s.weight, cmp.Or(s.scheme, "http")
	e.Transport = m.transportOf(&s)
	return e, ok
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
