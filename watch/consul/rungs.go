package consul

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/sluiceproxy/sluice/watch"
)

// A rung's look is a method that remembers what it saw last. The lookout it
// belongs to is the only one to call it, with the answer that woke it.

// checkRungs compare lists of checks.
type checkRungs struct {
	survey  *survey
	lastBad map[checkKey]checkState
	last    map[checkKey]checkState
}

type checkKey struct{ node, id string }

type checkState struct {
	service string // empty for a check of the node
	index   uint64
}

// bad looks at the checks that are critical or warn, which are few.
func (r *checkRungs) bad(ctx context.Context, _ answer) (f finding, err error) {
	now := map[checkKey]checkState{}
	for _, state := range []string{watch.Critical, watch.Warning} {
		checks, index, err := r.read(ctx, state)
		if err != nil {
			return f, err
		}
		maps.Copy(now, states(checks))
		if f.covers == 0 {
			f.covers = index
		}
	}
	compareChecks(&f, r.lastBad, now)
	r.lastBad = now
	// What is named now need not be named again by the longer list.
	maps.Copy(r.last, now)
	return f, nil
}

func (r *checkRungs) all(ctx context.Context, _ answer) (f finding, err error) {
	checks, index, err := r.read(ctx, "any")
	if err != nil {
		return f, err
	}
	now := states(checks)
	compareChecks(&f, r.last, now)
	r.last, f.covers = now, index
	return f, nil
}

func (r *checkRungs) read(ctx context.Context, state string) ([]watch.Check, uint64, error) {
	checks, a, err := read(ctx, r.survey, "/v1/health/state/"+state, decodeChecks)
	return checks, a.index, err
}

// begin remembers what was collected, and returns the highest index in it.
func (r *checkRungs) begin(c *collection) (newest uint64) {
	var f finding
	r.last, r.lastBad = states(c.checks), map[checkKey]checkState{}
	compareChecks(&f, nil, r.last)
	for _, check := range c.checks {
		if check.Status == watch.Critical || check.Status == watch.Warning {
			key := checkKey{check.Node, check.ID}
			r.lastBad[key] = r.last[key]
		}
	}
	return f.newest
}

func states(checks []watch.Check) map[checkKey]checkState {
	now := make(map[checkKey]checkState, len(checks))
	for _, c := range checks {
		now[checkKey{c.Node, c.ID}] = checkState{c.ServiceName, c.ModifyIndex}
	}
	return now
}

func compareChecks(f *finding, last, now map[checkKey]checkState) {
	note := func(node, service string) {
		if service == "" {
			f.node(node)
		} else {
			f.service(service)
		}
	}
	compare(last, now, func(key checkKey, old checkState) {
		f.gone++
		note(key.node, old.service)
	}, func(key checkKey, old, new checkState) {
		f.changedAt(new.index)
		note(key.node, new.service)
		if old != (checkState{}) && old.service != new.service {
			note(key.node, old.service)
		}
	})
}

// tagRung compares the names and tags of all services, which are the answer
// that wakes its lookout.
type tagRung struct {
	survey *survey
	body   []byte // as last seen
	last   map[string][]string
}

func (r *tagRung) look(_ context.Context, woke answer) (f finding, err error) {
	f.covers = woke.index
	if r.last != nil && bytes.Equal(r.body, woke.body) {
		return f, nil
	}
	now, err := decodeTags(woke.body)
	if err != nil {
		return f, r.survey.source.broken(r.survey.call("/v1/catalog/services"), err)
	}
	for _, tags := range now {
		slices.Sort(tags) // Consul's order is random
	}
	for name, tags := range now {
		old, known := r.last[name]
		if !known || !slices.Equal(old, tags) {
			f.service(name)
		}
	}
	for name := range r.last {
		if _, still := now[name]; !still {
			f.service(name)
		}
	}
	r.last, r.body = now, woke.body
	r.survey.setCount(len(now))
	return f, nil
}

// hostRung compares the indexes of all instances, node by node, of those nodes
// whose own index moved. Where there are more nodes than services it is cheaper
// for the caller to ask for those.
type hostRung struct {
	survey *survey
	last   map[string]hostState // nil where there are too many
}

type hostState struct {
	index    uint64
	services map[string]registration // by ID
}

func (r *hostRung) begin(c *collection) (newest uint64) {
	r.last = nil
	if c.hosts == nil {
		return 0
	}
	r.last = make(map[string]hostState, len(c.hosts))
	for node, h := range c.hosts {
		r.last[node] = hostState{h.index, h.registrations()}
		for _, s := range h.Services {
			newest = max(newest, s.ModifyIndex)
		}
	}
	return newest
}

// look sees all that happened up to the wake: it begins after that.
func (r *hostRung) look(ctx context.Context, woke answer) (f finding, err error) {
	f.covers = woke.index
	nodes, _, err := r.survey.nodeIndexes(ctx)
	if err != nil {
		return f, err
	}
	if r.survey.tooMany(nodes) {
		r.last, f.all = nil, true
		return f, nil
	}
	f.all = r.last == nil
	now := make(map[string]hostState, len(nodes))
	for node := range nodes {
		old := r.last[node]
		if now[node], err = r.lookAt(ctx, node, old); err != nil {
			return f, err
		}
		f.compareHosts(old, now[node])
	}
	for node, old := range r.last {
		if _, still := nodes[node]; !still {
			f.compareHosts(old, hostState{})
		}
	}
	r.last = now
	return f, nil
}

func (r *hostRung) lookAt(ctx context.Context, node string, old hostState) (hostState, error) {
	if old.index > 0 {
		index, err := r.survey.hostIndex(ctx, node)
		if err != nil || index == old.index {
			return old, err
		}
	}
	services, index, err := r.survey.servicesOf(ctx, node)
	return hostState{index, services}, err
}

func (f *finding) compareHosts(last, now hostState) {
	if last.index == now.index {
		return
	}
	compare(last.services, now.services, func(_ string, old registration) {
		f.gone++
		f.service(old.Service)
	}, func(_ string, old, new registration) {
		f.changedAt(new.ModifyIndex)
		f.service(new.Service)
		if old.Service != "" {
			f.service(old.Service)
		}
	})
}

// servicesIndex is the index of what is registered on all nodes, and of those.
// No node has such metadata, so that Consul need not look at the services.
func (v *survey) servicesIndex(ctx context.Context) (uint64, error) {
	a, err := v.get(ctx, "/v1/catalog/services", "node-meta", "sluice-none:none")
	return a.index, err
}

// nodeRung compares the indexes of all nodes: an address that changed is that of
// all services there which have none of their own.
type nodeRung struct {
	survey *survey
	last   map[string]uint64
}

func (r *nodeRung) look(ctx context.Context, _ answer) (f finding, err error) {
	now, at, err := r.survey.nodeIndexes(ctx)
	if err != nil {
		return f, err
	}
	f.covers = at.index
	compare(r.last, now, func(string, uint64) {
		f.gone++ // and so are its services, which their lookout sees
	}, func(node string, _, index uint64) {
		f.changedAt(index)
		f.node(node)
	})
	r.last = now
	return f, nil
}

func (v *survey) nodeIndexes(ctx context.Context) (map[string]uint64, answer, error) {
	wire, a, err := read(ctx, v, "/v1/catalog/nodes", decode[[]struct {
		Node        string
		ModifyIndex uint64
	}])
	nodes := make(map[string]uint64, len(wire))
	for _, n := range wire {
		nodes[n.Node] = n.ModifyIndex
	}
	return nodes, a, err
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
