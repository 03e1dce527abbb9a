package roster

import (
	"slices"

	"github.com/sluiceproxy/sluice/watch"
)

// Services asks for the list of services, Instances for those of one.
func (o *Options) Services() watch.Services { return watch.Services{Scope: o.Scope} }

// Instances asks for those of a service.
func (o *Options) Instances(service string) watch.Health {
	return watch.Health{Scope: o.Scope, Service: service}
}

// InstancesIn asks for those in another datacenter.
func (o *Options) InstancesIn(datacenter, service string) watch.Health {
	q := o.Instances(service)
	q.Datacenter = datacenter
	return q
}

func (o *Options) servicesIn(datacenter string) watch.Services {
	q := o.Services()
	q.Datacenter = datacenter
	return q
}

// Wants reports whether other queries are needed than when Queries was last
// called: they grow with what the snapshots tell.
func (r *Roster) Wants(s *watch.Snapshot) bool {
	r.take(s)
	return r.unasked
}

// Queries are what is to be asked: the list of services, and the instances of those
// that are wanted. Their order tells nothing new.
func (r *Roster) Queries() []watch.Query {
	r.unasked = false
	queries := make([]watch.Query, 0, 1+len(r.names)+len(r.options.Failover))
	queries = append(queries, r.options.Services())
	for _, name := range r.names {
		queries = append(append(queries, r.options.Instances(name)), r.elsewhere(name)...)
	}
	for _, datacenter := range r.options.Failover {
		queries = append(queries, r.options.servicesIn(datacenter))
	}
	return queries
}

// elsewhere are the queries for a service in other datacenters, which are asked
// only for services of which nothing serves in those before.
func (r *Roster) elsewhere(name string) (queries []watch.Query) {
	for _, datacenter := range r.options.Failover[:r.abroad[name]] {
		queries = append(queries, r.options.InstancesIn(datacenter, name))
	}
	return queries
}

// isAbout reports whether a query is one for the instances of a known service.
func (r *Roster) isAbout(h watch.Health) bool {
	return r.services[h.Service] != nil && (h == r.options.Instances(h.Service) || slices.Contains(r.elsewhere(h.Service), watch.Query(h)))
}

// listVersion is higher if the list of services, or that of a datacenter that
// stands in, is newer.
func (r *Roster) listVersion(s *watch.Snapshot) uint64 {
	own, _ := s.Entry(r.options.Services())
	version := own.Version
	for _, datacenter := range r.options.Failover {
		entry, _ := s.Entry(r.options.servicesIn(datacenter))
		version += entry.Version
	}
	return version
}

// listing is the list of services: those of the datacenter and, once they are
// known, of those that stand in for it.
func (r *Roster) listing(s *watch.Snapshot) []watch.ServiceTags {
	own, _ := watch.Get(s, r.options.Services())
	if len(r.options.Failover) == 0 {
		return own
	}
	all := slices.Clone(own)
	at := make(map[string]int, len(all))
	for i := range all {
		at[all[i].Name] = i
	}
	for _, datacenter := range r.options.Failover {
		others, _ := watch.Get(s, r.options.servicesIn(datacenter))
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

// standIns are the instances of the first datacenter in which any serves, if none
// does in the service's own, whose instances are given. The version is higher if
// anything that counted is newer. Further datacenters are asked as needed; until
// they answer, the instances are the service's own.
func (r *Roster) standIns(s *watch.Snapshot, name string, own []watch.Instance, ownVersion uint64) (instances []watch.Instance, version uint64) {
	instances, version = own, ownVersion
	asked, from := 0, "" // its own
	for _, datacenter := range r.options.Failover {
		if r.anyServes(instances) {
			break
		}
		asked++
		entry, _ := s.Entry(r.options.InstancesIn(datacenter, name))
		version += entry.Version
		others, known := watch.Get(s, r.options.InstancesIn(datacenter, name))
		if !known && entry.Err == nil {
			break // it is being asked
		}
		if r.anyServes(others) || len(instances) == 0 {
			instances, from = others, datacenter
		}
	}
	if from != r.away[name] && r.anyServes(instances) {
		r.moves = append(r.moves, Move{name, from})
		if r.away[name] = from; from == "" {
			delete(r.away, name)
		}
	}
	if asked != r.abroad[name] {
		r.abroad[name] = asked
		if asked == 0 {
			delete(r.abroad, name)
		}
		r.unasked = true
	}
	return instances, version
}

func (r *Roster) anyServes(instances []watch.Instance) bool {
	return slices.ContainsFunc(instances, func(i watch.Instance) bool { return i.Service.Kind == "" && r.options.Serves(&i) })
}

// Move is a service that is served by another datacenter from now on, or, if that
// is empty, by its own again.
type Move struct{ Service, Datacenter string }

// Away has the services that are served by another datacenter, with which.
func (r *Roster) Away() map[string]string { return r.away }

// TakeMoves are the services that moved since it was called last.
func (r *Roster) TakeMoves() []Move {
	moves := r.moves
	r.moves = nil
	return moves
}
