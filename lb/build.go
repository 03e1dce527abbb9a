package lb

import (
	"maps"
	"slices"

	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/roster"
	"github.com/sluiceproxy/sluice/lb/sorted"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// Pools gives the runtime pool of that name, members and policy; it outlives
// tables. [target.Registry] is one.
type Pools interface {
	Pool(name string, members []target.Member, policy target.Policy) *target.Pool
}

// Builder makes one table after the other from the snapshots of a watcher. It
// knows what the last one was made of, so that the next one takes work in
// proportion to what has changed. It is for one goroutine; its tables are for
// all.
type Builder struct {
	Options
	linker   *linker
	problems *problemSet
	rivals   *rivals
	manual   manual
	// aliases counts who asks for each.
	aliases map[string]int
	roster  *roster.Roster
	guard   *guard.Guard // the roster's
	// services are what is known of each, by its name: of those of the roster, and of
	// those that are gone from the catalog but kept by the guard.
	services map[string]*definition
	listed   uint64 // the version of the list of services
	unasked  bool   // whether Wants has not told of queries yet
	table    *Table // the last one
}

// NewBuilder returns a builder that has seen nothing yet.
func NewBuilder(o Options, pools Pools) *Builder {
	problems := newProblemSet()
	o.Claims = o.Claims.Sorted()
	r := roster.New(o.roster())
	b := &Builder{
		Options: o, linker: newLinker(o, pools, problems), problems: problems,
		roster: r, guard: r.Guard(), services: map[string]*definition{}, aliases: map[string]int{},
		rivals: newRivals(), manual: newManual(o.Manual), table: &Table{index: match.NewIndex(nil)}, unasked: true,
	}
	b.command()
	b.settle(configuration, &definition{}, o.Static)
	return b
}

// Build makes the table of a snapshot, which must not be older than the one
// before.
func (b *Builder) Build(s *watch.Snapshot) *Table {
	b.readManual(s)
	b.locate(s)
	b.follow(s)
	b.settleAdded()
	near := b.linker.near
	http, tcp := b.linker.update()
	b.rivals.change(http.gone, http.come, b.problems)
	b.unasked = b.unasked || b.linker.near != near
	tls := b.linker.tls.decide(b.table.tls, b.problems)
	b.table = &Table{
		generation: s.Generation(),
		pending:    b.roster.IsPending(s) || b.manual.is(roster.Pending),
		failing:    b.roster.IsFailing() || b.manual.is(roster.Failing),
		routes:     sorted.Patch(b.table.routes, http.gone, http.come, compareRoutes),
		index:      b.table.index.Change(rules(http.gone), rules(http.come)),
		tcp:        b.table.tcp.change(tcp.gone, tcp.come),
		tls:        tls,
		problems:   b.problems.patch(b.table.problems),
		noRoute:    b.noRoute(),
		aliases:    slices.Sorted(maps.Keys(b.aliases)),
		away:       maps.Clone(b.roster.Away()),
	}
	return b.table
}

// follow takes in what the catalog has that is new.
func (b *Builder) follow(s *watch.Snapshot) {
	b.manual.moved = b.roster.Update(s, b.define) || b.manual.moved
	if services, version := b.roster.Listed(); version != b.listed {
		b.listed = version
		b.problems.set(owner{"names", name{}}, oversized(services, b.Options))
	}
}

// define makes the definition of a service anew.
func (b *Builder) define(s roster.Service) {
	known := b.services[s.Name]
	if known == nil {
		known = &definition{}
		b.services[s.Name] = known
	}
	var d tags.Definition
	switch {
	case len(s.Instances) > 0 || s.State == roster.Read:
		d = b.permitted(s.Name, s.Instances)
	case s.IsGone:
		delete(b.services, s.Name)
	default:
		d = b.commanded(s.Name)
	}
	if s.State != roster.Read && !s.IsGone {
		d.Problems = append(d.Problems, unreadable(s.Name, s.Err)...)
	}
	b.settle(s.Name, known, d)
}

// settle puts a definition in the place of the one before.
func (b *Builder) settle(name string, known *definition, d tags.Definition) {
	for i := range d.Routes {
		// Names are unique within a dialect only.
		d.Routes[i].Precedence.Family = family(d.Routes[i].Dialect)
	}
	for i := range d.Pools {
		d.Pools[i].Endpoints = distinct(d.Pools[i].Endpoints)
	}
	d.Routes, d.Pools = trimmed(d.Routes), trimmed(d.Pools)
	b.problems.set(owner{"service", nameOf("", name)}, d.Problems)
	for _, alias := range d.Aliases {
		b.aliases[alias]++
	}
	before := known.whole(name)
	for _, alias := range before.Aliases {
		if b.aliases[alias]--; b.aliases[alias] == 0 {
			delete(b.aliases, alias)
		}
	}
	b.linker.replace(before, d)
	*known = keptDefinition(d)
}

// trimmed is a list that is kept for long, without the room it grew by.
func trimmed[E any](list []E) []E {
	if len(list) == cap(list) {
		return list
	}
	return slices.Clone(list)
}

func family(d tags.Dialect) uint8 {
	return uint8(slices.Index([]tags.Dialect{tags.Fabio, tags.Traefik1, tags.Traefik, tags.File}, d))
}
