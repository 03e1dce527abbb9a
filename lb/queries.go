package lb

import (
	"github.com/sluiceproxy/sluice/lb/roster"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// roster are the options of the services that are looked at: those whose tags can
// route, but for names without end.
func (o Options) roster() roster.Options {
	return roster.Options{
		Scope: o.Scope, Failover: o.Failover, Health: o.serving(), Guard: o.Guard,
		IsWanted: func(s watch.ServiceTags) bool {
			return len(s.Name) <= maxName && (tags.CanRoute(o.Tags, s.Tags) || len(o.Tags.StaticPools[s.Name]) > 0)
		},
	}
}

func (o *Options) serving() roster.Health {
	return roster.Health{Statuses: o.Statuses, Checks: o.Checks}
}

// Wants returns the queries a builder needs answered: the list of services,
// the instances of those whose tags can route, the keys of [Manual], and, if a pool
// prefers what is near, the agent's own node. Asked with each new snapshot, it
// grows with what the snapshot tells; changed is false, and there are no
// queries, if they are the same as when it was last asked. Their order tells
// nothing new.
func (b *Builder) Wants(s *watch.Snapshot) (queries []watch.Query, changed bool) {
	if !b.roster.Wants(s) && !b.unasked {
		return nil, false
	}
	b.unasked = false
	queries = b.roster.Queries()
	if b.asksWhere() {
		queries = append(queries, b.ownNode())
	}
	return append(queries, b.manual.queries(b.Scope)...), true
}
