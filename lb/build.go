package lb

import (
	"cmp"
	"errors"
	"slices"

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
	// Middlewares makes the middlewares of routes, but for changes of the path;
	// without it there are no others.
	Middlewares Middlewares
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

// parsed is a service's definition and the version of the answer it was made
// from.
type parsed struct {
	version    uint64
	definition tags.Definition
}

// Build makes the table of a snapshot. What prev, the last table built with the
// same options, knows of services that did not change is used again; it may
// be nil.
func Build(prev *Table, s *watch.Snapshot, o Options, pools Pools) *Table {
	names, known := routable(s, o)
	b := builder{Options: o, pending: !known, parsed: make(map[string]parsed, len(names))}
	for _, name := range names {
		b.parse(prev, s, name)
	}
	if list, _ := s.Entry(o.services()); list.Err != nil && b.failing {
		b.pending = true // it is not those services that fail, but the catalog
	}
	l := newLinker(o, pools, len(names))
	for _, name := range names {
		if p, ok := b.parsed[name]; ok {
			l.add(p.definition)
		}
	}
	routes := l.routes()
	slices.SortFunc(routes, func(x, y *Route) int {
		return cmp.Or(x.Precedence.Compare(y.Precedence), cmp.Compare(x.Dialect, y.Dialect))
	})
	return &Table{
		generation: s.Generation(),
		pending:    b.pending,
		failing:    b.failing,
		routes:     routes,
		index:      newIndex(routes),
		problems:   sortProblems(slices.Concat(b.problems, l.problems)),
		parsed:     b.parsed,
	}
}

func newIndex(routes []*Route) *match.Index {
	entries := make([]*match.Route, len(routes))
	for i, r := range routes {
		entries[i] = &match.Route{Expr: r.Match, Precedence: r.Precedence, Value: r}
	}
	return match.NewIndex(entries)
}

// builder collects the definitions of all services.
type builder struct {
	Options
	pending  bool // an answer is on its way
	failing  bool // an answer cannot be had at the moment
	parsed   map[string]parsed
	problems []tags.Problem
}

// parse makes the definition of one service, or takes it from the table before
// if its instances have not changed.
func (b *builder) parse(prev *Table, s *watch.Snapshot, service string) {
	q := b.health(service)
	entry, _ := s.Entry(q)
	instances, known := watch.Get(s, q)
	switch {
	case !known && errors.Is(entry.Err, watch.ErrDenied):
		b.problems = append(b.problems, tags.Problem{
			Service: service, Offset: -1,
			Reason: "its instances cannot be read: permission denied",
			Hint:   "the token needs service:read and node:read",
		})
		return
	case !known && entry.Err != nil:
		b.failing = true
		b.problems = append(b.problems, tags.Problem{
			Service: service, Offset: -1,
			Reason: "its instances cannot be read: " + entry.Err.Error(),
			Hint:   "it is asked for again",
		})
		return
	case !known:
		b.pending = true
		return
	}
	if prev != nil {
		if p, ok := prev.parsed[service]; ok && p.version == entry.Version {
			b.parsed[service] = p
			return
		}
	}
	b.parsed[service] = parsed{entry.Version, tags.Parse(b.Tags, service, b.instances(instances))}
}

// instances leaves out what is no ordinary service: the proxies of a mesh often
// have the tags of the service they stand before.
func (b *builder) instances(all []watch.Instance) []tags.Instance {
	instances := make([]tags.Instance, 0, len(all))
	for _, i := range all {
		if i.Service.Kind != "" {
			continue
		}
		instances = append(instances, tags.Instance{
			ID:         i.Service.ID,
			Node:       i.Node.Name,
			Datacenter: i.Node.Datacenter,
			Address:    i.Address(),
			Port:       i.Service.Port,
			Tags:       i.Service.Tags,
			Meta:       i.Service.Meta,
			Serving:    slices.Contains(b.Statuses, i.Status()),
			Registered: i.Service.ModifyIndex,
		})
	}
	return instances
}
