package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/claim"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// StaticRoute is a route that no tag asks for.
type StaticRoute struct {
	Origin string
	Name   string // the label of the stanza

	// Rule is in the syntax of Traefik "v1", "v2" or "v3", which is that without
	// RuleSyntax. Hosts and Paths (prefixes) stand for one:
	// any of the hosts, and any of the paths.
	Rule       string   `hcl:"rule"`
	RuleSyntax string   `hcl:"rule_syntax"`
	Hosts      []string `hcl:"host"`
	Paths      []string `hcl:"path"`

	Entrypoints []string `hcl:"entrypoints"`
	Priority    int      `hcl:"priority"` // 0: the length of the rule
	Middlewares []string `hcl:"middlewares"`
	// Defaults off leaves out the middlewares of the defaults stanza.
	Defaults Optional[bool] `hcl:"defaults"`
	// Tracing is "off", "minimal" or "detailed"; empty is as the listener has it.
	Tracing string `hcl:"tracing"`
	// TLSOptions are the name of a tls_options stanza; with one, TLS is on.
	TLSOptions string `hcl:"tls_options"`
	TLS        bool   `hcl:"tls"`
	// CertResolver is the name of an acme stanza; with one, TLS is on.
	CertResolver string `hcl:"cert_resolver"`

	Servers
}

// SetDefaults implements [hcl.Defaulted].
func (r *StaticRoute) SetDefaults(at hcl.Position) { *r = StaticRoute{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (r *StaticRoute) SetLabel(label string) { r.Name = label }

// rule is the route's, however it is written.
func (r *StaticRoute) rule() string {
	if r.Rule != "" {
		return r.Rule
	}
	anyOf := func(matcher string, values []string) string {
		var parts []string
		for _, v := range values {
			parts = append(parts, matcher+"(`"+v+"`)")
		}
		text := strings.Join(parts, " || ")
		if len(parts) > 1 && len(r.Hosts) > 0 && len(r.Paths) > 0 {
			text = "(" + text + ")"
		}
		return text
	}
	hosts, paths := anyOf("Host", r.Hosts), anyOf("PathPrefix", r.Paths)
	if hosts != "" && paths != "" {
		return hosts + " && " + paths
	}
	return hosts + paths
}

// Static is what it asks package tags for, with those transports.
func (r *StaticRoute) Static(known tags.Transports) tags.StaticRoute {
	return tags.StaticRoute{
		Name: r.Name, Source: r.Origin, Rule: r.rule(), Syntax: r.RuleSyntax, Priority: r.Priority, Entrypoints: r.Entrypoints,
		Middlewares: r.Middlewares, TLS: r.TLS, TLSOptions: r.TLSOptions, CertResolver: r.CertResolver, Service: r.Service, Scheme: r.Scheme, Targets: r.Targets,
		Balance: r.LoadBalancer.Spec, RewriteHost: !r.PassHost.Or(true), Reach: reach(known, r.ServerName, r.SkipVerify, r.Transport),
		WithoutDefaults: !r.Defaults.Or(true), Traced: tracingWords[r.Tracing].traced, TracedSteps: tracingWords[r.Tracing].steps,
	}
}

// Defaults are what holds for routes that say nothing else, whatever asks for
// them.
type Defaults struct {
	// Middlewares every route has, in front of its own.
	Middlewares []string `hcl:"middlewares"`
	// Optional are those of them that tags may leave out.
	Optional     []string     `hcl:"optional"`
	Entrypoints  []string     `hcl:"entrypoints"`
	LoadBalancer LoadBalancer `hcl:"load_balancer"`
	// Transport is for targets with TLS, TCPTransport for those of connections, where
	// nothing else is said of how they are connected to.
	Transport    string `hcl:"transport"`
	TCPTransport string `hcl:"tcp_transport"`
}

// Claim reserves hosts; see [claim.Claim].
type Claim struct {
	Origin     string
	Host       string   // the label of the stanza
	Services   []string `hcl:"services"`
	Nodes      []string `hcl:"nodes"`
	Namespaces []string `hcl:"namespaces"`
	CatchAll   bool     `hcl:"catch_all"`
}

// SetDefaults implements [hcl.Defaulted].
func (c *Claim) SetDefaults(at hcl.Position) { *c = Claim{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (c *Claim) SetLabel(label string) { c.Host = label }

func (c Claim) claim() claim.Claim {
	return claim.Claim{Host: c.Host, Services: c.Services, Nodes: c.Nodes, Namespaces: c.Namespaces, CatchAll: c.CatchAll}
}

// Static is what the stanzas ask for.
func (c *Config) Static() tags.Static { return c.staticWith(c.transports()) }

func (c *Config) staticWith(all transports) tags.Static {
	s := tags.Static{Transports: c.defaultTransports(all)}
	for i := range c.Routes {
		s.Routes = append(s.Routes, c.Routes[i].Static(all.http))
	}
	for i := range c.TCPRoutes {
		s.Streams = append(s.Streams, c.TCPRoutes[i].Static(all.tcp, false))
	}
	for i := range c.UDPRoutes {
		s.Streams = append(s.Streams, c.UDPRoutes[i].Static(all.tcp, true))
	}
	for i := range c.TCPServices {
		s.StreamServices = append(s.StreamServices, c.TCPServices[i].static(all.tcp, false))
	}
	for i := range c.UDPServices {
		s.StreamServices = append(s.StreamServices, c.UDPServices[i].static(all.tcp, true))
	}
	for _, m := range c.TCPMiddlewares {
		if m.Spec != nil {
			s.StreamMiddlewares = append(s.StreamMiddlewares, tags.StaticMiddleware{Name: m.Name, Source: m.Origin, Spec: m.Spec})
		}
	}
	for i := range c.Services {
		s.Services = append(s.Services, c.Services[i].static(all.http))
	}
	for _, m := range c.Middlewares {
		if m.Spec != nil {
			s.Middlewares = append(s.Middlewares, tags.StaticMiddleware{Name: m.Name, Source: m.Origin, Spec: m.Spec})
		}
	}
	return s
}

// setStatic puts the stanzas into the options of tables, as far as they are
// valid.
func (c *Config) setStatic(o *lb.Options) {
	all := c.transports()
	o.Static, o.Tags.StaticPools, _ = c.staticWith(all).Definition(o.Tags.Patterns)
	o.Tags.Transports, o.Tags.TCPTransports, o.Tags.DefaultTransports = all.http, all.tcp, c.defaultTransports(all)
	o.Defaults = lb.Defaults{Entrypoints: c.Defaults.Entrypoints, Balance: c.Defaults.LoadBalancer.Spec}
	for _, name := range c.Defaults.Middlewares {
		o.Defaults.Middlewares = append(o.Defaults.Middlewares, name+"@file")
		if slices.Contains(c.Defaults.Optional, name) {
			o.Defaults.Optional = append(o.Defaults.Optional, name+"@file")
		}
	}
	o.Tags.Policies = c.policies()
	for _, claim := range c.Claims {
		o.Claims = append(o.Claims, claim.claim())
	}
}

func (c *Config) validateStatic(f *faultList) {
	_, _, err := c.Static().Definition(nil)
	if err != nil {
		*f = append(*f, err)
	}
	routes := map[string]string{}
	for i := range c.Routes {
		r := &c.Routes[i]
		r.validate(f, c)
		unique(f, routes, "route", r.Name, r.Origin)
	}
	services := map[string]string{}
	for i := range c.Services {
		s := &c.Services[i]
		s.validate(f, c)
		unique(f, services, "service", s.Name, s.Origin)
	}
	names := map[string]string{}
	for _, m := range c.Middlewares {
		unique(f, names, "middleware", m.Name, m.Origin)
		if chain, ok := m.Spec.(spec.Chain); ok {
			c.known(f, m.Origin+": middleware \""+m.Name+"\"", chain.Middlewares)
		}
	}
	c.validateTransports(f)
	for _, l := range c.LB.Listeners {
		if made, err := listener.Parse(l.Text); err == nil { // else that is told
			c.known(f, l.Origin+": listener", made.Middlewares)
		}
	}
	c.known(f, "defaults.middlewares", c.Defaults.Middlewares)
	for _, name := range c.Defaults.Optional {
		if all := c.Defaults.Middlewares; !slices.Contains(all, name) {
			f.addf("defaults.optional: %q is not among defaults.middlewares%s", name, nearest.Hint(name, "", slices.Values(all)))
		}
	}
	for _, name := range c.Defaults.Middlewares {
		if strings.Contains(name, "@") {
			f.addf("defaults.middlewares: %s: only a middleware stanza can be a default: no route is served without it", name)
		}
	}
	if b := c.Defaults.LoadBalancer.Spec; b != nil {
		f.add("defaults.load_balancer", b.Validate())
	}
	c.validatePolicies(f)
	c.validateStreams(f)
	hosts := map[string]string{}
	for _, claim := range c.Claims {
		f.add(claim.Origin, claim.claim().Validate())
		unique(f, hosts, "claim", claim.Host, claim.Origin)
	}
}

func (r *StaticRoute) validate(f *faultList, c *Config) {
	at := fmt.Sprintf("%s: route %q", r.Origin, r.Name)
	if r.Rule != "" && len(r.Hosts)+len(r.Paths) > 0 {
		f.addf("%s: rule says it all: leave out host and path, or the rule", at)
	}
	if r.Tracing != "" {
		f.oneOf(at+": tracing", r.Tracing, "off", "minimal", "detailed")
	}
	r.Servers.validate(f, at, c)
	c.known(f, at, r.Middlewares)
	c.LB.knownTLSOptions(f, at, r.TLSOptions)
	c.LB.knownACME(f, at, r.CertResolver)
}

// known finds names of middlewares that no stanza declares.
func (c *Config) known(f *faultList, at string, names []string) {
	var declared []string
	for _, m := range c.Middlewares {
		declared = append(declared, m.Name)
	}
	for _, name := range names {
		name = strings.TrimSuffix(name, "@file")
		if !strings.Contains(name, "@") && !slices.ContainsFunc(declared, func(d string) bool { return strings.EqualFold(d, name) }) {
			f.addf("%s: no stanza declares middleware %q%s", at, name, nearest.Hint(name, "", slices.Values(declared)))
		}
	}
}

// unique finds names that are used twice.
func unique(f *faultList, seen map[string]string, kind, name, origin string) {
	key := strings.ToLower(name)
	if first, ok := seen[key]; ok {
		f.addf("%s: %s %q is there already, at %s", origin, kind, name, first)
	}
	seen[key] = origin
}
