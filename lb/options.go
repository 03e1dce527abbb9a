package lb

import (
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/claim"
	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/roster"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// Options say how a table is built from the catalog.
type Options struct {
	Tags tags.Options
	// Scope is where the catalog is read.
	Scope watch.Scope
	// Statuses are the health states that get traffic; see [watch.Instance.Status].
	Statuses []string
	// Checks says which checks must be in one of them.
	Checks roster.Checks
	// Manual is what is added to the tags.
	Manual Manual
	// Static is what the configuration asks for; the pools it needs are in Tags.
	Static tags.Definition
	// Defaults are for all routes.
	Defaults Defaults
	// Claims say who may ask for which hosts.
	Claims claim.List
	// Entrypoints are the names of the listeners. If there are none, routes are
	// served on all listeners whatever entry points they name.
	Entrypoints []string
	// EntrypointAliases are further names for some of them.
	EntrypointAliases map[string]string
	// EntrypointAddresses tell how each listener is reached, by its name.
	EntrypointAddresses map[string]EntrypointAddress
	// EntrypointTLSOptions name the TLS options that listeners have unless a route
	// asks for others, by their names.
	EntrypointTLSOptions map[string]string
	// EntrypointMiddlewares name those of listeners, which come before all others.
	EntrypointMiddlewares map[string][]string
	// TCPEntrypoints are the listeners that pass connections on. If there are
	// none, their routes are made for any.
	TCPEntrypoints []TCPEntrypoint
	// CertResolvers are who may issue certificates for routes, and
	// EntrypointCertResolvers name those that listeners have for routes that ask for
	// none, by the names of the listeners.
	CertResolvers           []certs.Resolver
	EntrypointCertResolvers map[string]string
	// TLSOptions are what routes may ask for by name.
	TLSOptions []certs.TLSOptions
	// Failover names the datacenters whose instances stand in for those of a
	// service of which none serves in Scope, in order.
	Failover []string
	// Locality is where the load balancer is.
	Locality Locality
	// Guard says when the loss of instances is not believed.
	Guard guard.Options
	// Middlewares makes the middlewares of routes, but for changes of the path;
	// without it there are no others.
	Middlewares Middlewares
}

// DefaultOptions are the values used when the operator says nothing.
func DefaultOptions() Options {
	return Options{Tags: tags.DefaultOptions(), Statuses: []string{watch.Passing}}
}
