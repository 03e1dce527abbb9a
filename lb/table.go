package lb

import (
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// Table is the routing table built from one snapshot. It is immutable: a
// request loads it once and uses it to the end.
type Table struct {
	generation uint64
	pending    bool
	failing    bool
	routes     []*Route // by precedence
	index      *match.Index
	tcp        tcpTable
	tls        tlsTable
	problems   []tags.Problem
	noRoute    page
	aliases    []string
	away       map[string]string // the datacenters that serve services of which nothing serves at home
}

// Route is one entry of a Table: a definition with its parts put together. It is
// plain data and immutable, apart from what is counted.
type Route struct {
	// Route is the definition that counts.
	*tags.Route
	Linked
	// Steps are the route's middlewares, in order; before them come those of the
	// listener, which are Doors by its name.
	Steps []Step
	Doors map[string][]Step
	// PassHost forwards the client's Host field. Otherwise, the definition's Host
	// is sent, or the target's address if it is empty.
	PassHost bool

	certificates []certs.Need

	handler Handler  // the steps, and then the forwarder
	vias    []*Route // further pools that are forwarded to, as the ends of the steps; see [httpLink.ending]
	// variants are set for a route that has any, and for each of them.
	variants *variants
	sticky   *sticky            // nil if the pool is not
	balancer *spec.LoadBalancer // of the pool, nil for none; see policy.go
	// counters are the same in every table that has the route. They are set when
	// the table is put in force.
	counters *count.Counters
	counted  counted     // likewise, if somebody wants details
	rule     match.Route // what the index has
}

// rules are what an index has of routes.
func rules(routes []*Route) []*match.Route {
	list := make([]*match.Route, len(routes))
	for i, r := range routes {
		list[i] = &r.rule
	}
	return list
}

func compareRoutes(a, b *Route) int { return a.Precedence.Compare(&b.Precedence) }

// Step is one middleware of a route.
type Step struct {
	// Name is what the route calls it by; empty if it is the route's own.
	Name string
	Spec spec.Middleware

	middleware Middleware
}

// Lookup finds the route of a request. It takes no lock and allocates nothing.
func (t *Table) Lookup(r *match.Request) (*Route, bool) {
	found := t.index.Lookup(r)
	if found == nil {
		return nil, false
	}
	return found.Value.(*Route), true
}

// Routes returns all routes in the order of their classes. The slice is shared
// and must not be changed. A nil table has none.
func (t *Table) Routes() []*Route {
	if t == nil {
		return nil
	}
	return t.routes
}

// Problems returns what could not be honoured, by service and tag. The slice is
// shared and must not be changed. A nil table has none.
func (t *Table) Problems() []tags.Problem {
	if t == nil {
		return nil
	}
	return t.problems
}

// Aliases are names by which the load balancer is to be registered while the
// table is in force, sorted. A nil table has none.
func (t *Table) Aliases() []string {
	if t == nil {
		return nil
	}
	return t.aliases
}

// Away tells by service which other datacenter stands in for it, where one does.
// The map is shared and must not be changed. A nil table has none.
func (t *Table) Away() map[string]string {
	if t == nil {
		return nil
	}
	return t.away
}

// Generation is that of the snapshot the table shows.
func (t *Table) Generation() uint64 { return t.generation }

// Complete reports whether the table was built from all the answers it needs:
// it is false until the catalog and each routed service were heard of once.
// An incomplete table cannot tell an unknown route from one not yet seen.
func (t *Table) Complete() bool { return !t.pending && !t.failing }

// Settled reports whether the table is complete but for services whose
// instances cannot be read at the moment; they are among its problems.
func (t *Table) Settled() bool { return !t.pending }

// SlashRedirect reports whether a request for path is to be answered by a
// permanent redirect (301) to the same path with or without a slash at the end.
func (r *Route) SlashRedirect(path string) (to string, ok bool) {
	if len(r.SlashPaths) == 0 || slices.Contains(r.SlashPaths, path) {
		return "", false
	}
	to, slash := strings.CutSuffix(path, "/")
	if !slash {
		to = path + "/"
	}
	return to, slices.Contains(r.SlashPaths, to)
}
