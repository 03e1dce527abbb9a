package target

import (
	"iter"
	"slices"
	"sync"
	"time"
)

// Registry hands out pools and keeps their targets across tables. Its methods
// may be called from any goroutine.
type Registry struct {
	connect func(Key) Conns
	clock   clock
	// released is told of targets that are in no pool any more; it may be nil.
	released func(Key)

	mu      sync.Mutex
	targets targets
	pools   map[string]*Pool
	fresh   []*Pool // made since the last Replace
	policy  *shared // of the last one: as a rule the next has the same, and shares it
}

// NewRegistry returns an empty registry. connect, called once for each new
// target with the registry locked, makes what [Target.Conns] returns; it may
// be nil.
func NewRegistry(connect func(Key) Conns) *Registry {
	return &Registry{connect: connect, clock: clock{time.Now()}, targets: targets{}, pools: map[string]*Pool{}}
}

// OnRelease has a function told of each target that is in no pool any more, with the
// registry locked. It is for before the first pool.
func (r *Registry) OnRelease(released func(Key)) { r.released = released }

// Pool returns the pool of that name with exactly these members and policy, the
// same one as before if nothing changed. The name says whose turns are counted:
// asking for other members under it makes a new pool that goes on where the old
// one was. Two pools of one table must not share a name unless they are the same.
//
// Members with the same key are one, with the sum of the weights.
func (r *Registry) Pool(name string, members []Member, policy Policy) *Pool {
	members = merge(members)
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.pools[name]
	if old != nil && old.policy.Policy == policy && old.has(members) {
		return old
	}
	if r.policy == nil || r.policy.Policy != policy {
		r.policy = &shared{policy, r.clock}
	}
	p := &Pool{name: name, policy: r.policy, members: make([]place, len(members))}
	weights := make([]int, len(members))
	for i, m := range members {
		p.members[i] = place{Target: r.target(m.Key), weight: m.Weight, circle: m.Circle}
		p.members[i].pools++
		weights[i] = m.Weight
	}
	p.turns = turns(weights)
	if old != nil {
		p.standing = old.standing
		p.takeSeats(old)
	} else {
		p.standing = new(standing)
		for i := range p.members {
			p.members[i].seat = new(seat)
		}
	}
	r.pools[name] = p
	r.fresh = append(r.fresh, p)
	return p
}

// takeSeats takes over what the pool before knew of the members that stay. Who
// was not in it starts slowly.
func (p *Pool) takeSeats(old *Pool) {
	for i := range p.members {
		m := &p.members[i]
		if was := old.at(m.Target); was == nil {
			m.seat = new(seat)
			m.seat.since.Store(p.policy.clock.now())
		} else if m.seat = was.seat; !p.policy.Watched {
			m.seat.down.Store(false) // nobody would ever say otherwise
		}
	}
}

// has reports whether a pool is one of exactly these members.
func (p *Pool) has(members []Member) bool {
	return slices.EqualFunc(p.members, members, func(known place, m Member) bool { return known.member() == m })
}

// Replace tells which pools have come into force and which have gone, each as
// often as there are routes that have it. A pool that no route has any more is
// forgotten, as is one that was asked for since the last Replace and did not
// come into force. Targets that are in no pool are released: their idle
// connections are closed, now or when their last request ends.
func (r *Registry) Replace(gone, come iter.Seq[*Pool]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range come {
		p.uses++
	}
	for p := range gone {
		if p.uses--; p.uses == 0 {
			r.forget(p)
		}
	}
	for _, p := range r.fresh {
		if p.uses == 0 {
			r.forget(p)
		}
	}
	r.fresh = nil
}

// forget gives up a pool and the targets that are in no other. It may be called
// again.
func (r *Registry) forget(p *Pool) {
	if p.forgotten {
		return
	}
	p.forgotten = true
	if r.pools[p.name] == p {
		delete(r.pools, p.name)
	}
	for _, m := range p.members {
		t := m.Target
		if t.pools--; t.pools == 0 {
			r.targets.remove(t)
			t.release()
			if r.released != nil {
				r.released(t.key)
			}
		}
	}
}

// Close releases all targets.
func (r *Registry) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for t := range r.targets.each() {
		t.release()
	}
	clear(r.targets)
	clear(r.pools)
}

// Targets lists the known targets, in no order.
func (r *Registry) Targets() []*Target {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(r.targets.each())
}

func (r *Registry) target(key Key) *Target {
	t := r.targets.find(key)
	if t == nil {
		t = &Target{key: key, hash: hashKey(key)}
		if r.connect != nil {
			t.conns = r.connect(key)
		}
		r.targets.add(t)
	}
	return t
}

func merge(members []Member) []Member {
	if len(members) < 2 {
		return slices.Clone(members)
	}
	merged := make([]Member, 0, len(members))
	at := make(map[Key]int, len(members))
	for _, m := range members {
		if i, ok := at[m.Key]; ok {
			merged[i].Weight += m.Weight
			merged[i].Circle = min(merged[i].Circle, m.Circle)
			continue
		}
		at[m.Key] = len(merged)
		merged = append(merged, m)
	}
	return merged
}
