package lb

import (
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// WantedQueries are what a [Builder] needs answered: the list of services, and the
// instances of those whose tags can route. Called with each new snapshot, it
// grows with what the snapshot tells. The order does not change between
// snapshots that tell the same.
func WantedQueries(s *watch.Snapshot, o Options) []watch.Query {
	queries := []watch.Query{o.services()}
	names, _ := routable(s, o)
	for _, name := range names {
		queries = append(queries, o.health(name))
	}
	return queries
}

func (o Options) services() watch.Services { return watch.Services{Scope: o.Scope} }

func (o Options) health(service string) watch.Health {
	return watch.Health{Scope: o.Scope, Service: service}
}

// routable are the names of the services whose tags can route, in order; known
// is false until the list of services has been heard of.
func routable(s *watch.Snapshot, o Options) (names []string, known bool) {
	services, known := watch.Get(s, o.services())
	for _, service := range services {
		if tags.CanRoute(o.Tags, service.Tags) {
			names = append(names, service.Name)
		}
	}
	slices.Sort(names)
	return names, known
}
