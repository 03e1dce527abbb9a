package target

import (
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// Registry hands out pools and keeps their targets across tables. Its methods
// may be called from any goroutine.
type Registry struct {
	connect func(Key) Conns

	mu      sync.Mutex
	targets map[Key]*Target
	pools   map[string]*Pool
}

// NewRegistry returns an empty registry. connect, called once for each new
// target with the registry locked, makes what [Target.Conns] returns; it may
// be nil.
func NewRegistry(connect func(Key) Conns) *Registry {
	return &Registry{connect: connect, targets: map[Key]*Target{}, pools: map[string]*Pool{}}
}

// Pool returns the pool of that name with exactly these members, the same one
// as before if nothing changed. The name says whose turns are counted: asking
// for other members under it makes a new pool that goes on where the old one
// was. Two pools of one table must not share a name unless they are the same.
//
// Members with the same key are one, with the sum of the weights.
func (r *Registry) Pool(name string, members []Member) *Pool {
	members = merge(members)
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.pools[name]
	if old != nil && slices.Equal(old.members, members) {
		return old
	}
	p := &Pool{name: name, members: members, cursor: new(atomic.Uint64)}
	if old != nil {
		p.cursor = old.cursor
	}
	weights := make([]int, len(members))
	for i, m := range members {
		p.targets = append(p.targets, r.target(m.Key))
		weights[i] = m.Weight
	}
	p.turns = turns(p.targets, weights)
	r.pools[name] = p
	return p
}

// Keep forgets all pools but these, and releases every target that is in none
// of them: its idle connections are closed, now or when its last request ends.
// Pools asked for since the kept ones were must be among them.
func (r *Registry) Keep(pools iter.Seq[*Pool]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keptPools := map[string]*Pool{}
	keptTargets := map[Key]*Target{}
	for p := range pools {
		keptPools[p.name] = p
		for _, t := range p.targets {
			keptTargets[t.key] = t
		}
	}
	for key, t := range r.targets {
		if keptTargets[key] == nil {
			t.release()
		}
	}
	r.pools, r.targets = keptPools, keptTargets
}

// Targets lists the known targets, in no order.
func (r *Registry) Targets() []*Target {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*Target, 0, len(r.targets))
	for _, t := range r.targets {
		list = append(list, t)
	}
	return list
}

func (r *Registry) target(key Key) *Target {
	t := r.targets[key]
	if t == nil {
		t = &Target{key: key}
		if r.connect != nil {
			t.conns = r.connect(key)
		}
		r.targets[key] = t
	}
	return t
}

func merge(members []Member) []Member {
	merged := make([]Member, 0, len(members))
	at := make(map[Key]int, len(members))
	for _, m := range members {
		if i, ok := at[m.Key]; ok {
			merged[i].Weight += m.Weight
			continue
		}
		at[m.Key] = len(merged)
		merged = append(merged, m)
	}
	return merged
}
