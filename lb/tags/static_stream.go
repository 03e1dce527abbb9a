package tags

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

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
	Service      string
	// Targets are HOST:PORT, each with a weight behind it if that is not 1.
	Targets   []string
	TargetTLS bool // speaks TLS to the targets
	Reach
	ProxyProtocol int // as in [TCPRoute]
}

func (r *StaticStream) kind() string {
	if r.UDP {
		return "udp_route"
	}
	return "tcp_route"
}

func (r *StaticStream) scheme() string {
	switch {
	case r.UDP:
		return "udp"
	case r.TargetTLS:
		return "tls"
	}
	return "tcp"
}

func (r *StaticStream) route(patterns *match.Patterns) (made TCPRoute, pool Pool, err error) {
	rule := cmp.Or(r.Rule, "HostSNI(`*`)")
	made = TCPRoute{
		Declaration: Declaration{
			Name: r.Name, Dialect: File, Service: r.Service, Rule: rule, Entrypoints: r.Entrypoints,
			Pool: r.kind() + " " + r.Name, Origin: unbeatable, Source: r.Source,
		},
		UDP: r.UDP, ProxyProtocol: cmp.Or(r.ProxyProtocol, r.Transport.Conns().ProxyProtocol),
	}
	pool = Pool{Name: made.Pool, Dialect: File, Origin: unbeatable}
	if (r.Service == "") == (len(r.Targets) == 0) {
		return made, pool, errors.New("either service or targets says who serves it")
	}
	for _, text := range r.Targets {
		e, err := r.target(text)
		if err != nil {
			return made, pool, err
		}
		pool.Endpoints = append(pool.Endpoints, e)
	}
	if r.UDP {
		made.Rule = ""
		if r.Rule != "" || r.TLS != "" || r.TargetTLS || r.ProxyProtocol != 0 {
			err = errors.New("datagrams have no rule, TLS or PROXY protocol: a listener of their own says where they go")
		}
		return made, pool, err
	}
	return made, pool, r.match(&made, patterns)
}

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
			made.TLSOptions, made.CertResolver = r.TLSOptions, r.CertResolver
		}
	case "":
		if needsTLS(expr) {
			return errors.New(`the rule looks at what TLS clients ask for: tls = "terminate" ends TLS here, "passthrough" passes it on`)
		}
	default:
		return fmt.Errorf("tls = %q is neither \"terminate\" nor \"passthrough\"", r.TLS)
	}
	if r.ProxyProtocol < 0 || r.ProxyProtocol > 2 {
		return fmt.Errorf("proxy_protocol is the version 1 or 2 of the header targets are sent, or 0 for none, not %d", r.ProxyProtocol)
	}
	return nil
}

// target reads "HOST:PORT" or "HOST:PORT weight=N".
func (r *StaticStream) target(text string) (e Endpoint, err error) {
	address, option, weighted := strings.Cut(strings.TrimSpace(text), " ")
	e = Endpoint{Scheme: r.scheme(), Address: address, Weight: 1, Serving: true, Instance: address}
	r.set(&e)
	if weighted {
		digits, ok := strings.CutPrefix(strings.TrimSpace(option), "weight=")
		if e.Weight, err = strconv.Atoi(digits); !ok || err != nil || e.Weight < 0 {
			return e, fmt.Errorf("target %q: what follows the address is not of the form weight=3", text)
		}
	}
	host, port, err := net.SplitHostPort(address)
	if _, invalid := strconv.ParseUint(port, 10, 16); err != nil || host == "" || invalid != nil {
		return e, fmt.Errorf("target %q is not of the form HOST:PORT", text)
	}
	return e, nil
}
