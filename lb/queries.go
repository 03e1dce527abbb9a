package lb

import "github.com/sluiceproxy/sluice/watch"

// WantedQueries are what [Build] needs answered: the list of services, and the
// instances of those whose tags can route. Called with each new snapshot, it
// grows with what the snapshot tells.
func WantedQueries(s *watch.Snapshot, o Options) []watch.Query {
	return []watch.Query{watch.Services{Scope: o.Scope}}
}
