package lb

import (
	"cmp"
	"slices"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// Locality says where the load balancer is, for pools that prefer what is near.
type Locality struct {
	// Node and Zone are its own; those that are empty are the agent's.
	Node, Zone string
	// Key is the one of metadata, of an instance or else its node, that names the zone;
	// empty is DefaultZoneKey.
	Key string
}

// DefaultZoneKey is what most call it.
const DefaultZoneKey = "zone"

func (l Locality) key() string { return cmp.Or(l.Key, DefaultZoneKey) }

// zoneOf is where an instance is, or empty.
func (l Locality) zoneOf(i *watch.Instance) string {
	return cmp.Or(i.Service.Meta[l.key()], i.Node.Meta[l.key()])
}

// here is where the load balancer is. What is empty is not known.
type here struct{ node, zone string }

// asksWhere reports whether the catalog has to tell.
func (b *Builder) asksWhere() bool {
	return b.linker.near && (b.Locality.Node == "" || b.Locality.Zone == "")
}

// ownNode asks for the agent's node, with its metadata.
func (b *Builder) ownNode() watch.Node { return watch.Node{} }

// locate learns where the load balancer is, and has all pools made again if that is
// news. Until it is known, all instances are alike.
func (b *Builder) locate(s *watch.Snapshot) {
	if !b.asksWhere() {
		return
	}
	entry, _ := s.Entry(b.ownNode())
	n, known := watch.Get(s, b.ownNode())
	at := b.linker.here
	if known && n != nil {
		at = here{cmp.Or(b.Locality.Node, n.Node.Name), cmp.Or(b.Locality.Zone, n.Node.Meta[b.Locality.key()])}
	}
	b.problems.set(owner{"locality", name{}}, b.lost(at, known, entry.Err))
	if at == b.linker.here {
		return
	}
	b.linker.here = at
	for known := range b.linker.backends.each() {
		b.linker.staleBackends[known.name] = known
	}
}

// lost tells why it is not known where the load balancer is, if that is to stay so.
func (b *Builder) lost(at here, known bool, err error) []tags.Problem {
	p := tags.Problem{Source: "lb.locality", Offset: -1}
	switch {
	case !known && err == nil || at.node != "" && at.zone != "":
		return nil
	case err != nil && at.node == "":
		p.Reason = "the agent's own node cannot be read, so no instance is near, and no socket is within reach: " + err.Error()
		p.Hint = "the token needs node:read and service:read; or lb { locality { node zone } } say it"
	case at.node == "":
		p.Reason, p.Hint = "the agent does not show its own node, so no instance is near, and no socket is within reach", "the token needs node:read; or lb { locality { node zone } } say it"
	case b.linker.zoned:
		p.Reason = "the agent's node has no metadata " + b.Locality.key() + ", so no instance is of the own zone"
		p.Hint = "node_meta of the agent says it, or lb { locality { zone } }"
	default:
		return nil
	}
	return []tags.Problem{p}
}

// runtime is the pool of a route's endpoints. The name is that of a service, or empty
// for the route's own.
func (k *link) runtime(name string, dialect tags.Dialect, endpoints []tags.Endpoint, b *spec.LoadBalancer) *target.Pool {
	endpoints = k.reachable(endpoints)
	all, p := members(endpoints, b), policy(b)
	if b != nil && b.Locality != nil {
		k.near, k.zoned = true, k.zoned || slices.Contains(b.Locality.Prefer, "zone")
		p.Near = k.here.encircle(b.Locality, endpoints, all)
	}
	return k.pools.Pool(k.poolName(name, dialect), all, p)
}

// reachable has no instance serve whose socket is on another node, or may be.
func (k *link) reachable(endpoints []tags.Endpoint) []tags.Endpoint {
	isElsewhere := func(e tags.Endpoint) bool {
		return e.Node != "" && (k.here.node == "" || e.Node != k.here.node) && targetKey(e).IsSocket()
	}
	for i := range endpoints {
		if targetKey(endpoints[i]).IsSocket() && endpoints[i].Node != "" {
			k.near = true // it has to be known which node this is
		}
	}
	if !slices.ContainsFunc(endpoints, isElsewhere) {
		return endpoints
	}
	return slices.DeleteFunc(slices.Clone(endpoints), isElsewhere)
}

// encircle sets the circles of members, which stand for the endpoints that serve.
func (h here) encircle(l *spec.Locality, endpoints []tags.Endpoint, members []target.Member) target.Near {
	near := target.Near{Healthy: l.Enough()}
	circles := make(map[target.Key]uint8, len(endpoints))
	for i := range endpoints {
		e := &endpoints[i]
		circle := h.circle(l, e)
		circles[targetKey(*e)] = circle
		if int(circle) < len(near.Known) && !e.Retired {
			near.Known[circle]++
		}
	}
	for i := range members {
		members[i].Circle = circles[members[i].Key]
	}
	return near
}

// circle is how near an endpoint is. Where it is not known where the load balancer is,
// nothing is near.
func (h here) circle(l *spec.Locality, e *tags.Endpoint) uint8 {
	switch {
	case slices.Contains(l.Prefer, "node") && h.node != "" && e.Node == h.node:
		return 0
	case slices.Contains(l.Prefer, "zone") && h.zone != "" && e.Zone == h.zone:
		return 1
	}
	return target.Circles - 1
}
