package lb

import (
	"maps"
	"slices"

	"github.com/sluiceproxy/sluice/watch"
)

// healthIn asks for the instances of a service in another datacenter.
func (o Options) healthIn(datacenter, service string) watch.Health {
	q := o.health(service)
	q.Datacenter = datacenter
	return q
}

// elsewhere are the queries for a service in other datacenters, which are asked
// only for services of which nothing serves in those before.
func (b *Builder) elsewhere(name string) (queries []watch.Query) {
	for _, datacenter := range b.Failover[:b.abroad[name]] {
		queries = append(queries, b.healthIn(datacenter, name))
	}
	return queries
}

// isAbout reports whether a query is one for the instances of a known service.
func (b *Builder) isAbout(h watch.Health) bool {
	return b.services[h.Service] != nil && (h == b.health(h.Service) || slices.Contains(b.elsewhere(h.Service), watch.Query(h)))
}

// listVersion is higher if the list of services, or that of a datacenter that
// stands in, is newer.
func (b *Builder) listVersion(s *watch.Snapshot) uint64 {
	own, _ := s.Entry(b.Options.services())
	version := own.Version
	for _, datacenter := range b.Failover {
		entry, _ := s.Entry(b.servicesIn(datacenter))
		version += entry.Version
	}
	return version
}

// listing is the list of services: those of the datacenter and, once they are
// known, of those that stand in for it.
func (b *Builder) listing(s *watch.Snapshot) []watch.ServiceTags {
	own, _ := watch.Get(s, b.Options.services())
	if len(b.Failover) == 0 {
		return own
	}
	all := slices.Clone(own)
	at := make(map[string]int, len(all))
	for i := range all {
		at[all[i].Name] = i
	}
	for _, datacenter := range b.Failover {
		others, _ := watch.Get(s, b.servicesIn(datacenter))
		for _, other := range others {
			if i, ok := at[other.Name]; ok {
				all[i].Tags = slices.Concat(all[i].Tags, other.Tags)
				continue
			}
			at[other.Name] = len(all)
			all = append(all, other)
		}
	}
	return all
}

func (o Options) servicesIn(datacenter string) watch.Services {
	q := o.services()
	q.Datacenter = datacenter
	return q
}

// standIns are the instances of the first datacenter in which any serves, if none
// does in the service's own, whose instances are given. The version is higher if
// anything that counted is newer. Further datacenters are asked as needed; until
// they answer, the instances are the service's own.
func (b *Builder) standIns(s *watch.Snapshot, name string, own []watch.Instance, ownVersion uint64) (instances []watch.Instance, version uint64) {
	instances, version = own, ownVersion
	asked, from := 0, "" // its own
	for _, datacenter := range b.Failover {
		if b.anyServes(instances) {
			break
		}
		asked++
		entry, _ := s.Entry(b.healthIn(datacenter, name))
		version += entry.Version
		others, known := watch.Get(s, b.healthIn(datacenter, name))
		if !known && entry.Err == nil {
			break // it is being asked
		}
		if b.anyServes(others) || len(instances) == 0 {
			instances, from = others, datacenter
		}
	}
	if from != b.away[name] && b.anyServes(instances) {
		b.moves = append(b.moves, move{name, from})
		if b.away[name] = from; from == "" {
			delete(b.away, name)
		}
	}
	if asked != b.abroad[name] {
		b.abroad[name] = asked
		if asked == 0 {
			delete(b.abroad, name)
		}
		b.unasked = true
	}
	return instances, version
}

func (b *Builder) anyServes(instances []watch.Instance) bool {
	return slices.ContainsFunc(instances, func(i watch.Instance) bool { return i.Service.Kind == "" && b.serves(&i) })
}

// move is a service that is served by another datacenter from now on, or, if that
// is empty, by its own again.
type move struct{ service, datacenter string }

// takeMoves are the services that moved since it was called last.
func (b *Builder) takeMoves() []move {
	moves := b.moves
	b.moves = nil
	return moves
}

// logMoves tells of services that other datacenters stand in for, and that are
// back: a line for each datacenter, for most may move at once.
func (s *Server) logMoves(moves []move) {
	s.metrics.moves.Add(uint64(len(moves)))
	names := map[string][]string{}
	for _, m := range moves {
		names[m.datacenter] = append(names[m.datacenter], m.service)
	}
	for _, datacenter := range slices.Sorted(maps.Keys(names)) {
		moved := names[datacenter]
		if datacenter == "" {
			s.log.Warn("services are served by their own datacenter again", "services", len(moved), "names", few(moved))
		} else {
			s.log.Warn("services of which nothing serves here are served by another datacenter",
				"datacenter", datacenter, "services", len(moved), "names", few(moved))
		}
	}
}
