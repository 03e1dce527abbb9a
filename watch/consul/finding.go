package consul

import (
	"context"
	"maps"
	"slices"
)

// finding is what a rung saw change.
type finding struct {
	services map[string]struct{}
	nodes    map[string]struct{} // all of their services changed
	all      bool                // any service may have changed
	newest   uint64              // highest index at which something seen changed
	indexes  map[uint64]struct{} // all such
	gone     int                 // how many things are no longer there
	// covers is the index up to which the look saw all that happened. Consul's
	// indexes are positions in its log, so an answer shows all up to its own.
	covers uint64
}

func (f *finding) service(name string) {
	if f.services == nil {
		f.services = map[string]struct{}{}
	}
	f.services[name] = struct{}{}
}

func (f *finding) changedAt(index uint64) {
	if f.indexes == nil {
		f.indexes = map[uint64]struct{}{}
	}
	f.indexes[index] = struct{}{}
	f.newest = max(f.newest, index)
}

func (f *finding) node(name string) {
	if f.nodes == nil {
		f.nodes = map[string]struct{}{}
	}
	f.nodes[name] = struct{}{}
}

// names resolves the nodes of a finding to their services. It is nil where any
// service may have changed.
func (v *survey) names(ctx context.Context, f finding) (map[string]struct{}, error) {
	if f.all || len(f.nodes) > maxNodes {
		return nil, nil
	}
	names := maps.Clone(f.services)
	if names == nil {
		names = map[string]struct{}{}
	}
	for _, node := range slices.Sorted(maps.Keys(f.nodes)) {
		services, _, err := v.servicesOf(ctx, node)
		if err != nil {
			return nil, err
		}
		for _, s := range services {
			names[s.Service] = struct{}{}
		}
	}
	return names, nil
}

// registration is the little a survey needs of a service instance.
type registration struct {
	Service     string
	ModifyIndex uint64
}

// servicesOf returns what is registered on a node, by ID; nothing if the node
// is gone, since then its services went too and are noticed as such.
func (v *survey) servicesOf(ctx context.Context, node string) (map[string]registration, uint64, error) {
	h, err := v.readHost(ctx, node)
	return h.registrations(), h.index, err
}

// read asks for one thing and returns it with the answer it came in.
func read[T any](ctx context.Context, v *survey, path string, decode func([]byte) (T, error)) (T, answer, error) {
	q := v.call(path)
	a, err := v.source.client.get(ctx, q)
	if err != nil {
		var none T
		return none, a, err
	}
	value, err := decode(a.body)
	if err != nil {
		err = v.source.broken(q, err)
	}
	return value, a, err
}
