package watch

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

const (
	planEvery = 10 * time.Second // promotions, and budgets that moved
	promoteAt = 3                // recent changes that earn a connection
	demoteAt  = 0.5              // recent changes that no longer do
	tenure    = 2                // how much the changes of one that has it count
)

// planning keeps the plan up to date until ctx ends.
func (w *Watcher) planning(ctx context.Context) {
	t := time.NewTicker(planEvery)
	defer t.Stop()
	for ranked := true; ; {
		w.plan(ctx, ranked)
		select {
		case <-ctx.Done():
			return
		case <-w.unplanned:
			ranked = false
		case <-t.C:
			ranked = true
		}
	}
}

// plan decides for each query whether it has a blocking loop of its own or is
// one of a crowd. With ranked, connections go to the queries that change most
// often; without, they stay where they are as far as possible.
func (w *Watcher) plan(ctx context.Context, ranked bool) {
	for _, o := range w.origins {
		o.planned.Store(o.cost())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	demands := w.demands()
	shareOut(w.budget.total, demands)
	for _, d := range demands {
		if d.fits() {
			w.loopAll(ctx, d)
		} else {
			w.crowdUp(ctx, d, ranked)
		}
	}
}

// demand is what the queries of one source ask of the budget.
type demand struct {
	origin *origin
	cost   int64 // of one request
	share  int64 // of the budget
	own    []*watched
	scopes map[Scope][]*watched // those that a survey could tell of
}

func (d *demand) size() int {
	n := len(d.own)
	for _, of := range d.scopes {
		n += len(of)
	}
	return n
}

func (d *demand) need() int64 { return d.cost * int64(d.size()) }

// fits reports whether the share has room for a request per query. To come
// back from a crowd takes some room to spare, or one query more or less would
// turn everything over each time.
func (d *demand) fits() bool {
	if d.origin.crowd != nil && d.origin.crowd.active {
		return d.need() <= d.share-d.share/8
	}
	return d.need() <= d.share
}

// demands lists the sources with wanted queries. w.mu is held.
func (w *Watcher) demands() []*demand {
	of := make(map[*origin]*demand)
	for _, m := range w.watched {
		if m.origin == nil {
			continue
		}
		d := of[m.origin]
		if d == nil {
			d = &demand{origin: m.origin, cost: m.origin.planned.Load(), scopes: make(map[Scope][]*watched)}
			of[m.origin] = d
		}
		if scope, ok := m.scope(); ok {
			d.scopes[scope] = append(d.scopes[scope], m)
		} else {
			d.own = append(d.own, m)
		}
	}
	return slices.Collect(maps.Values(of))
}

// scope is where a survey could tell of m, if one can. Mesh proxies register
// under names of their own, so the name of what they stand for tells nothing.
func (m *watched) scope() (Scope, bool) {
	h, ok := m.query.(Health)
	if !ok || h.Connect {
		return Scope{}, false
	}
	_, ok = m.origin.source.(Surveyor)
	return h.Scope, ok
}

// shareOut divides the budget fairly: those that need little get it, the
// others equal parts of the rest.
func shareOut(total int64, demands []*demand) {
	slices.SortFunc(demands, func(a, b *demand) int { return cmp.Compare(a.need(), b.need()) })
	for i, d := range demands {
		d.share = total / int64(len(demands)-i)
		total -= min(d.share, d.need())
	}
}

// loopAll gives each query a loop. w.mu is held.
func (w *Watcher) loopAll(ctx context.Context, d *demand) {
	if c := d.origin.crowd; c != nil {
		c.retire()
	}
	w.startLoops(ctx, d.own)
	for _, of := range d.scopes {
		w.startLoops(ctx, of)
	}
}

// crowdUp gives loops to some and makes the others a crowd. w.mu is held.
func (w *Watcher) crowdUp(ctx context.Context, d *demand, ranked bool) {
	c := w.crowdOf(ctx, d.origin)
	scopes := slices.SortedFunc(maps.Keys(d.scopes), func(a, b Scope) int {
		return cmp.Or(cmp.Compare(len(d.scopes[b]), len(d.scopes[a])), compareScopes(a, b))
	})
	sizes := make([]int, len(scopes))
	for i, s := range scopes {
		sizes[i] = len(d.scopes[s])
	}
	a := allot(int(d.share/d.cost), len(d.own), sizes)
	c.workers = a.workers

	own := incumbentsFirst(d.own)
	for _, s := range scopes[a.surveys:] {
		own = append(own, incumbentsFirst(d.scopes[s])...)
	}
	w.startLoops(ctx, own[:a.loops])
	for _, m := range own[a.loops:] {
		c.join(m, nil)
	}

	c.keepSurveys(ctx, scopes[:a.surveys], sizes)
	var crowd []*watched
	for _, s := range scopes[:a.surveys] {
		crowd = append(crowd, d.scopes[s]...)
	}
	promoted := promote(crowd, a.promoted, ranked)
	for _, m := range crowd {
		if _, ok := promoted[m]; ok {
			w.startLoop(ctx, m)
		} else {
			scope, _ := m.scope()
			c.join(m, c.surveys[scope])
		}
	}
	wake(c.wake)
}

// compareScopes gives scopes of one size a lasting order.
func compareScopes(a, b Scope) int {
	return cmp.Or(
		cmp.Compare(a.Datacenter, b.Datacenter),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Partition, b.Partition),
		cmp.Compare(a.Peer, b.Peer),
		cmp.Compare(a.SamenessGroup, b.SamenessGroup),
	)
}

// incumbentsFirst returns the queries with those that have a loop in front.
func incumbentsFirst(of []*watched) []*watched {
	sorted := slices.Clone(of)
	slices.SortStableFunc(sorted, func(a, b *watched) int { return btoi(b.hasLoop()) - btoi(a.hasLoop()) })
	return sorted
}

// promote chooses up to n of a surveyed crowd that keep or get a loop: unless
// ranked, those that have one; else those that changed most often of late.
func promote(crowd []*watched, n int, ranked bool) map[*watched]struct{} {
	type candidate struct {
		*watched
		rank float64
	}
	now := time.Now()
	var candidates []candidate
	for _, m := range crowd {
		changes, bar := m.changes.now(now), float64(promoteAt)
		switch {
		case m.hasLoop():
			bar = demoteAt
			changes *= tenure
		case !ranked:
			continue
		}
		if changes >= bar {
			candidates = append(candidates, candidate{m, changes})
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int { return cmp.Compare(b.rank, a.rank) })
	chosen := make(map[*watched]struct{}, n)
	for _, c := range candidates[:min(n, len(candidates))] {
		chosen[c.watched] = struct{}{}
	}
	return chosen
}

// startLoops gives each of the queries a loop unless it has one. w.mu is held.
func (w *Watcher) startLoops(ctx context.Context, of []*watched) {
	for _, m := range of {
		w.startLoop(ctx, m)
	}
}

func (w *Watcher) startLoop(ctx context.Context, m *watched) {
	if m.hasLoop() {
		return
	}
	w.release(m)
	loopCtx, cancel := context.WithCancel(ctx)
	m.mode, m.cancel = blocking, cancel
	w.tasks.Go(func() { w.loop(loopCtx, m) })
}

func (m *watched) hasLoop() bool { return m.cancel != nil && m.crowd == nil }

// release ends what keeps m fresh. w.mu is held.
func (w *Watcher) release(m *watched) {
	m.vouch(time.Now())
	if m.cancel != nil {
		m.cancel()
	}
	if m.crowd != nil {
		m.crowd.leave(m)
	}
	m.mode, m.cancel, m.recall = idle, nil, nil
}
