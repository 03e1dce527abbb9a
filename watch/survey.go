package watch

import (
	"context"
	"errors"
	"slices"
	"time"
)

// survey is one running [Surveyor.Survey] with the queries it tells of. All
// fields are guarded by Watcher.mu.
type survey struct {
	scope   Scope
	cancel  context.CancelFunc
	members map[string][]*watched // by service
	state   surveyState
	since   time.Time // when the state began
	pending bool      // a sweep is due
	// held, unless zero, is until when members wait for the survey's own answers
	// before they are asked for.
	held time.Time
}

type surveyState int

const (
	surveyStarting surveyState = iota
	surveyLive                 // nothing is missed
	surveyLost                 // its members are polled
)

// askCost is about what one request takes, of many at a time. Members wait for a
// survey to begin no longer than asking for them all would take.
const askCost = 500 * time.Microsecond

// errSurveyEnded is the error of a Survey that returned none.
var errSurveyEnded = errors.New("the survey ended")

func (s *survey) add(m *watched) {
	name := m.query.(Health).Service
	s.members[name] = append(s.members[name], m)
}

func (s *survey) remove(m *watched) {
	name := m.query.(Health).Service
	left := slices.DeleteFunc(s.members[name], func(o *watched) bool { return o == m })
	if len(left) == 0 {
		delete(s.members, name)
	} else {
		s.members[name] = left
	}
}

func (s *survey) enter(state surveyState) { s.state, s.since = state, time.Now() }

// all calls yield for each member until it returns false.
func (s *survey) all(yield func(*watched) bool) {
	for _, of := range s.members {
		for _, m := range of {
			if !yield(m) {
				return
			}
		}
	}
}

// keepSurveys makes the running surveys those of the scopes. The members of
// one that ends must be given another place. c.mu is held.
func (c *crowd) keepSurveys(ctx context.Context, scopes []Scope, sizes []int) {
	for scope, s := range c.surveys {
		if !slices.Contains(scopes, scope) {
			s.cancel()
			delete(c.surveys, scope)
		}
	}
	for i, scope := range scopes {
		if c.surveys[scope] != nil {
			continue
		}
		surveyCtx, cancel := context.WithCancel(ctx)
		s := &survey{scope: scope, cancel: cancel, members: make(map[string][]*watched)}
		c.surveys[scope] = s
		if _, ok := c.origin.source.(Collector); ok {
			s.held = time.Now().Add(time.Duration(sizes[i]) * askCost)
		}
		c.tasks.Go(func() { c.surveying(surveyCtx, s) })
	}
}

// surveying runs a survey until ctx ends, again and again if it fails.
func (c *crowd) surveying(ctx context.Context, s *survey) {
	for failures := 1; ; failures++ {
		renewed := c.renewal(c.origin)
		err := c.runSurvey(ctx, s)
		if ctx.Err() != nil {
			return
		}
		if c.lose(ctx, s, err) >= c.options.Wait {
			failures = 1
		}
		if !c.pauseAfter(c.origin, failures, err, renewed).rest(ctx) {
			return
		}
	}
}

func (c *crowd) runSurvey(ctx context.Context, s *survey) error {
	cost := MaxSurveyRequests * c.origin.cost()
	if err := c.budget.take(ctx, cost); err != nil {
		return err
	}
	defer c.budget.give(cost)
	changed := func(services map[string]struct{}) { c.hear(ctx, s, services) }
	var err error
	if source, ok := c.origin.source.(Collector); ok {
		err = source.Collect(ctx, s.scope, func(answer Answerer) { c.begin(ctx, s, answer) }, changed)
	} else {
		err = c.origin.source.(Surveyor).Survey(ctx, s.scope, changed)
	}
	if err == nil {
		return errSurveyEnded
	}
	return err
}

// begin takes in that nothing is missed from now on, with the answers there
// are.
func (c *crowd) begin(ctx context.Context, s *survey, answer Answerer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() == nil {
		c.goLive(s, answer)
	}
}

// hear takes in that services may have changed, or any if it is nil.
func (c *crowd) hear(ctx context.Context, s *survey, services map[string]struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case s.state != surveyLive:
		c.goLive(s, nil)
	case services == nil:
		s.pending = true
		wake(c.wake)
	default:
		for name := range services {
			for _, m := range s.members[name] {
				c.due(m, true)
			}
		}
	}
}

// goLive begins the time in which a survey misses nothing. What was asked
// before may have changed since, and is asked again unless it is answered.
// c.mu is held.
func (c *crowd) goLive(s *survey, answer Answerer) {
	if s.state == surveyLost {
		c.log.Info("survey running again", "scope", s.scope.String(), "after", time.Since(s.since).Round(time.Millisecond))
		c.origin.recovered()
	}
	for m := range s.all {
		m.mode = surveyed
	}
	s.enter(surveyLive)
	c.sweepNow(s)
	if answer != nil {
		for m := range s.all {
			c.answered(m, answer)
		}
	}
	c.letGo(s)
}

// answered takes in an answer that came without a request. One that is under way
// may bring an older answer: it is followed by another. c.mu is held.
func (c *crowd) answered(m *watched, answer Answerer) {
	if m.member.visited {
		return
	}
	if reply, ok := answer(m.query.(Health)); ok {
		m.member.due, m.member.urgent = false, false
		c.take(m, reply)
	}
}

// letGo has the members asked for that waited for the survey. c.mu is held.
func (c *crowd) letGo(s *survey) {
	if s.held.IsZero() {
		return
	}
	s.held = time.Time{}
	for m := range s.all {
		if m.member.due && !m.member.visited {
			c.enqueue(m)
		}
	}
}

// endHolds lets those go that have waited long enough, and returns when to look
// again. c.mu is held.
func (c *crowd) endHolds(now time.Time) (again time.Duration) {
	again = time.Hour
	for _, s := range c.surveys {
		switch {
		case s.held.IsZero():
		case now.Before(s.held):
			again = min(again, s.held.Sub(now))
		default:
			c.letGo(s)
		}
	}
	return again
}

// lose marks all that a failed survey told of as not confirmed and has them
// polled until it runs again. It returns how long it had been live.
func (c *crowd) lose(ctx context.Context, s *survey, err error) (lived time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil {
		return 0
	}
	was := s.state
	switch was {
	case surveyLost:
		return 0
	case surveyLive:
		lived = time.Since(s.since)
	}
	if !isTimeout(err) {
		for m := range s.all {
			m.vouch(time.Now())
		}
	}
	s.enter(surveyLost)
	s.pending = false
	c.letGo(s)
	c.log.Warn("survey failing, its services are polled", "scope", s.scope.String(), "services", len(s.members), "err", err)
	for m := range s.all {
		if m.entry.Err == nil && (was == surveyLive || !m.entry.Known) {
			c.doubt(m, err)
		}
		c.poll(m)
	}
	return lived
}

// startSweeps is called when nothing is due. It starts the pending sweeps if
// they may start, and returns when to look again. A source whose survey never knows what changed would otherwise
// be swept without end. c.mu is held.
func (c *crowd) startSweeps(now time.Time) (again time.Duration) {
	if !c.sweepStarted.IsZero() {
		c.sweepAt = now.Add(max(sweepLeast, sweepRest*now.Sub(c.sweepStarted)))
		c.sweepStarted = time.Time{}
	}
	again = time.Hour
	for _, s := range c.surveys {
		switch {
		case !s.pending:
		case now.Before(c.sweepAt):
			again = c.sweepAt.Sub(now)
		default:
			c.sweepNow(s)
		}
	}
	return again
}

// sweepNow makes all of a survey's members due. c.mu is held.
func (c *crowd) sweepNow(s *survey) {
	s.pending = false
	if c.sweepStarted.IsZero() {
		c.sweepStarted = time.Now()
	}
	for m := range s.all {
		c.due(m, false)
	}
	wake(c.wake)
}
