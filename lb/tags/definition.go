package tags

import (
	"cmp"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/transport"
)

// Dialect is a tag language.
type Dialect string

// The dialects.
const (
	Fabio    Dialect = "fabio"
	Traefik1 Dialect = "traefik1"
	Traefik  Dialect = "traefik" // v2 and v3
	// File is what the configuration asks for; see [Static].
	File Dialect = "file"
)

// Definition is what the tags of one service ask for. It is immutable.
type Definition struct {
	Service     string
	Routes      []Route
	TCPRoutes   []TCPRoute
	Middlewares []Middleware
	// TCPMiddlewares are those of connections. Their names are their own.
	TCPMiddlewares []Middleware
	Pools          []Pool
	// Aliases are names by which the load balancer itself is to be registered as
	// long as it has the routes.
	Aliases  []string
	Problems []Problem
}

// Declaration is what all routes have that are asked for, whether of requests or of
// connections. Names of middlewares and pools are resolved among the definitions of
// all services.
type Declaration struct {
	// Name is unique within the dialect, among the routes of requests, those of
	// connections and those of datagrams.
	Name    string
	Dialect Dialect
	// Service is the catalog's name of the service whose tags ask for it.
	Service string
	// Rule is the text as written in the tag.
	Rule  string
	Match match.Expr
	// Entrypoints names the listeners that serve the route; empty means all.
	Entrypoints []string
	// Middlewares are names to be resolved, in order.
	Middlewares []string
	// TLS is nil for what is usual.
	TLS *TLS
	// Pool is the name of a pool to be resolved, of the same dialect.
	Pool string
	// Origin ranks definitions of one name. Tag and Instance say where the
	// definition was found, for problems that come up later. Source is the place
	// in the configuration, if it is of that.
	Origin   Origin
	Source   string
	Tag      string
	Instance string
	Node     string
	// Manual is set if Tag is one of the [Commands].
	Manual bool
}

// TLS is what a route asks for of TLS. It is immutable.
type TLS struct {
	// Options are the name of the TLS options for the hosts of the rule, or by which
	// TLS is ended; empty for the default ones.
	Options string
	// CertResolver is who has certificates issued for the route, empty for that of
	// its listeners, if there is any. It is for CertDomains or, without any, for the
	// hosts the rule names.
	CertResolver string
	CertDomains  []string
}

// NewTLS is nil if nothing is asked for.
func NewTLS(options, resolver string, domains []string) *TLS {
	if options == "" && resolver == "" && len(domains) == 0 {
		return nil
	}
	return &TLS{options, resolver, domains}
}

// TLSOptions are those of [TLS].
func (d *Declaration) TLSOptions() string {
	if d.TLS == nil {
		return ""
	}
	return d.TLS.Options
}

// CertResolver is that of [TLS].
func (d *Declaration) CertResolver() string {
	if d.TLS == nil {
		return ""
	}
	return d.TLS.CertResolver
}

// CertDomains are those of [TLS].
func (d *Declaration) CertDomains() []string {
	if d.TLS == nil {
		return nil
	}
	return d.TLS.CertDomains
}

// Declared is the declaration, for those who take either kind of route.
func (d *Declaration) Declared() *Declaration { return d }

// Route is one route asked for.
type Route struct {
	Declaration
	Precedence match.Precedence
	// Applies is what a request must fulfil beside Match, nil for nothing. It is
	// apart because definitions of one name may be served side by side: one that
	// does not apply leaves the request to the others.
	Applies match.Expr
	// Steps are the route's own middlewares, in order, which come before
	// Middlewares.
	Steps []spec.Middleware
	// ByPolicy is what the service's [Policy] says of its routes, nil for nothing.
	ByPolicy *Policy
	// SlashPaths are exact paths whose other form, with or without the slash at
	// the end, is answered by a redirect to the path itself.
	SlashPaths []string
	// Host is what is sent in the Host field where PassHost does not hold.
	Host string
	// Owners are the instances that ask for it, if others of the service ask for a
	// route of the same name in another way.
	Owners []Owner
	// PassHost forwards the client's Host field, if the pool's PassHost agrees.
	// Otherwise Host is sent, or the target's address if that is empty.
	PassHost bool
	// WithoutDefaults leaves out the middlewares every route has.
	WithoutDefaults bool
	// Unlogged keeps its requests out of the access log, Uncounted out of the
	// metrics of routes.
	Unlogged, Uncounted bool
	// Traced tells a tracer of its requests, and TracedSteps of their middlewares
	// too; not set, they are as the listener has them.
	Traced, TracedSteps spec.Switch
}

// Protection are the middlewares of [Policy.Protection].
func (r *Route) Protection() []spec.Middleware {
	if r.ByPolicy == nil {
		return nil
	}
	return r.ByPolicy.Protection
}

// Given are the policies of the configuration, as in [Policy].
func (r *Route) Given() []*ServicePolicy {
	if r.ByPolicy == nil {
		return nil
	}
	return r.ByPolicy.Given
}

// Without names the middlewares of [Policy.Without].
func (r *Route) Without() []string {
	if r.ByPolicy == nil {
		return nil
	}
	return r.ByPolicy.Without
}

// TCPRoute is one route of connections, or of datagrams, that are passed on as
// they are. The endpoints of its pool have the scheme "tcp", "tls" or "udp". The
// host that Match looks at is the server name a TLS connection asks for, and empty
// for others.
//
// A route of Fabio has an Address or a ServerName, one of Traefik a Match.
type TCPRoute struct {
	Declaration
	Priority int
	// Address is ":port" for the listener on that port, whatever its address, or
	// "ip:port" for connections to that address, which goes before; IPv6 in
	// brackets.
	Address string
	// ServerName is what TLS connections ask for. It is in lower case; "*." at its
	// start stands for any labels.
	ServerName string
	// Implied is set where the tag asks for a route of requests, which listeners
	// that pass on all TLS serve as well, and no others.
	Implied bool
	// Terminate ends TLS at the listener. Otherwise it is passed on.
	Terminate bool
	// UDP makes it a route of datagrams. Of the conditions it has none but Address.
	UDP bool
	// ProxyProtocol is the version of the PROXY header targets are sent, 1 or 2;
	// 0 is none.
	ProxyProtocol int
	// Access are checked against the peer's address, or that which a PROXY
	// header has told; nil lets everyone in.
	Access *spec.AccessRules
}

// Names is the condition that ServerName stands for: a star stands for any labels,
// but for some.
func (r *TCPRoute) Names() match.Expr {
	if suffix, ok := strings.CutPrefix(r.ServerName, "*"); ok {
		return match.HostWildcard{Suffix: suffix}
	}
	return match.Host{Name: r.ServerName}
}

// Middleware is a named step routes can refer to.
type Middleware struct {
	Name string
	// Dialect is [File], or empty for one that tags declare.
	Dialect Dialect
	// Spec is what it does, nil if it is broken.
	Spec spec.Middleware
	// Broken is why the middleware cannot be used, or empty. Routes that refer
	// to a broken one are not served.
	Broken  string
	Service string
	Origin  Origin
}

// Pool is a named set of endpoints. Pools of one name from several services
// are joined.
type Pool struct {
	Name    string
	Dialect Dialect
	// Middlewares are names to be resolved, in order, which come after those of
	// the route.
	Middlewares []string
	// Balance is how requests are spread, nil for by turns.
	Balance *spec.LoadBalancer
	// Policy holds for what Balance does not say, nil for none.
	Policy *Policy
	// Composed makes the pool of other pools of the dialect; then it has no
	// endpoints of its own. It is nil for others.
	Composed *spec.Composition
	// Broken is as in [Middleware].
	Broken string
	// ProxyProtocol is as in [TCPRoute], of which the pool's counts if the route
	// has none.
	ProxyProtocol int
	PassHost      bool
	Endpoints     []Endpoint
	Service       string
	Origin        Origin
}

// SchemeRedirect is the scheme of the one endpoint of a redirect of Fabio. Nothing
// is sent to it.
const SchemeRedirect = "redirect"

// Endpoint is one address of a pool.
type Endpoint struct {
	Scheme  string // "http", "https", "h2c", "tcp", "tls", "udp" or SchemeRedirect
	Address string // host:port, IPv6 bracketed; or where a redirect leads
	// Weight is the endpoint's part of the traffic relative to the others of the
	// pool; an endpoint of weight 0 gets none.
	Weight int
	// ServerName is the name in the certificate of an https or tls endpoint; empty is
	// the host of Address. SkipVerify takes any certificate.
	ServerName string
	// Transport is how connections to the endpoint are made, or none. What it says of
	// TLS goes before ServerName and SkipVerify.
	Transport transport.ID
	// Path is put in front of that of each request: escaped, without a slash at the
	// end. Empty for none.
	Path string
	// Share is a fixed part of all traffic (0 to 1) where the dialect has that,
	// or 0. It is turned into weights when the pool is built. If Split is above 0
	// the share is that of all serving endpoints of the pool with this number.
	Share      float64
	Split      int32
	SkipVerify bool
	// Serving is set when the instance's health allows traffic to it, Retired when
	// somebody has said that it must get none.
	Serving  bool
	Retired  bool
	Instance string
	Node     string
	// Service is the catalog's name of what it is an instance of; empty if nothing
	// told.
	Service string
	// Zone is as in [Instance].
	Zone string
}

// Owner is an instance, by its node and its ID there.
type Owner struct{ Node, Instance string }

// Origin ranks competing definitions of one name: those of services with hosts
// of their own first, then more serving instances, then more instances, then the newest registration.
type Origin struct {
	// Claimed is set for services that the configuration reserves hosts for. They
	// rank above all others.
	Claimed            bool
	Serving, Instances int32
	Newest             uint64 // see [Instance.Registered]
}

// Compare is positive if o ranks above other.
func (o Origin) Compare(other Origin) int {
	if o.Claimed != other.Claimed {
		if o.Claimed {
			return 1
		}
		return -1
	}
	return cmp.Or(
		cmp.Compare(o.Serving, other.Serving),
		cmp.Compare(o.Instances, other.Instances),
		cmp.Compare(o.Newest, other.Newest),
	)
}

// with counts one more instance.
func (o Origin) with(i Instance) Origin {
	if i.Serving {
		o.Serving++
	}
	o.Instances++
	o.Newest = max(o.Newest, i.Registered)
	return o
}
