package target

import (
	"sync"
	"sync/atomic"
	"time"
)

// Member is one target's place in a pool.
type Member struct {
	Key Key
	// Weight is the target's share relative to the other members. Members
	// with a weight of 0 or less get no requests.
	Weight int
	// Circle is how near the target is, from 0; see [Near].
	Circle uint8
}

// Pool is an immutable set of targets to pick from. A pool without members, or
// whose members all weigh nothing, is valid and picks nothing.
type Pool struct {
	name     string
	policy   *shared
	members  []place
	turns    []int32 // the order of picks, repeated for ever: indexes of members
	standing *standing

	// Of the registry, under its lock: how many routes have the pool, and whether
	// it was given up.
	uses      int32
	forgotten bool
}

// shared is what pools have in common as a rule. It is not changed.
type shared struct {
	Policy
	clock clock
}

// place is that of a member.
type place struct {
	*Target
	seat   *seat
	weight int
	circle uint8
}

// standing is what the pools of one name, one after the other, have in common
// beside their seats.
type standing struct {
	cursor atomic.Uint64 // counts picks, more or less
	record lazy[record]
}

// record is what went wrong in a pool.
type record struct {
	// ejecting is held by who ejects: of several at once, only some may.
	ejecting  sync.Mutex
	ejections atomic.Uint64
	budget    account
	retries   atomic.Uint64
	denied    atomic.Uint64 // second tries beyond the budget
	failures  atomic.Uint64 // of checks
}

// Name is the name the pool was asked for by.
func (p *Pool) Name() string { return p.name }

// Policy is how the pool picks.
func (p *Pool) Policy() Policy { return p.policy.Policy }

// Members lists what the pool was made of.
func (p *Pool) Members() []Member {
	all := make([]Member, len(p.members))
	for i := range p.members {
		all[i] = p.members[i].member()
	}
	return all
}

func (m *place) member() Member { return Member{Key: m.key, Weight: m.weight, Circle: m.circle} }

// Targets lists the members' targets, in the members' order.
func (p *Pool) Targets() []*Target {
	all := make([]*Target, len(p.members))
	for i := range p.members {
		all[i] = p.members[i].Target
	}
	return all
}

// Len is the number of members.
func (p *Pool) Len() int { return len(p.members) }

// at finds the place of a target, nil if it is none of the pool's.
func (p *Pool) at(t *Target) *place {
	for i := range p.members {
		if p.members[i].Target == t {
			return &p.members[i]
		}
	}
	return nil
}

// IsTimed reports whether the pool picks by the times told to [Target.Took].
func (p *Pool) IsTimed() bool { return p.policy.Method == LeastTime }

// HasAffinity reports whether the pool picks by the affinity told to Pick.
func (p *Pool) HasAffinity() bool { return p.policy.Method == Rendezvous }

// takes reports whether a member may be picked.
func (p *Pool) takes(m *place, s scope) bool {
	return m.weight > 0 && m.circle <= s.circle && !p.isFull(m.Target) && (s.panic || m.seat.isOpen(p.policy.clock))
}

func (p *Pool) isFull(t *Target) bool {
	return p.policy.MaxInFlight > 0 && t.inFlight.Load() >= int64(p.policy.MaxInFlight)
}

// panics reports whether too few members are well for that to count.
func (p *Pool) panics() bool {
	if p.policy.Panic == 0 {
		return false
	}
	open, all := 0, 0
	for i := range p.members {
		if m := &p.members[i]; m.weight > 0 {
			all++
			if m.seat.isOpen(p.policy.clock) {
				open++
			}
		}
	}
	return open*100 < all*p.policy.Panic
}

// HasOpen reports whether there is a member that may be picked.
func (p *Pool) HasOpen() bool {
	all := scope{farthest, p.panics()}
	for i := range p.members {
		if p.takes(&p.members[i], all) {
			return true
		}
	}
	return false
}

// Takes reports whether the target is one of the pool that may be picked.
func (p *Pool) Takes(t *Target) bool {
	m := p.at(t)
	return m != nil && (p.takes(m, everywhere) || p.takes(m, scope{farthest, p.panics()}))
}

// IsDown reports whether checks say that a member is down.
func (p *Pool) IsDown(t *Target) bool {
	m := p.at(t)
	return m != nil && m.seat.down.Load()
}

// SetUp tells how a check of a member went. It reports whether the member is down
// by now, and whether that is news.
func (p *Pool) SetUp(t *Target, up bool) (down, changed bool) {
	m := p.at(t)
	if m == nil || !p.policy.Watched {
		return false, false
	}
	if !up {
		p.standing.record.need().failures.Add(1)
	}
	changed = m.seat.hear(up, &p.policy.Policy, p.policy.clock.now())
	return m.seat.down.Load(), changed
}

// Observe tells how a member answered: with a status, or 0 for not at all. It
// reports for how long the member is passed over from now on because of that.
func (p *Pool) Observe(t *Target, status int) (ejected time.Duration) {
	if p.policy.Ejection.Failures == 0 && p.policy.MaxFailures == 0 {
		return 0
	}
	m := p.at(t)
	if m == nil {
		return 0
	}
	s := m.seat
	if !p.policy.Ejection.isFailure(status) {
		if s.inARow.Load() != 0 { // which all processors may read at once
			s.inARow.Store(0)
		}
	} else if n := s.inARow.Add(1); p.policy.Ejection.Failures > 0 && int(n) >= p.policy.Ejection.Failures {
		ejected = p.eject(s)
	}
	if p.policy.MaxFailures > 0 && (status == 0 || status >= 500) {
		if length := s.countFailure(&p.policy.Policy, p.policy.clock.now()); length > 0 {
			p.standing.record.need().ejections.Add(1)
			ejected = max(ejected, length)
		}
	}
	return ejected
}

// eject ejects a member unless it is ejected already, or as many are as may be.
func (p *Pool) eject(s *seat) time.Duration {
	record, now := p.standing.record.need(), p.policy.clock.now()
	record.ejecting.Lock()
	defer record.ejecting.Unlock()
	ejected := 0
	for _, other := range p.members {
		if other.seat.ejected.Load() > now {
			if other.seat == s {
				return 0 // by a request that was in flight beside this one
			}
			ejected++
		}
	}
	if (ejected+1)*100 > p.policy.Ejection.Share*len(p.members) {
		return 0
	}
	record.ejections.Add(1)
	return s.eject(p.policy.Ejection, now)
}

// TakeRetry takes a second try from the pool's budget, and reports whether there
// was one left.
func (p *Pool) TakeRetry() bool {
	record := p.standing.record.need()
	ok := record.budget.take(p.policy.Budget, p.standing.cursor.Load(), p.policy.clock.now())
	if ok {
		record.retries.Add(1)
	} else {
		record.denied.Add(1)
	}
	return ok
}

// PoolStats is a moment's view of a pool.
type PoolStats struct {
	// Members are Open to requests, Down by checks or Ejected; Starting are those
	// of the open ones that do not get their full share yet.
	Open, Down, Ejected, Starting int
	// Panics is set while it does not count whether members are well, Spills while too
	// few of those that are near are.
	Panics, Spills bool
	// Ejections counts how often members were passed over, Retries the second
	// tries that were taken from the budget, and Denied those there was none for.
	Ejections, Retries, Denied uint64
	// CheckFailures counts checks that failed.
	CheckFailures uint64
}

// Stats reads the state of the members, and the counters, which go on from one
// pool of a name to the next.
func (p *Pool) Stats() PoolStats {
	stats := PoolStats{Panics: p.panics(), Spills: p.Spills()}
	if record := p.standing.record.get(); record != nil {
		stats.Ejections, stats.CheckFailures = record.ejections.Load(), record.failures.Load()
		stats.Retries, stats.Denied = record.retries.Load(), record.denied.Load()
	}
	for _, m := range p.members {
		switch s := m.seat; {
		case s.isOpen(p.policy.clock):
			stats.Open++
			if s.share(p.policy.SlowStart, p.policy.clock) < 1 {
				stats.Starting++
			}
		case s.down.Load():
			stats.Down++
		default:
			stats.Ejected++
		}
	}
	return stats
}
