// Package roster knows which services of the catalog are routed to and which of
// their instances count: the own ones, those of another datacenter that stands in,
// and those that the guard keeps. It knows instances, not what becomes of them.
package roster

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/sorted"
	"github.com/sluiceproxy/sluice/watch"
)

// Options say where services are looked for, and who of them counts.
type Options struct {
	// Scope is where the catalog is read.
	Scope watch.Scope
	// Failover names the datacenters whose instances stand in for those of a
	// service of which none serves in Scope, in order.
	Failover []string
	// Health says which instances serve.
	Health
	// Guard says when the loss of instances is not believed.
	Guard guard.Options
	// IsWanted tells the services that are looked at from all others.
	IsWanted func(watch.ServiceTags) bool
}

// Service is what is known of a service by now.
type Service struct {
	Name string
	// Instances are those that count, whether they serve or not.
	Instances []watch.Instance
	// State is Read if the catalog has told the instances. Else they are those that
	// the guard keeps, and Err is why there are no others, if that is known.
	State State
	Err   error
	// IsGone is set for a service that is looked at no more. Instances are those that
	// the guard keeps of it.
	IsGone bool
}

// Roster follows the catalog from one snapshot to the next. It is for one goroutine.
type Roster struct {
	options Options
	guard   *guard.Guard
	// services are those that are wanted, by name; unread are those of them whose
	// instances are not known.
	services, unread map[string]*service
	gone             []Service // of which Update has not told yet
	moved            bool      // likewise: services came, or are gone
	// abroad is of how many other datacenters a service is asked.
	abroad map[string]int
	// away is which other datacenter serves a service; moves are the changes of it.
	away    map[string]string
	moves   []Move
	list    []watch.ServiceTags // as the catalog has it
	names   []string            // of services, in order
	heard   bool                // of the list
	listed  uint64              // its version
	unsure  error               // why the list is not fresh, if it is not
	unasked bool                // whether Queries has not told of names yet
	seen    uint64              // generation of the last snapshot
	// troubled is set while there are answers that are not fresh, which the guard
	// hears of each time.
	troubled bool
}

// service is what is known of a service whose instances were read.
type service struct {
	state   State
	version uint64 // of the instances, all that were asked for together, and
	abroad  int    // of how many other datacenters that was
}

// New returns a roster that has seen nothing yet.
func New(o Options) *Roster {
	return &Roster{
		options: o, guard: guard.New(o.Guard, o.Serves), unasked: true,
		services: map[string]*service{}, unread: map[string]*service{}, abroad: map[string]int{}, away: map[string]string{},
	}
}

// Guard is who keeps instances.
func (r *Roster) Guard() *guard.Guard { return r.guard }

// Names are those of the services that are looked at, in order.
func (r *Roster) Names() []string { return r.names }

// Has reports whether a service is looked at.
func (r *Roster) Has(name string) bool { return r.services[name] != nil }

// Listed are all services of the catalog, wanted or not. The version is higher if
// the list is newer.
func (r *Roster) Listed() (services []watch.ServiceTags, version uint64) { return r.list, r.listed }

// Reread has the next Update tell of a service whatever is known of it.
func (r *Roster) Reread(name string) {
	if known := r.services[name]; known != nil {
		*known = service{}
		r.unread[name] = known
	}
}

// Update takes in a snapshot, which must not be older than the one before, and
// tells of each service that is not as it was. It may tell of one more than once, of
// which the last counts. It reports whether services came, or are gone.
func (r *Roster) Update(s *watch.Snapshot, tell func(Service)) (moved bool) {
	stale := r.stale(s)
	for _, left := range r.gone {
		tell(left)
	}
	r.gone = nil
	for _, name := range stale {
		r.read(s, name, tell)
	}
	if len(r.unread) == 0 {
		r.unread = map[string]*service{} // it would stay as large as it ever was
	}
	r.review(s, tell)
	r.seen = s.Generation()
	moved, r.moved = r.moved, false
	return moved
}

// IsPending reports whether an answer is on its way.
func (r *Roster) IsPending(s *watch.Snapshot) bool {
	list, _ := s.Entry(r.options.Services())
	// If the list fails as well, it is not those services but the catalog.
	return !list.Known || r.has(Pending) || list.Err != nil && r.has(Failing)
}

// IsFailing reports whether an answer cannot be had at the moment.
func (r *Roster) IsFailing() bool { return r.has(Failing) }

func (r *Roster) has(state State) bool {
	for _, unread := range r.unread {
		if unread.state == state {
			return true
		}
	}
	return false
}

// stale takes in the list of services and names those that need to be read.
func (r *Roster) stale(s *watch.Snapshot) []string {
	r.take(s)
	names := slices.Collect(maps.Keys(r.unread))
	entries := s.Since(r.seen)
	if r.troubled || r.guard.HasDoubts() {
		entries = s.All
	}
	r.troubled = false
	for q, entry := range entries {
		r.troubled = r.troubled || entry.Err != nil
		isNew := entry.Version > r.seen || !entry.Known
		if !isNew && entry.Err == nil && !r.guard.HasDoubts() {
			continue // as nearly all of many
		}
		h, ok := q.(watch.Health)
		switch {
		case !ok || !r.isAbout(h):
		case isNew:
			names = append(names, h.Service)
		default:
			r.guard.Hear(h.Service, entry.Err)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// take brings the services up to the list of them.
func (r *Roster) take(s *watch.Snapshot) {
	list, _ := s.Entry(r.options.Services())
	version := r.listVersion(s)
	if !list.Known || r.heard && version == r.listed {
		r.unsure = list.Err
		return
	}
	r.heard, r.listed = true, version
	r.list = r.listing(s)
	names := wanted(r.list, r.options.IsWanted, r.names)
	gone, come := sorted.Differences(r.names, names, func(x, y string) bool { return x == y }, strings.Compare)
	for _, name := range gone {
		r.depart(name, slices.ContainsFunc(r.list, func(s watch.ServiceTags) bool { return s.Name == name }))
	}
	for _, name := range come {
		known := &service{}
		r.services[name], r.unread[name] = known, known
	}
	r.unsure = nil
	changed := len(gone)+len(come) > 0
	r.names, r.unasked, r.moved = names, r.unasked || changed, r.moved || changed
}

// wanted are the names of services that are, in order. As far as those are the last
// ones, it shares that list.
func wanted(services []watch.ServiceTags, is func(watch.ServiceTags) bool, last []string) []string {
	var names []string
	same := 0 // of last, while there are no others
	for i := range services {
		name := services[i].Name
		switch {
		case !is(services[i]):
		case names == nil && same < len(last) && last[same] == name:
			same++
		case names == nil:
			names = append(make([]string, 0, len(services)), last[:same]...)
			fallthrough
		default:
			names = append(names, name)
		}
	}
	if names == nil {
		return last[:same:same]
	}
	if !slices.IsSorted(names) { // sources do sort, as a rule
		slices.Sort(names)
	}
	return names
}

// read tells of a service, unless its instances are those that were told.
func (r *Roster) read(s *watch.Snapshot, name string, tell func(Service)) {
	known := r.services[name]
	entry, _ := s.Entry(r.options.Instances(name))
	instances, ok := watch.Get(s, r.options.Instances(name))
	if !ok {
		known.state = StateOf(entry.Err)
		r.unread[name] = known
		tell(Service{Name: name, State: known.state, Err: entry.Err, Instances: r.guard.Of(name)})
		return
	}
	instances, version := r.standIns(s, name, instances, entry.Version)
	abroad := r.abroad[name]
	if known.state == Read && known.version == version && known.abroad == abroad {
		return
	}
	*known = service{Read, version, abroad}
	delete(r.unread, name)
	if r.away[name] != "" {
		r.guard.Forget(name) // it has not lost what somebody stands in for
	} else {
		instances = r.guard.View(name, instances, time.Now())
	}
	tell(Service{Name: name, State: Read, Instances: instances})
}

// depart gives up a service that is not wanted any more or, if it is not listed, that
// is not in the catalog any more; unless the guard keeps it.
func (r *Roster) depart(name string, listed bool) {
	delete(r.services, name)
	delete(r.unread, name)
	delete(r.abroad, name)
	delete(r.away, name)
	switch {
	case listed:
		r.guard.Forget(name)
	case r.guard.IsOn():
		if r.unsure != nil {
			r.guard.Hear(name, r.unsure)
		}
		r.guard.View(name, nil, time.Now())
	}
	r.gone = append(r.gone, r.kept(name))
}

// kept is what the guard keeps of a service that has departed.
func (r *Roster) kept(name string) Service {
	return Service{Name: name, Instances: r.guard.Of(name), IsGone: true}
}

// review has the guard let go of what is over, and tells what it has changed.
func (r *Roster) review(s *watch.Snapshot, tell func(Service)) {
	r.guard.Tick(time.Now())
	for _, name := range r.guard.TakeChanged() {
		if known := r.services[name]; known != nil {
			known.version = 0
			r.read(s, name, tell)
		} else {
			tell(r.kept(name))
		}
	}
}
