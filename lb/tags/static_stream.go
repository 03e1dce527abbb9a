package tags

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/sluiceproxy/sluice/lb/match"
)

// StaticStream is a route of the configuration for connections or, if it is UDP,
// for datagrams. Of Service and Targets it has one.
type StaticStream struct {
	Name   string
	Source string // as in [StaticRoute]
	UDP    bool
	// Rule is in the syntax of TCP routers of Traefik 3; empty is HostSNI(`*`). Routes
	// of datagrams have none.
	Rule     string
	Priority int // 0 is the length of the rule
	// Entrypoints are listeners; none is all that pass connections on.
	Entrypoints []string
	// TLS is "passthrough" or "terminate" where clients speak TLS, and empty where
	// they do not.
	TLS        string
	TLSOptions string // as in [TCPRoute], and
	// CertResolver, too.
	CertResolver string
	// Middlewares are as in [StaticRoute], but of connections.
	Middlewares []string
	StreamServers
}

func (r *StaticStream) kind() string {
	if r.UDP {
		return "udp_route"
	}
	return "tcp_route"
}

func (r *StaticStream) route(patterns *match.Patterns) (made TCPRoute, pool Pool, err error) {
	rule := cmp.Or(r.Rule, "HostSNI(`*`)")
	made = TCPRoute{
		Declaration: Declaration{
			Name: r.Name, Dialect: File, Service: r.Service, Rule: rule, Entrypoints: r.Entrypoints,
			Middlewares: ofStreams(r.Middlewares), Pool: r.kind() + " " + r.Name, Origin: unbeatable, Source: r.Source,
		},
		UDP: r.UDP, ProxyProtocol: cmp.Or(r.ProxyProtocol, r.Transport.Conns().ProxyProtocol),
	}
	if (r.Service == "") == (len(r.Targets) == 0) {
		return made, pool, errors.New("either service or targets says who serves it")
	}
	if pool, err = r.pool(made.Pool, r.UDP); err != nil {
		return made, pool, err
	}
	if r.UDP {
		made.Rule = ""
		if r.Rule != "" || r.TLS != "" || len(r.Middlewares) > 0 {
			err = errors.New("datagrams have no rule, TLS or middlewares: a listener of their own says where they go")
		}
		return made, pool, err
	}
	return made, pool, r.match(&made, patterns)
}

// ofStreams qualifies names of middlewares of connections. Tags have theirs without
// what says so.
func ofStreams(names []string) []string { return local(ofFile(names)) }

// match reads the rule, and checks that clients tell what it asks for.
func (r *StaticStream) match(made *TCPRoute, patterns *match.Patterns) error {
	expr, err := parseRule(made.Rule, syntaxTCP, patterns)
	if fault, ok := errors.AsType[*ruleError](err); ok {
		return fmt.Errorf("rule, at byte %d of %s: %w%s", fault.offset, made.Rule, err, hinted(fault.hint))
	}
	if err != nil {
		return err
	}
	made.Match, made.Priority = expr, cmp.Or(r.Priority, streamPriority(expr, made.Rule))
	switch r.TLS {
	case "terminate", "passthrough":
		made.Match = match.And{expr, match.TLS{}}
		if made.Terminate = r.TLS == "terminate"; made.Terminate {
			made.TLS = NewTLS(r.TLSOptions, r.CertResolver, nil)
		}
	case "":
		if needsTLS(expr) {
			return errors.New(`the rule looks at what TLS clients ask for: tls = "terminate" ends TLS here, "passthrough" passes it on`)
		}
	default:
		return fmt.Errorf("tls = %q is neither \"terminate\" nor \"passthrough\"", r.TLS)
	}
	return nil
}
