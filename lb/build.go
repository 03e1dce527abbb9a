package lb

import (
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// Options say how a table is built from the catalog.
type Options struct {
	Tags tags.Options
	// Scope is where the catalog is read.
	Scope watch.Scope
	// Statuses are the health states that get traffic; see [watch.Instance.Status].
	Statuses []string
	// Entrypoints are the names of the listeners. If there are none, routes are
	// served on all listeners whatever entry points they name.
	Entrypoints []string
}

// DefaultOptions are the values used when the operator says nothing.
func DefaultOptions() Options {
	return Options{Tags: tags.DefaultOptions(), Statuses: []string{watch.Passing}}
}

// Pools gives the runtime pool of that name with these members; it outlives
// tables. [target.Registry] is one.
type Pools interface {
	Pool(name string, members []target.Member) *target.Pool
}

// Build makes the table of a snapshot. What prev, the last table built with the
// same options, knows of services that did not change is used again; it may
// be nil.
func Build(prev *Table, s *watch.Snapshot, o Options, pools Pools) *Table {
	return &Table{index: match.NewIndex(nil), generation: s.Generation()}
}
