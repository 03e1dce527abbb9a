package tags

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/transport"
)

// streamMerger joins what the instances of a service declare of connections or
// of datagrams.
type streamMerger struct {
	*parser
	root        string // of the keys: "tcp" or "udp"
	routers     map[string][]variant[streamRouter]
	services    map[string][]variant[streamService]
	middlewares map[string][]variant[streamMiddleware]
}

func newStreamMerger(p *parser, root string) *streamMerger {
	return &streamMerger{
		p, root, map[string][]variant[streamRouter]{}, map[string][]variant[streamService]{}, map[string][]variant[streamMiddleware]{},
	}
}

// pool is what a service is called among the pools of all kinds.
func (m *streamMerger) pool(service string) string {
	return m.root + ":" + strings.TrimSuffix(service, "@consulcatalog")
}

// instance takes in what an instance declares, and adds what it leaves unsaid:
// the service, and which one a router uses.
func (m *streamMerger) instance(declared streams, i Instance) {
	if own := strings.ToLower(m.Service); len(declared.routers) > 0 && !declared.hasOwn() && declared.services[own] == nil {
		declared.services[own] = &streamService{name: m.Service}
	}
	for _, name := range sortedKeys(declared.routers) {
		r := declared.routers[name]
		if r.Service = cmp.Or(strings.TrimSpace(r.Service), declared.main()); r.Service == "" {
			m.problem(i, Problem{
				Route: r.name, Tag: r.rule.tag, Offset: -1, Reason: "the router names no service and the instance has several",
			})
			continue
		}
		m.routers[name] = append(m.routers[name], variant[streamRouter]{value: *r, owner: i})
	}
	for name, s := range declared.services {
		s.reached, s.broken = m.reach(s)
		s.check()
		m.services[name] = append(m.services[name], variant[streamService]{value: *s, owner: i})
	}
	for name, w := range declared.middlewares {
		w.check()
		m.middlewares[name] = append(m.middlewares[name], variant[streamMiddleware]{value: *w, owner: i})
	}
}

// hasOwn reports whether the instance declares a service that it is a server of.
func (s *streams) hasOwn() bool {
	for _, service := range s.services {
		if service.Weighted == nil {
			return true
		}
	}
	return false
}

// main is the service of routers that name none, as [objects.main].
func (s *streams) main() string {
	var all, composed []string
	for _, service := range s.services {
		if all = append(all, service.name); service.Weighted != nil {
			composed = append(composed, service.name)
		}
	}
	return mainService(all, composed)
}

func (s *streamService) check() {
	switch {
	case s.broken != "":
	case s.Weighted != nil && s.Balancer != nil:
		s.broken = "it is a load balancer and composed of others as well"
	case s.Weighted != nil:
		if err := s.Weighted.Validate(); err != nil {
			s.broken = strings.ReplaceAll(err.Error(), "\n", "; ")
		}
	}
}

func (m *streamMiddleware) check() {
	if m.broken != "" {
		return
	}
	if err := m.spec.Validate(); err != nil {
		m.broken = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
}

// define adds the definitions of all that was declared.
func (m *streamMerger) define() {
	for _, name := range sortedKeys(m.middlewares) {
		m.middleware(m.middlewares[name])
	}
	for _, name := range sortedKeys(m.services) {
		m.service(m.services[name])
	}
	for n, name := range sortedKeys(m.routers) {
		if m.tooMany(m.routers[name][0].owner, n) {
			return
		}
		for _, v := range ranked(m.routers[name], streamRouter.equal) { // as those of requests
			m.router(v)
		}
	}
}

func (m *streamMerger) parse(r *streamRouter) (match.Expr, error) {
	rules := syntaxTCP
	if cmp.Or(r.Syntax, m.RuleSyntax) == string(syntaxV2) {
		rules = syntaxTCPV2
	}
	return parseRule(r.Rule, rules, m.Patterns)
}

func (a streamRouter) equal(b streamRouter) bool {
	a.rule, b.rule = label{}, label{} // the text is in Rule
	return reflect.DeepEqual(a, b)
}

func (m *streamMerger) router(v variant[streamRouter]) {
	r := v.value
	route := TCPRoute{
		Declaration: Declaration{
			Name: r.name, Dialect: Traefik, Service: m.Service, Rule: r.Rule,
			Entrypoints: r.Entrypoints, Middlewares: local(r.Middlewares), Pool: m.pool(r.Service),
			Origin: v.origin, Tag: r.rule.tag, Instance: v.owner.ID, Node: v.owner.Node,
		},
		Terminate: r.TLS != nil && !r.TLS.Passthrough, UDP: m.root == "udp",
	}
	if route.Terminate {
		route.TLS = NewTLS(strings.TrimSpace(r.TLS.Options), strings.TrimSpace(r.TLS.CertResolver), names(r.TLS.Domains))
	}
	if route.UDP {
		m.TCPRoutes = append(m.TCPRoutes, route)
		return
	}
	problem := Problem{Route: r.name, Tag: r.rule.tag, Offset: r.rule.at}
	if r.Rule == "" {
		problem.Offset, problem.Reason, problem.Hint = -1, "a TCP router needs a rule", "HostSNI(`*`) takes every connection"
		m.problem(v.owner, problem)
		return
	}
	rule, err := m.parse(&r)
	if err != nil {
		m.problem(v.owner, problem.because(err))
		return
	}
	route.Match, route.Priority = rule, cmp.Or(r.Priority, streamPriority(rule, r.Rule))
	switch {
	case r.TLS != nil:
		route.Match = match.And{rule, match.TLS{}}
	case needsTLS(rule):
		problem.Offset, problem.Reason = -1, "the rule looks at what TLS clients ask for, and the router has no TLS"
		problem.Hint = "tls=true ends TLS here, tls.passthrough=true passes it on"
		m.problem(v.owner, problem)
		return
	}
	m.TCPRoutes = append(m.TCPRoutes, route)
}

// streamPriority is the priority of a rule without one: its length, but what
// takes every connection comes last.
func streamPriority(rule match.Expr, text string) int {
	if rule == (match.HostWildcard{}) {
		return -1
	}
	return len(text)
}

// needsTLS reports whether a rule asks for something only TLS clients tell.
func needsTLS(e match.Expr) bool {
	switch e := e.(type) {
	case match.And:
		return slices.ContainsFunc(e, needsTLS)
	case match.Or:
		return slices.ContainsFunc(e, needsTLS)
	case match.Not:
		return needsTLS(e.X)
	case match.HostWildcard:
		return e.Suffix != ""
	case match.Host, match.HostRegexp, match.ALPN:
		return true
	}
	return false
}

// service makes a pool of all instances that declare it.
func (m *streamMerger) service(all []variant[streamService]) {
	winner, _ := best(m.parser, strings.ToUpper(m.root)+" service", all,
		func(a, b streamService) bool {
			return a.proxy() == b.proxy() && a.reached == b.reached && reflect.DeepEqual(a.balance(), b.balance()) && a.broken == b.broken && reflect.DeepEqual(a.Weighted, b.Weighted)
		},
		func(s streamService) bool { return s.broken != "" },
		func(s streamService) (string, string) { return s.name, "" })
	pool := Pool{
		Name: m.pool(winner.value.name), Dialect: Traefik, PassHost: true, Service: m.Service, ProxyProtocol: winner.value.proxy(),
		Balance:  winner.value.balance(),
		Composed: m.composed(winner.value.Weighted), Broken: winner.value.broken,
	}
	for _, v := range all {
		pool.Origin = pool.Origin.with(v.owner)
		if v.value.Weighted != nil || pool.Composed != nil {
			continue // who declares it is no server of it
		}
		server := streamServer{}
		if b := v.value.Balancer; b != nil && b.Server != nil {
			server = *b.Server
		}
		if e, ok := m.endpoint(v.owner, cmp.Or(server.Port, v.owner.Port)); ok {
			e.Scheme = m.root
			if server.TLS {
				e.Scheme = "tls"
			}
			e.Transport = v.value.reached
			pool.Endpoints = append(pool.Endpoints, e)
		}
	}
	m.Pools = append(m.Pools, pool)
}

// composed names the pools of the services that a service is composed of, nil if
// it is not.
func (m *streamMerger) composed(w *spec.WeightedServices) *spec.Composition {
	if w == nil {
		return nil
	}
	services := slices.Clone(w.Services)
	for i := range services {
		services[i].Name = m.pool(services[i].Name)
	}
	return &spec.Composition{Weighted: &spec.Weighted{Services: services}}
}

// proxy is the version of the PROXY header the service is sent, 0 if none.
func (s streamService) proxy() int {
	switch {
	case s.Balancer == nil:
		return 0
	case s.Balancer.ServersTransport != "": // which says it as well
		return s.reached.Conns().ProxyProtocol
	}
	return s.Balancer.ProxyProtocol.VersionSent()
}

// balance is how the service is checked, nil if it is not.
func (s streamService) balance() *spec.LoadBalancer {
	if s.Balancer == nil || s.Balancer.HealthCheck == nil {
		return nil
	}
	check, _ := s.Balancer.HealthCheck.spec() // what makes no sense was told
	return &spec.LoadBalancer{Health: check}
}

// reach is how the service's servers are connected to. Beside a servers transport,
// the termination delay and the PROXY protocol of the service do not count.
func (m *streamMerger) reach(s *streamService) (id transport.ID, broken string) {
	b := s.Balancer
	switch {
	case b == nil:
		return id, ""
	case b.ServersTransport == "" && b.TerminationDelay != "":
		delay, _ := strconv.Atoi(b.TerminationDelay) // as was read
		return id.WithTermination(cmp.Or(time.Duration(delay)*time.Millisecond, time.Millisecond)), ""
	}
	id, ok := m.TCPTransports.Find(b.ServersTransport)
	if !ok {
		broken = `there is no servers transport ` + b.ServersTransport + `: tcp_transport "NAME" { … } declares one`
	}
	return id, broken
}

func (m *streamMerger) middleware(all []variant[streamMiddleware]) {
	v, _ := best(m.parser, "TCP middleware", all,
		func(a, b streamMiddleware) bool {
			return a.kind == b.kind && a.broken == b.broken && reflect.DeepEqual(a.spec, b.spec)
		},
		func(w streamMiddleware) bool { return w.broken != "" },
		func(w streamMiddleware) (string, string) { return w.name, "" })
	w := Middleware{Name: v.value.name, Spec: v.value.spec, Broken: v.value.broken, Service: m.Service, Origin: v.origin}
	if w.Broken != "" {
		w.Spec = nil
		m.problem(v.owner, Problem{
			Tag: v.value.by.redacted(), Offset: -1,
			Reason: "TCP middleware " + w.Name + ": " + w.Broken,
			Hint:   "routers that use it are not served",
		})
	}
	m.TCPMiddlewares = append(m.TCPMiddlewares, w)
}
