// Package claim reserves hosts for services: what others may not ask for is left out
// of their definitions before any route is made of them.
package claim

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// Claim reserves hosts for those it lists. Where several claims hold for a host,
// the most specific one counts. The configuration's own routes need no claim.
type Claim struct {
	// Host is "www.example.com", "*.example.com" for all names below that, or "*"
	// for every host and for routes that name none.
	Host string
	// Services, Nodes and Namespaces are patterns of [path.Match] of who may ask
	// for the hosts; an empty list lets everyone, and all three must hold.
	Services, Nodes, Namespaces []string
	// CatchAll lets routes of others take requests for these hosts, too, if they
	// name no host or a wider pattern than this.
	CatchAll bool
}

// Validate reports what is wrong with the patterns.
func (c Claim) Validate() error {
	name := strings.TrimPrefix(strings.TrimPrefix(c.Host, "*"), ".")
	if strings.ContainsAny(name, "*/:{} ") || c.Host != strings.ToLower(c.Host) || name == "" && c.Host != "*" || strings.HasPrefix(c.Host, "*") && c.Host != "*" && c.Host[1] != '.' {
		return fmt.Errorf(`host %q is not of the form "www.example.com", "*.example.com" or "*", in lower case and without a port`, c.Host)
	}
	if len(c.Services)+len(c.Nodes)+len(c.Namespaces) == 0 {
		return fmt.Errorf("claim %q lists no services, nodes or namespaces", c.Host)
	}
	for _, pattern := range slices.Concat(c.Services, c.Nodes, c.Namespaces) {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%q is not a pattern of names such as shop-*", pattern)
		}
	}
	return nil
}

// covers reports whether the claim is about a host.
func (c *Claim) covers(host string) bool {
	suffix, wild := strings.CutPrefix(c.Host, "*")
	return host == c.Host || wild && strings.HasSuffix(host, suffix)
}

// Owner is who asks for a route. An empty Node or Namespace is not known and
// not looked at.
type Owner struct{ Service, Node, Namespace string }

func (c *Claim) allows(o Owner) bool {
	return isOneOf(o.Service, c.Services) && (o.Node == "" || isOneOf(o.Node, c.Nodes)) &&
		(o.Namespace == "" || isOneOf(o.Namespace, c.Namespaces))
}

func isOneOf(name string, patterns []string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// List is the claims of a configuration.
type List []Claim

// Sorted has the more specific claims first.
func (all List) Sorted() List {
	return slices.SortedFunc(slices.Values(all), func(a, b Claim) int {
		wild := func(c Claim) int { return strings.Count(c.Host, "*") }
		return cmp.Or(wild(a)-wild(b), len(b.Host)-len(a.Host))
	})
}

// of is the claim that counts for a host, nil if there is none. It is for
// Sorted claims.
func (all List) of(host string) *Claim {
	for i := range all {
		if all[i].covers(host) {
			return &all[i]
		}
	}
	return nil
}

// LookAtInstances reports whether it matters where an instance runs.
func (all List) LookAtInstances() bool {
	return slices.ContainsFunc(all, func(c Claim) bool { return len(c.Nodes)+len(c.Namespaces) > 0 })
}

// unclaimed holds for hosts that no claim keeps from an owner. The claims are
// sorted.
type unclaimed struct {
	claims List
	owner  Owner
}

// Match implements [match.Expr].
func (u unclaimed) Match(r *match.Request) bool {
	c := u.claims.of(r.Host)
	return c == nil || c.CatchAll || c.allows(u.owner)
}

// String implements [match.Expr].
func (u unclaimed) String() string { return "HostNotClaimedByOthers()" }

// verdict is how a rule stands to the claims of others.
type verdict struct {
	// against is the claim that the rule breaks, nil if it breaks none.
	against *Claim
	// open is set if the rule may also match hosts it does not name.
	open bool
	// anyHost is set if it names no host at all.
	anyHost bool
	// within is set if a claim lets the owner have a host the rule names.
	within bool
}

// judge holds a rule against sorted claims.
func (all List) judge(e match.Expr, o Owner) verdict {
	switch e := e.(type) {
	case match.And:
		v := verdict{open: true, anyHost: true}
		for _, part := range e {
			p := all.judge(part, o)
			v.against = cmp.Or(v.against, p.against)
			v.open, v.anyHost, v.within = v.open && p.open, v.anyHost && p.anyHost, v.within || p.within
		}
		return v
	case match.Or:
		var v verdict
		for _, part := range e {
			p := all.judge(part, o)
			v.against = cmp.Or(v.against, p.against)
			v.open, v.anyHost, v.within = v.open || p.open, v.anyHost || p.anyHost, v.within || p.within
		}
		return v
	case match.Host:
		return all.judgeHost(e.Name, o)
	case match.HostWildcard:
		if e.Suffix == "" {
			return verdict{open: true, anyHost: true}
		}
		v := all.judgeHost("*"+e.Suffix, o)
		v.open = true
		return v
	case match.HostGlob, match.HostRegexp:
		return all.judgePattern(e, o)
	}
	return verdict{open: true, anyHost: true}
}

// judgeHost is for a host or, with a star in front, for all that end so.
func (all List) judgeHost(host string, o Owner) (v verdict) {
	switch c := all.of(host); {
	case c == nil:
	case c.allows(o):
		v.within = true
	default:
		v.against = c
	}
	return v
}

// judgePattern is for patterns whose hosts cannot be listed: one that matches
// claimed hosts, but not any, is meant for them.
func (all List) judgePattern(e match.Expr, o Owner) verdict {
	matches := func(host string) bool { return e.Match(&match.Request{Host: host}) }
	v := verdict{open: true, anyHost: matches("host.invalid")}
	for i := range all {
		c := &all[i]
		if c.Host == "*" || v.anyHost {
			continue
		}
		host := strings.Replace(c.Host, "*", "host", 1)
		if matches(host) && !c.allows(o) && all.of(host) == c {
			v.against = c
			return v
		}
	}
	return v
}

// Restrict leaves out what a definition may not ask for, and keeps what it may
// from hosts of others. What is left of a service with claims of its own ranks
// above what others ask for by the same names.
func (all List) Restrict(d tags.Definition, o Owner) tags.Definition {
	if len(all) == 0 {
		return d
	}
	within := false
	var routes []tags.Route
	for _, r := range d.Routes {
		v := all.verdictOn(r.Match, o)
		if v.against != nil {
			d.Problems = append(d.Problems, v.against.problem(r.Problem("", "")))
			continue
		}
		if within = within || v.within; v.open {
			r.Match = match.And{r.Match, unclaimed{all, o}}
		}
		routes = append(routes, r)
	}
	var connections []tags.TCPRoute
	for _, r := range d.TCPRoutes {
		e := r.Match
		if r.ServerName != "" {
			e = r.Names()
		}
		if e != nil {
			v := all.verdictOn(e, o)
			if v.against != nil {
				d.Problems = append(d.Problems, v.against.problem(r.Problem("", "")))
				continue
			}
			if within = within || v.within; v.open && r.Match != nil {
				r.Match = match.And{r.Match, unclaimed{all, o}}
			}
		}
		connections = append(connections, r)
	}
	d.Routes, d.TCPRoutes = routes, connections
	if within {
		d = claimed(d)
	}
	return d
}

// verdictOn also counts a rule that names no host as one for every host.
func (all List) verdictOn(e match.Expr, o Owner) verdict {
	v := all.judge(e, o)
	if last := len(all) - 1; v.against == nil && v.anyHost && all[last].Host == "*" && !all[last].CatchAll && !all[last].allows(o) {
		v.against = &all[last]
	}
	return v
}

// claimed marks what a definition asks for.
func claimed(d tags.Definition) tags.Definition {
	d.Middlewares, d.TCPMiddlewares, d.Pools = slices.Clone(d.Middlewares), slices.Clone(d.TCPMiddlewares), slices.Clone(d.Pools)
	for i := range d.Routes {
		d.Routes[i].Origin.Claimed = true
	}
	for i := range d.TCPRoutes {
		d.TCPRoutes[i].Origin.Claimed = true
	}
	for i := range d.Middlewares {
		d.Middlewares[i].Origin.Claimed = true
	}
	for i := range d.TCPMiddlewares {
		d.TCPMiddlewares[i].Origin.Claimed = true
	}
	for i := range d.Pools {
		d.Pools[i].Origin.Claimed = true
	}
	return d
}

// problem tells of a route that breaks the claim.
func (c *Claim) problem(p tags.Problem) tags.Problem {
	p.Reason = "the host is reserved: claim " + c.Host + " does not list it"
	p.Hint = fmt.Sprintf(`a stanza claim %q of the configuration says who may ask for the host`, c.Host)
	return p
}
