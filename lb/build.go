package lb

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/match"
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
	guard   *guard.Guard
	// services are those whose tags can route, by name; departed are those that are
	// not in the catalog any more, but kept by the guard.
	services, departed map[string]*service
	// abroad is of how many other datacenters a service is asked.
	abroad map[string]int
	// away is which other datacenter serves a service; moves are the changes of it.
	away  map[string]string
	moves []move
	// unread are those of them whose instances are not known.
	unread  map[string]*service
	names   []string // of services, in order
	heard   bool     // of the list of services
	listed  uint64   // its version
	unsure  error    // why the list is not fresh, if it is not
	unasked bool     // whether Wants has not told of names yet
	seen    uint64   // generation of the last snapshot
	// troubled is set while there are answers that are not fresh, which the guard
	// hears of each time.
	troubled bool
	table    *Table // the last one
}

// NewBuilder returns a builder that has seen nothing yet.
func NewBuilder(o Options, pools Pools) *Builder {
	problems := newProblemSet()
	o.Claims = o.Claims.Sorted()
	b := &Builder{
		Options: o, linker: newLinker(o, pools, problems), problems: problems,
		services: map[string]*service{}, unread: map[string]*service{}, aliases: map[string]int{},
		rivals: newRivals(), manual: newManual(o.Manual), table: &Table{index: match.NewIndex(nil)}, unasked: true,
	}
	b.abroad, b.away = map[string]int{}, map[string]string{}
	b.departed, b.guard = map[string]*service{}, guard.New(o.Guard, b.serves)
	b.command()
	b.settle(configuration, &service{}, o.Static)
	return b
}

// Build makes the table of a snapshot, which must not be older than the one
// before.
func (b *Builder) Build(s *watch.Snapshot) *Table {
	b.readManual(s)
	b.locate(s)
	for _, name := range b.stale(s) {
		b.read(s, name)
	}
	if len(b.unread) == 0 {
		b.unread = map[string]*service{} // it would stay as large as it ever was
	}
	b.review(s)
	b.settleAdded()
	b.seen = s.Generation()
	near := b.linker.near
	http, tcp := b.linker.update()
	b.rivals.change(http.gone, http.come, b.problems)
	b.unasked = b.unasked || b.linker.near != near
	tls := b.linker.tls.decide(b.table.tls, b.problems)
	b.table = &Table{
		generation: s.Generation(),
		pending:    b.isPending(s),
		failing:    b.has(failing) || b.manual.is(failing),
		routes:     patched(b.table.routes, http.gone, http.come, compareRoutes),
		index:      b.table.index.Change(rules(http.gone), rules(http.come)),
		tcp:        b.table.tcp.change(tcp.gone, tcp.come),
		tls:        tls,
		problems:   b.problems.patch(b.table.problems),
		noRoute:    b.noRoute(),
		aliases:    slices.Sorted(maps.Keys(b.aliases)),
		away:       maps.Clone(b.away),
	}
	return b.table
}

// isPending reports whether an answer is on its way.
func (b *Builder) isPending(s *watch.Snapshot) bool {
	list, _ := s.Entry(b.Options.services())
	// If the list fails as well, it is not those services but the catalog.
	return !list.Known || b.has(pending) || b.manual.is(pending) || list.Err != nil && b.has(failing)
}

func (b *Builder) has(state state) bool {
	for _, unread := range b.unread {
		if unread.state == state {
			return true
		}
	}
	return false
}

// stale takes in the list of services and names those that need to be read.
func (b *Builder) stale(s *watch.Snapshot) []string {
	b.list(s)
	names := slices.Collect(maps.Keys(b.unread))
	entries := s.Since(b.seen)
	if b.troubled || b.guard.HasDoubts() {
		entries = s.All
	}
	b.troubled = false
	for q, entry := range entries {
		b.troubled = b.troubled || entry.Err != nil
		isNew := entry.Version > b.seen || !entry.Known
		if !isNew && entry.Err == nil && !b.guard.HasDoubts() {
			continue // as nearly all of many
		}
		h, ok := q.(watch.Health)
		switch {
		case !ok || !b.isAbout(h):
		case isNew:
			names = append(names, h.Service)
		default:
			b.guard.Hear(h.Service, entry.Err)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// list brings the services up to the list of them.
func (b *Builder) list(s *watch.Snapshot) {
	list, _ := s.Entry(b.Options.services())
	version := b.listVersion(s)
	if !list.Known || b.heard && version == b.listed {
		b.unsure = list.Err
		return
	}
	b.heard, b.listed = true, version
	services := b.listing(s)
	names := routable(services, b.Options, b.names)
	gone, come := differences(b.names, names, func(x, y string) bool { return x == y }, strings.Compare)
	for _, name := range gone {
		b.depart(name, slices.ContainsFunc(services, func(s watch.ServiceTags) bool { return s.Name == name }))
	}
	for _, name := range come {
		b.arrive(name)
	}
	b.problems.set(owner{"names", name{}}, oversized(services, b.Options))
	b.unsure = nil
	b.names, b.unasked = names, b.unasked || len(gone)+len(come) > 0
}

// read makes the definition of a service anew, unless the instances are the
// ones it was made of.
func (b *Builder) read(s *watch.Snapshot, name string) {
	q := b.health(name)
	known := b.services[name]
	entry, _ := s.Entry(q)
	instances, ok := watch.Get(s, q)
	if !ok {
		known.state = stateOf(entry.Err)
		b.unread[name] = known
		d := b.commanded(name)
		if kept := b.guard.Of(name); len(kept) > 0 {
			d = b.permitted(name, kept)
		}
		d.Problems = append(d.Problems, unreadable(name, entry.Err)...)
		b.settle(name, known, d)
		return
	}
	instances, version := b.standIns(s, name, instances, entry.Version)
	if known.state == read && known.version == version {
		return
	}
	known.state, known.version = read, version
	delete(b.unread, name)
	if b.away[name] != "" {
		b.guard.Forget(name) // it has not lost what somebody stands in for
	} else {
		instances = b.guard.View(name, instances, time.Now())
	}
	b.settle(name, known, b.permitted(name, instances))
}

// settle puts a definition in the place of the one before.
func (b *Builder) settle(name string, known *service, d tags.Definition) {
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
	before := known.definition.whole(name)
	for _, alias := range before.Aliases {
		if b.aliases[alias]--; b.aliases[alias] == 0 {
			delete(b.aliases, alias)
		}
	}
	b.linker.replace(before, d)
	known.definition = keptDefinition(d)
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
