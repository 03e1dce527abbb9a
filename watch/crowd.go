package watch

import (
	"context"
	"time"
)

// Paces of a crowd.
const (
	pollPace   = 60 * time.Millisecond  // between polls, unless a round took longer than Wait then
	pollLeast  = time.Second            // between two polls of one query
	sweepRest  = 4                      // rest after a sweep, in times of its length
	sweepLeast = 500 * time.Millisecond // rest after a sweep at least
	gateAfter  = 3                      // fresh failures in a row that look like an outage
)

// crowd keeps the queries of one source fresh that have no connection of their
// own. A bounded set of workers asks for those that are due: the ones a survey
// names, all in its scope when it cannot name them, and the ones no survey
// tells of in turn. All fields are guarded by Watcher.mu.
type crowd struct {
	*Watcher
	origin *origin
	wake   chan struct{} // one slot: something is due, or a worker is free

	active  bool
	workers int
	visits  int // workers busy
	surveys map[Scope]*survey

	urgent queue // due because they changed or are new
	sweep  queue // due because they may have changed
	ring   queue // polled in turn

	pollAt       time.Time // when the next may be polled
	sweepStarted time.Time // zero unless a sweep is under way
	sweepAt      time.Time // when the next may start
	failures     int       // of queries that were fine, in a row
	gateUntil    time.Time // no request before, as the source seems out
}

// member is the place of a query in its crowd.
type member struct {
	survey  *survey // nil if it is polled
	due     bool    // must be asked, again if a visit is under way
	urgent  bool    // and soon
	visited bool    // a worker is at it, or it rests after that
	pollAt  time.Time

	inUrgent, inSweep, inRing bool
}

// crowdOf returns the crowd of o and starts it if there was none. w.mu is held.
func (w *Watcher) crowdOf(ctx context.Context, o *origin) *crowd {
	if o.crowd == nil {
		c := &crowd{
			Watcher: w,
			origin:  o,
			wake:    make(chan struct{}, 1),
			surveys: make(map[Scope]*survey),
		}
		o.crowd = c
		w.tasks.Go(func() { c.run(ctx) })
	}
	o.crowd.active = true
	return o.crowd
}

// retire ends the surveys, as all members are about to leave. c.mu is held.
func (c *crowd) retire() {
	c.active = false
	for scope, s := range c.surveys {
		s.cancel()
		delete(c.surveys, scope)
	}
}

// run sends workers to what is due until ctx ends.
func (c *crowd) run(ctx context.Context) {
	for {
		visit, again := c.next(ctx)
		if visit != nil {
			c.tasks.Go(visit)
			continue
		}
		t := time.NewTimer(again)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-c.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

// join makes m a member, due at once if its answer is not known. c.mu is held.
func (c *crowd) join(m *watched, s *survey) {
	if m.crowd == c && m.member.survey == s {
		return
	}
	c.release(m)
	m.crowd, m.member = c, member{survey: s}
	if s == nil {
		c.poll(m)
	} else {
		m.mode = surveyed
		s.add(m)
		if s.state == surveyLost {
			c.poll(m)
		}
	}
	c.due(m, !m.entry.Known)
}

// leave ends the membership of m. c.mu is held.
func (c *crowd) leave(m *watched) {
	if s := m.member.survey; s != nil {
		s.remove(m)
	}
	m.crowd, m.member = nil, member{}
}

// due notes that m must be asked after this moment. c.mu is held.
func (c *crowd) due(m *watched, urgent bool) {
	m.vouch(time.Now())
	m.member.due = true
	m.member.urgent = m.member.urgent || urgent
	if s := m.member.survey; !m.member.visited && (s == nil || s.held.IsZero()) {
		c.enqueue(m)
	}
}

func (c *crowd) enqueue(m *watched) {
	switch {
	case m.member.urgent && !m.member.inUrgent:
		m.member.inUrgent = true
		c.urgent.push(m)
	case !m.member.urgent && !m.member.inSweep:
		m.member.inSweep = true
		c.sweep.push(m)
	}
	wake(c.wake)
}

// poll makes m one of those that are asked in turn. c.mu is held.
func (c *crowd) poll(m *watched) {
	m.mode = polled
	if !m.member.inRing {
		m.member.inRing = true
		c.ring.push(m)
	}
	wake(c.wake)
}

// next returns the visit to begin now, or how long to wait for one unless
// woken before.
func (c *crowd) next(ctx context.Context) (visit func(), again time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	workers := c.workers
	if c.failures >= gateAfter {
		workers = 1
	}
	if ctx.Err() != nil || c.visits >= workers {
		return nil, time.Hour // woken by the end of a visit
	}
	if now.Before(c.gateUntil) {
		return nil, c.gateUntil.Sub(now)
	}
	heldFor := c.endHolds(now)
	m := c.pick()
	if m == nil {
		sweepIn, pollIn := c.startSweeps(now), time.Duration(0)
		if m = c.pick(); m == nil {
			m, pollIn = c.pickPolled(now)
		}
		if m == nil {
			return nil, min(heldFor, sweepIn, pollIn)
		}
	}
	m.member.due, m.member.urgent, m.member.visited = false, false, true
	c.visits++
	visitCtx, cancel := context.WithCancel(ctx)
	m.cancel = cancel
	return func() {
		defer cancel()
		c.visit(visitCtx, m)
	}, 0
}

// pick takes the first due member. c.mu is held.
func (c *crowd) pick() *watched {
	m := c.first(&c.urgent, func(m *member) *bool { return &m.inUrgent })
	if m == nil {
		m = c.first(&c.sweep, func(m *member) *bool { return &m.inSweep })
	}
	return m
}

// first takes the first of a queue that still is due, and forgets those that
// left or were asked in the meantime. c.mu is held.
func (c *crowd) first(q *queue, queued func(*member) *bool) *watched {
	for m := range q.drain {
		in := queued(&m.member)
		if m.crowd != c || !*in {
			continue
		}
		*in = false
		if m.member.due && !m.member.visited {
			return m
		}
	}
	return nil
}

// pickPolled takes the member whose turn it is to be polled, or says when to
// look again. c.mu is held.
func (c *crowd) pickPolled(now time.Time) (m *watched, again time.Duration) {
	if now.Before(c.pollAt) {
		return nil, c.pollAt.Sub(now)
	}
	for range c.ring.len() {
		m := c.ring.pop()
		if m.crowd != c || !m.member.inRing {
			continue
		}
		if s := m.member.survey; s != nil && s.state != surveyLost {
			m.member.inRing = false
			continue
		}
		c.ring.push(m)
		if m.member.due || m.member.visited || now.Before(m.member.pollAt) {
			continue
		}
		c.pollAt = now.Add(c.pollInterval())
		return m, 0
	}
	if c.ring.len() == 0 {
		return nil, time.Hour
	}
	return nil, pollPace
}

// pollInterval is slow enough for the source while few are polled, and fast
// enough for each to have its turn within the wait of a blocking request.
func (c *crowd) pollInterval() time.Duration {
	n := time.Duration(c.ring.len())
	return min(max(pollPace, pollLeast/n), c.options.Wait/n)
}

// visit asks for m once and lets it rest as long as its pace or a failure
// demands. The worker is free before that.
func (c *crowd) visit(ctx context.Context, m *watched) {
	reply, err := c.ask(ctx, m, 0)
	c.freeWorker(ctx, m, err)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		if !c.retry(ctx, m, err) {
			return
		}
	default:
		c.accept(ctx, m, reply)
		if !Sleep(ctx, c.turn(m)) {
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	m.member.visited, m.cancel = false, nil
	switch {
	case err != nil:
		c.due(m, !m.entry.Known)
	case m.member.due: // a signal came during the visit
		c.enqueue(m)
	}
	if err == nil && reply.Index == 0 {
		m.member.pollAt = time.Now().Add(reply.Poll)
	}
}

// freeWorker ends the work of a visit and watches for an outage. Failures of
// queries that failed before tell nothing new about the source.
func (c *crowd) freeWorker(ctx context.Context, m *watched, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.visits--
	wake(c.wake)
	if ctx.Err() != nil {
		return
	}
	switch {
	case err == nil || isRefusal(err):
		if c.failures >= gateAfter {
			c.origin.recovered()
		}
		c.failures = 0
	case m.tries == 0:
		c.failures++
		if c.failures >= gateAfter {
			pause := min(c.options.Backoff.ceiling(c.failures-gateAfter+1), probePause)
			c.gateUntil = time.Now().Add(fullJitter(pause))
		}
	}
}

// openGate lets all workers go again. c.mu is held.
func (c *crowd) openGate() {
	if c.failures > 0 {
		c.failures, c.gateUntil = 0, time.Time{}
		wake(c.wake)
	}
}
