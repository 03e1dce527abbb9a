package lb

import (
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// Wants returns the queries a builder needs answered: the list of services,
// the instances of those whose tags can route, the keys of [Manual], and, if a pool
// prefers what is near, the agent's own node. Asked with each new snapshot, it
// grows with what the snapshot tells; changed is false, and there are no
// queries, if they are the same as when it was last asked. Their order tells
// nothing new.
func (b *Builder) Wants(s *watch.Snapshot) (queries []watch.Query, changed bool) {
	b.list(s)
	if !b.unasked {
		return nil, false
	}
	b.unasked = false
	queries = make([]watch.Query, 0, 1+len(b.names))
	queries = append(queries, b.Options.services())
	for _, name := range b.names {
		queries = append(append(queries, b.health(name)), b.elsewhere(name)...)
	}
	for _, datacenter := range b.Failover {
		queries = append(queries, b.servicesIn(datacenter))
	}
	if b.asksWhere() {
		queries = append(queries, b.ownNode())
	}
	return append(queries, b.manual.queries(b.Scope)...), true
}

func (o Options) services() watch.Services { return watch.Services{Scope: o.Scope} }

func (o Options) health(service string) watch.Health {
	return watch.Health{Scope: o.Scope, Service: service}
}

// routable are the names of the services whose tags can route, in order, but for
// names without end. As far as those are the last ones, it shares that list.
func routable(services []watch.ServiceTags, o Options, last []string) []string {
	var names []string
	same := 0 // of last, while there are no others
	for i := range services {
		name := services[i].Name
		switch {
		case len(name) > maxName:
		case !tags.CanRoute(o.Tags, services[i].Tags) && len(o.Tags.StaticPools[name]) == 0:
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
