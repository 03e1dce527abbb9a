package consul

import (
	"context"
	"maps"
	"slices"
)

// A rung's look is a method or function that remembers what it saw last. The
// lookout it belongs to is the only one to call it.

// checkRungs compare lists of checks.
type checkRungs struct {
	survey             *survey
	lastCritical, last map[checkKey]checkState
}

type checkKey struct{ node, id string }

type checkState struct {
	service string // empty for a check of the node
	index   uint64
}

func (v *survey) checks() *checkRungs { return &checkRungs{survey: v, last: map[checkKey]checkState{}} }

func (r *checkRungs) critical(ctx context.Context) (f finding, err error) {
	f, r.lastCritical, err = r.look(ctx, "critical", r.lastCritical)
	// What is named now need not be named again by the longer list.
	maps.Copy(r.last, r.lastCritical)
	return f, err
}

func (r *checkRungs) all(ctx context.Context) (f finding, err error) {
	f, r.last, err = r.look(ctx, "any", r.last)
	return f, err
}

func (r *checkRungs) look(ctx context.Context, state string, last map[checkKey]checkState) (finding, map[checkKey]checkState, error) {
	var f finding
	wire, index, err := read[[]struct {
		Node        string
		CheckID     string
		ServiceName string
		ModifyIndex uint64
	}](ctx, r.survey, "/v1/health/state/"+state)
	if err != nil {
		return f, last, err
	}
	f.covers = index
	now := make(map[checkKey]checkState, len(wire))
	for _, c := range wire {
		now[checkKey{c.Node, c.CheckID}] = checkState{c.ServiceName, c.ModifyIndex}
	}
	note := func(node, service string) {
		if service == "" {
			f.node(node)
		} else {
			f.service(service)
		}
	}
	compare(last, now, func(key checkKey, old checkState) {
		f.gone = true
		note(key.node, old.service)
	}, func(key checkKey, old, new checkState) {
		f.newest = max(f.newest, new.index)
		note(key.node, new.service)
		if old != (checkState{}) && old.service != new.service {
			note(key.node, old.service)
		}
	})
	return f, now, nil
}

// tags compares the names and tags of all services.
func (v *survey) tags() func(context.Context) (finding, error) {
	var last map[string][]string
	return func(ctx context.Context) (f finding, err error) {
		now, index, err := read[map[string][]string](ctx, v, "/v1/catalog/services")
		if err != nil {
			return f, err
		}
		f.covers = index
		for _, tags := range now {
			slices.Sort(tags) // Consul's order is random
		}
		for name, tags := range now {
			old, known := last[name]
			if !known || !slices.Equal(old, tags) {
				f.service(name)
			}
		}
		for name := range last {
			if _, still := now[name]; !still {
				f.service(name)
			}
		}
		last = now
		v.mu.Lock()
		v.services = len(now)
		v.mu.Unlock()
		return f, nil
	}
}

// instances compares the indexes of all instances, node by node. Where there
// are more nodes than services it is cheaper for the caller to ask for those.
func (v *survey) instances() func(context.Context) (finding, error) {
	var last map[instanceKey]registration
	return func(ctx context.Context) (f finding, err error) {
		now, covers, err := v.registrations(ctx)
		if err != nil {
			return f, err
		}
		f.covers = covers
		f.all = now == nil || last == nil
		compare(last, now, func(_ instanceKey, old registration) {
			f.gone = true
			f.service(old.Service)
		}, func(_ instanceKey, old, new registration) {
			f.newest = max(f.newest, new.ModifyIndex)
			f.service(new.Service)
			if old.Service != "" {
				f.service(old.Service)
			}
		})
		last = now
		return f, nil
	}
}

type instanceKey struct{ node, id string }

// registrations reads the services of each node; nil where there are too many
// nodes. It takes many answers, so it tries twice for a moment in which
// nothing changes: then it knows up to which index all was seen.
func (v *survey) registrations(ctx context.Context) (all map[instanceKey]registration, covers uint64, err error) {
	for range 2 {
		covers, err = v.servicesIndex(ctx)
		if err != nil {
			return nil, 0, err
		}
		nodes, _, err := v.nodeIndexes(ctx)
		if err != nil {
			return nil, 0, err
		}
		if len(nodes) > max(v.count(), maxNodes) {
			return nil, covers, nil
		}
		all = make(map[instanceKey]registration, len(all))
		for node := range nodes {
			services, err := v.servicesOf(ctx, node)
			if err != nil {
				return nil, 0, err
			}
			for id, s := range services {
				all[instanceKey{node, id}] = s
			}
		}
		after, err := v.servicesIndex(ctx)
		if err != nil {
			return nil, 0, err
		}
		if after == covers {
			break
		}
	}
	return all, covers, nil
}

func (v *survey) servicesIndex(ctx context.Context) (uint64, error) {
	a, err := v.source.client.get(ctx, v.call("/v1/catalog/services", "filter", noService))
	return a.index, err
}

// nodes compares the indexes of all nodes: an address that changed is that of
// all services there which have none of their own.
func (v *survey) nodes() func(context.Context) (finding, error) {
	var last map[string]uint64
	return func(ctx context.Context) (f finding, err error) {
		now, index, err := v.nodeIndexes(ctx)
		if err != nil {
			return f, err
		}
		f.covers = index
		compare(last, now, func(string, uint64) {
			f.gone = true // and so are its services, which their lookout sees
		}, func(node string, _, index uint64) {
			f.newest = max(f.newest, index)
			f.node(node)
		})
		last = now
		return f, nil
	}
}

func (v *survey) nodeIndexes(ctx context.Context) (map[string]uint64, uint64, error) {
	wire, index, err := read[[]struct {
		Node        string
		ModifyIndex uint64
	}](ctx, v, "/v1/catalog/nodes")
	if err != nil {
		return nil, 0, err
	}
	nodes := make(map[string]uint64, len(wire))
	for _, n := range wire {
		nodes[n.Node] = n.ModifyIndex
	}
	return nodes, index, nil
}

// compare calls gone for what is only in last, and changed, with the zero
// value for old if there was none, for what is new or different.
func compare[K, V comparable](last, now map[K]V, gone func(K, V), changed func(key K, old, new V)) {
	for key, v := range now {
		if old := last[key]; old != v {
			changed(key, old, v)
		}
	}
	for key, old := range last {
		if _, still := now[key]; !still {
			gone(key, old)
		}
	}
}
