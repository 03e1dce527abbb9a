package consul

import (
	"context"
	"fmt"
	"time"
)

// lookout watches one kind of thing by one blocking request.
type lookout struct {
	survey  *survey
	trigger call
	rungs   []*rung
	// sweeps is whether a wake that no rung can explain means that any service
	// may have changed.
	sweeps bool

	index     uint64    // of the last wake
	woke      answer    // the last answer to the trigger
	newest    uint64    // highest index of a change that was named
	unnamed   bool      // the rungs have not found what moved the index last
	wakes     int       // since the last rung looked
	events    int       // that looks have named since
	all       bool      // a rung found that any service may have changed
	nextSweep time.Time // before this, that is not reported again
}

// rung is one way to find out what changed.
type rung struct {
	look   func(context.Context, answer) (finding, error)
	due    bool
	paid   time.Time // until when the looks so far must last
	next   time.Time // not before this
	proof  time.Time // nor before this if all is explained
	covers uint64    // the last look saw all that happened up to this index
}

// pay spaces looks, of which one has just ended: each must last for a multiple of
// its cost, but a few after a quiet time need not wait.
func (r *rung) pay(start time.Time, o surveyOptions) {
	cost := time.Since(start)
	if r.paid.Before(start) {
		r.paid = start
	}
	r.paid = r.paid.Add(cost + o.rest(cost))
	r.next = r.paid.Add(-o.burst)
	r.proof = start.Add(cost + min(o.proof*o.rest(cost), o.most))
}

// ready is when a rung may look. The last one has time where the others have
// named what woke the lookout: it only proves that nothing else happened.
func (l *lookout) ready(i int) time.Time {
	r := l.rungs[i]
	if i > 0 && i == len(l.rungs)-1 && !l.unnamed && r.proof.After(r.next) {
		return r.proof
	}
	return r.next
}

// begin says up to which index all was seen before the first look, and the
// highest of what was.
func (l *lookout) begin(covers, newest uint64) {
	for _, r := range l.rungs {
		r.covers = covers
	}
	l.newest = newest
}

// watch waits and looks until ctx ends or a request fails.
func (l *lookout) watch(ctx context.Context) error {
	for {
		resting := l.resting()
		woke, err := l.block(ctx)
		if err != nil {
			return err
		}
		if woke {
			l.woken()
		} else if !resting {
			for _, r := range l.rungs {
				r.due = true // a wait that ended is no proof: look all the same
			}
		}
		if err := l.climb(ctx); err != nil {
			return err
		}
	}
}

// woken makes those rungs due that have not seen what moved the index yet.
func (l *lookout) woken() {
	l.wakes++
	for i, r := range l.rungs {
		if r.covers >= l.index {
			continue
		}
		r.due = true
		if i == len(l.rungs)-1 && l.newest < l.index {
			l.unnamed = true
		}
	}
}

// block waits for the trigger's index to move, but no longer than until the
// next rung is rested.
func (l *lookout) block(ctx context.Context) (woke bool, err error) {
	q := l.trigger
	q.index, q.wait = l.index, l.wait()
	if l.index > 0 && q.wait <= 0 {
		return false, nil
	}
	a, err := l.survey.source.client.get(ctx, q)
	switch {
	case err != nil:
		return false, err
	case a.index == 0:
		return false, fmt.Errorf("GET %s%s: the answer lacks X-Consul-Index", l.survey.source.client.address.shown, q.path)
	case a.index < l.index:
		// The servers lost their state, so our comparisons are void. The caller
		// starts over.
		return false, fmt.Errorf("GET %s%s: the index went back from %d to %d", l.survey.source.client.address.shown, q.path, l.index, a.index)
	}
	woke = a.index != l.index
	l.index, l.woke = a.index, a
	return woke, nil
}

func (l *lookout) wait() time.Duration {
	wait := l.survey.options.wait
	for i, r := range l.rungs {
		if r.due {
			wait = min(wait, time.Until(l.ready(i)))
		}
	}
	if l.sweepDue() {
		wait = min(wait, time.Until(l.nextSweep))
	}
	return wait
}

// resting is whether something waits for its pace.
func (l *lookout) resting() bool {
	for _, r := range l.rungs {
		if r.due {
			return true
		}
	}
	return l.sweepDue()
}

// climb runs the rungs that are due and rested.
func (l *lookout) climb(ctx context.Context) error {
	for i, r := range l.rungs {
		start := time.Now()
		if !r.due || start.Before(l.ready(i)) {
			continue
		}
		found, err := r.look(ctx, l.woke)
		if err != nil {
			return err
		}
		r.due, r.covers = false, found.covers
		r.pay(start, l.survey.options)
		l.explain(found)
		if i == len(l.rungs)-1 {
			l.wakes, l.events = 0, 0
		}
		names, err := l.survey.names(ctx, found)
		if err != nil {
			return err
		}
		if names == nil {
			l.all = true
			continue
		}
		l.survey.report(names)
	}
	if l.sweepDue() && !time.Now().Before(l.nextSweep) {
		cost := time.Duration(l.survey.count()) * l.survey.options.sweep
		l.nextSweep = time.Now().Add(l.survey.options.rest(cost))
		l.unnamed, l.all = false, false
		l.survey.report(nil)
	}
	return nil
}

// explain decides whether the last change that a look saw was among what it
// found. What is gone has no index any more: it is taken for that change only
// if there were as many changes named as wakes.
func (l *lookout) explain(found finding) {
	l.newest = max(l.newest, found.newest)
	l.events += found.gone + len(found.indexes)
	switch {
	case l.newest >= max(l.index, found.covers):
		l.unnamed = false
	case found.covers > l.index:
		l.unnamed = true // that wake is yet to come, but nothing will be left to see
	case found.gone > 0 && l.wakes <= l.events:
		l.unnamed = false
	}
}

// sweepDue is whether all rungs ran and any service may have changed: a rung
// found so, or none found what moved the index, as when a service was
// registered and deregistered between two looks and may have been seen then.
func (l *lookout) sweepDue() bool {
	for _, r := range l.rungs {
		if r.due {
			return false
		}
	}
	return l.all || l.sweeps && l.unnamed
}
