package tags

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/internal/unixsock"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// Static is what the operator's configuration asks for beside the tags.
type Static struct {
	Routes      []StaticRoute
	Streams     []StaticStream
	Services    []StaticService
	Middlewares []StaticMiddleware
	// StreamServices and StreamMiddlewares are those of Streams.
	StreamServices    []StaticStreamService
	StreamMiddlewares []StaticMiddleware
	// Transports are those of targets of which nothing is said.
	Transports DefaultTransports
}

// StaticRoute is a route of the configuration. Of Service and Targets it has
// one.
type StaticRoute struct {
	Name string
	// Source is where it stands: file:line:column.
	Source string
	// Rule is in the syntax of that version of Traefik: "v1", "v2" or, also if it
	// is empty, "v3".
	Rule, Syntax string

	Priority    int // 0 is the length of the rule
	Entrypoints []string
	// Middlewares are those of the configuration; NAME@consulcatalog is one that a
	// tag declares.
	Middlewares []string
	// TLSOptions are the name of the TLS options for the hosts of the rule, which
	// are for TLS then.
	TLS        bool
	TLSOptions string
	// CertResolver is as in [Declaration]; with one, the route is for TLS.
	CertResolver string
	// Service is one of the configuration or, if that has none of the name, the
	// catalog's name of the service whose instances serve the route, whatever their
	// tags.
	Service string
	// Scheme is how they are spoken to; empty is "http".
	Scheme string
	// Targets are URLs, each with a weight behind it if that is not 1:
	// "http://10.0.0.1:80 weight=3".
	Targets []string
	Balance *spec.LoadBalancer // nil: that of all
	// RewriteHost sends targets their own address as Host.
	RewriteHost bool
	Reach
	// WithoutDefaults leaves out the middlewares every route has.
	WithoutDefaults bool
	// Traced and TracedSteps are as in [Route].
	Traced, TracedSteps spec.Switch
}

// StaticMiddleware is a middleware of the configuration, which tags refer to as
// NAME@file.
type StaticMiddleware struct {
	Name   string
	Source string
	Spec   spec.Middleware
}

// unbeatable ranks above what any number of instances ask for.
var unbeatable = Origin{Claimed: true, Serving: math.MaxInt32}

// Definition is what the configuration asks for, and for each service of the
// catalog the pools of the dialect [File] that its instances are to be in. The
// error joins all faults, each with its place.
func (s Static) Definition(patterns *match.Patterns) (d Definition, pools map[string][]StaticPool, err error) {
	var errs []error
	known := newStaticServices(s.Services)
	for _, m := range s.Middlewares {
		made, err := m.middleware(known)
		errs = append(errs, at(m.Source, "middleware", m.Name, err))
		d.Middlewares = append(d.Middlewares, made)
	}
	for i := range s.Services {
		pools, err := s.Services[i].pools(known)
		errs = append(errs, at(s.Services[i].Source, "service", s.Services[i].Name, err))
		d.Pools = append(d.Pools, pools...)
	}
	for _, r := range s.Routes {
		made, pool, err := r.route(patterns)
		if err == nil && known.has(r.Service) && made.Pool != r.Service {
			err = fmt.Errorf("how its targets are reached and chosen is said by service %q itself", r.Service)
		}
		if errs = append(errs, at(r.Source, "route", r.Name, err)); err != nil {
			continue
		}
		d.Routes = append(d.Routes, made)
		if known.has(r.Service) || IsInternal(r.Service) { // no instances to look for
			continue
		}
		if r.Service != "" {
			known.add(r.Service, StaticPool{made.Pool, orHTTP(r.Scheme), r.Reach})
		}
		d.Pools = append(d.Pools, pool)
	}
	errs = append(errs, s.streams(&d, known, patterns))
	s.Transports.apply(d.Pools)
	return d, known.catalog, errors.Join(errs...)
}

// streams adds what is asked for of connections and datagrams.
func (s Static) streams(d *Definition, http staticServices, patterns *match.Patterns) error {
	var errs []error
	known := staticServices{declared: map[string]bool{}}
	for i := range s.StreamServices {
		known.declared[strings.ToLower(s.StreamServices[i].key())] = true
	}
	for i := range s.StreamServices {
		service := &s.StreamServices[i]
		pools, err := service.pools(known, http)
		errs = append(errs, at(service.Source, service.kind(), service.Name, err))
		d.Pools = append(d.Pools, pools...)
	}
	for _, m := range s.StreamMiddlewares {
		errs = append(errs, at(m.Source, "tcp_middleware", m.Name, m.Spec.Validate()))
		d.TCPMiddlewares = append(d.TCPMiddlewares, Middleware{Name: m.Name + atFile, Spec: m.Spec, Origin: unbeatable})
	}
	for _, r := range s.Streams {
		made, pool, err := r.route(patterns)
		of := streamRoot(r.UDP) + ":" + r.Service
		isDeclared := known.has(of)
		if err == nil && isDeclared && !reflect.DeepEqual(r.StreamServers, StreamServers{Service: r.Service}) {
			err = fmt.Errorf("how its targets are reached is said by service %q itself", r.Service)
		}
		if errs = append(errs, at(r.Source, r.kind(), r.Name, err)); err != nil {
			continue
		}
		if isDeclared {
			made.Pool = of
			d.TCPRoutes = append(d.TCPRoutes, made)
			continue
		}
		if r.Service != "" {
			http.add(r.Service, StaticPool{made.Pool, r.scheme(r.UDP), r.Reach})
		}
		d.TCPRoutes, d.Pools = append(d.TCPRoutes, made), append(d.Pools, pool)
	}
	return errors.Join(errs...)
}

func orHTTP(scheme string) string { return cmp.Or(scheme, "http") }

// at says where a fault is.
func at(source, kind, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s %q: %w", source, kind, name, err)
}

// StaticPool is a pool of the configuration that instances of a service are in.
type StaticPool struct {
	Name, Scheme string
	Reach
}

// middleware qualifies the names in its spec.
func (m StaticMiddleware) middleware(known staticServices) (Middleware, error) {
	made := Middleware{Name: m.Name, Dialect: File, Spec: m.Spec, Origin: unbeatable}
	switch s := m.Spec.(type) {
	case spec.Chain:
		made.Spec = spec.Chain{Middlewares: ofFile(s.Middlewares)}
	case *spec.Errors:
		pages := *s
		pages.Service, _ = known.refer(s.Service)
		made.Spec = &pages
	}
	return made, m.Spec.Validate()
}

func (r StaticRoute) route(patterns *match.Patterns) (made Route, pool Pool, err error) {
	made = Route{
		Declaration: Declaration{
			Name: r.Name, Dialect: File, Service: r.Service, Rule: r.Rule,
			Entrypoints: r.Entrypoints, Middlewares: ofFile(r.Middlewares), TLS: NewTLS(r.TLSOptions, r.CertResolver, nil),
			Pool: r.pool(), Origin: unbeatable, Source: r.Source,
		},
		Precedence:      match.Precedence{Class: match.ByPriority, Priority: cmp.Or(r.Priority, len(r.Rule)), Name: r.Name},
		WithoutDefaults: r.WithoutDefaults, Traced: r.Traced, TracedSteps: r.TracedSteps, PassHost: !r.RewriteHost,
	}
	if err := r.rule(&made, patterns); err != nil {
		return made, pool, err
	}
	if (r.Service == "") == (len(r.Targets) == 0) {
		return made, pool, errors.New("either service or targets says who serves it")
	}
	if r.Balance != nil {
		if err := r.Balance.Validate(); err != nil {
			return made, pool, fmt.Errorf("load_balancer: %w", err)
		}
	}
	pool = Pool{Name: made.Pool, Dialect: File, PassHost: true, Balance: r.Balance, Origin: unbeatable}
	pool.Endpoints, err = staticTargets(r.Targets, r.Reach)
	return made, pool, err
}

// rule reads the rule. One of Traefik v1 may change the path as well.
func (r StaticRoute) rule(made *Route, patterns *match.Patterns) (err error) {
	switch r.Syntax {
	case "v1":
		var rule rule1
		rule, err = parseRule1(r.Rule, patterns)
		made.Match, made.Steps, made.SlashPaths = rule.expr(), rule.steps(), rule.slash
	case "", string(syntaxV2), string(syntaxV3):
		made.Match, err = parseRule(r.Rule, cmp.Or(syntax(r.Syntax), syntaxV3), patterns)
	default:
		return fmt.Errorf("there is no rule syntax %q (v1, v2, v3)", r.Syntax)
	}
	if fault, ok := errors.AsType[*ruleError](err); ok {
		return fmt.Errorf("rule, at byte %d of %s: %w%s", fault.offset, r.Rule, err, hinted(fault.hint))
	}
	if r.TLS || r.TLSOptions != "" || r.CertResolver != "" {
		made.Match = match.And{made.Match, match.TLS{}}
	}
	return err
}

func hinted(hint string) string {
	if hint == "" {
		return ""
	}
	return " (" + hint + ")"
}

// pool names the route's pool. Routes that ask for a service and no more share
// one.
func (r StaticRoute) pool() string {
	if IsInternal(r.Service) || r.Service != "" && r.Balance == nil && r.Scheme == "" && r.Reach == (Reach{}) {
		return r.Service
	}
	return "route " + r.Name
}

func staticTargets(texts []string, reach Reach) (endpoints []Endpoint, err error) {
	for _, text := range texts {
		e, err := staticTarget(text)
		if err != nil {
			return nil, err
		}
		reach.set(&e)
		endpoints = append(endpoints, e)
	}
	return endpoints, nil
}

// staticTarget reads "URL" or "URL weight=N".
func staticTarget(text string) (e Endpoint, err error) {
	address, option, weighted := strings.Cut(strings.TrimSpace(text), " ")
	e = Endpoint{Weight: 1, Serving: true, Instance: address}
	if weighted {
		digits, ok := strings.CutPrefix(strings.TrimSpace(option), "weight=")
		if e.Weight, err = strconv.Atoi(digits); !ok || err != nil || e.Weight < 0 {
			return e, fmt.Errorf("target %q: what follows the URL is not of the form weight=3", text)
		}
	}
	if path, ok := unixsock.Path(address); ok {
		e.Scheme, e.Address = "http", unixsock.Prefix+path
		return e, unixsock.Check(path)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || defaultPorts[u.Scheme] == "":
		return e, fmt.Errorf("target %q is not of the form http://HOST:PORT, https://HOST:PORT, h2c://HOST:PORT or unix:///PATH", text)
	case u.RawQuery != "" || u.User != nil:
		return e, fmt.Errorf("target %q has more than a host, a port and a path", text)
	}
	e.Path = strings.TrimRight(u.EscapedPath(), "/")
	port := cmp.Or(u.Port(), defaultPorts[u.Scheme])
	e.Scheme, e.Address = u.Scheme, net.JoinHostPort(u.Hostname(), port)
	return e, nil
}

// What stands behind a name says whose it is: of the configuration, or of tags
// as Traefik calls them.
const (
	atFile    = "@file"
	atCatalog = "@consulcatalog"
	// AtInternal stands behind the names of services that the load balancer has
	// itself.
	AtInternal = "@internal"
)

// IsInternal reports whether a service is one of the load balancer's own.
func IsInternal(service string) bool {
	return strings.HasSuffix(strings.ToLower(service), AtInternal)
}

// ofFile qualifies names as the configuration means them: without saying more,
// its own.
func ofFile(names []string) []string {
	names = slices.Clone(names)
	for i, name := range names {
		if !strings.Contains(name, "@") {
			names[i] = name + atFile
		}
	}
	return names
}

// Owner tells which dialect a name refers to that is used in another one, and
// the name there.
func (d Dialect) Owner(name string) (Dialect, string) {
	if d != File && d != Traefik {
		return d, name
	}
	if base, ok := strings.CutSuffix(name, atFile); ok {
		return File, base
	}
	if base, ok := strings.CutSuffix(name, atCatalog); ok {
		return Traefik, base
	}
	return d, name
}

// static puts the service's instances into the pools of the configuration.
func (p *parser) static() {
	for _, s := range p.StaticPools[p.Service] {
		pool := Pool{Name: s.Name, Dialect: File, PassHost: true, Service: p.Service}
		for _, v := range p.views {
			if e, ok := p.endpoint(v.Instance, v.Port); ok {
				e.Scheme = s.Scheme
				s.set(&e)
				pool.Endpoints = append(pool.Endpoints, e)
			}
		}
		p.Pools = append(p.Pools, pool)
	}
}
