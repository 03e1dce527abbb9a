package watch

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	reportPause = 200 * time.Millisecond // what happens together is told together
	reportEach  = 10                     // more queries than this share a line
	reportLate  = 10 * time.Second       // after an outage, until those that still fail are told
)

// reporting tells the log when queries begin and cease to fail, until ctx
// ends. It compares what is with what it told last, so that each change of
// state is one line, an outage is one line for all queries of its source, and
// what lasts less than reportPause is none.
func (w *Watcher) reporting(ctx context.Context) {
	late := time.NewTimer(time.Hour)
	defer late.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.unreported:
		case <-late.C:
		}
		if !Sleep(ctx, reportPause) {
			return
		}
		if w.report() {
			late.Reset(reportLate)
		}
	}
}

// told is what the log knows of a query.
type told int

const (
	toldFine    told = iota
	toldWithAll      // as one of an outage
	toldFailing
)

// news is what there is to tell of one source's queries.
type news struct{ failing, recovered []*watched }

// report tells the news and returns whether to look again later.
func (w *Watcher) report() (later bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for _, o := range w.origins {
		later = w.reportOrigin(o, now) || later
	}
	of := make(map[*origin]*news)
	for _, m := range w.watched {
		w.collect(of, m, now)
	}
	for _, n := range of {
		w.tell(n, now)
	}
	return later
}

// reportOrigin tells the begin and the end of an outage. w.mu is held.
func (w *Watcher) reportOrigin(o *origin, now time.Time) (later bool) {
	out := o.failing > 1 && o.out()
	switch {
	case out && o.outSince.IsZero():
		o.outSince = now
		w.log.Warn("source unreachable", "source", o.name(), "queries", o.failing, "err", w.sample(o))
	case !out && !o.outSince.IsZero():
		w.log.Info("source reachable again", "source", o.name(), "after", now.Sub(o.outSince).Round(time.Millisecond))
		o.outSince, o.backSince = time.Time{}, now
		return o.failing > 0
	}
	return false
}

// sample is the error of one query of o that fails. w.mu is held.
func (w *Watcher) sample(o *origin) error {
	for _, m := range w.watched {
		if m.origin == o && kindOf(m.entry.Err) == failOutage {
			return m.entry.Err
		}
	}
	return nil
}

// collect adds m to the news if its state is not what was told. w.mu is held.
func (w *Watcher) collect(of map[*origin]*news, m *watched, now time.Time) {
	n := of[m.origin]
	if n == nil {
		n = new(news)
		of[m.origin] = n
	}
	o, failing := m.origin, m.entry.Err != nil
	outage := o != nil && kindOf(m.entry.Err) == failOutage
	switch {
	case !failing && m.told == toldFailing:
		n.recovered = append(n.recovered, m)
		m.told = toldFine
	case !failing:
		m.told = toldFine
	case m.told == toldFailing:
	case outage && !o.outSince.IsZero():
		m.told, m.toldSince = toldWithAll, m.since
	case outage && m.told == toldWithAll && now.Sub(o.backSince) < reportLate:
	default:
		n.failing = append(n.failing, m)
		m.told, m.toldSince = toldFailing, m.since
	}
}

// tell logs the news, many queries in one line. w.mu is held.
func (w *Watcher) tell(n *news, now time.Time) {
	if len(n.failing) > reportEach {
		first := n.failing[0]
		w.log.Warn("queries failing", "queries", len(n.failing), "for_example", first.query.String(), "err", first.entry.Err)
	} else {
		for _, m := range n.failing {
			w.log.Warn("query failing", "query", m.query.String(), "err", m.entry.Err,
				"attempt", m.tries, "retry_in", m.retryIn(now))
		}
	}
	if len(n.recovered) > reportEach {
		w.log.Info("queries answered again", "queries", len(n.recovered))
		return
	}
	for _, m := range n.recovered {
		after := now.Sub(m.toldSince).Round(time.Millisecond)
		w.log.Info("query answered again", "query", m.query.String(), "after", after)
	}
}

func (m *watched) retryIn(now time.Time) time.Duration {
	return max(0, m.retryAt.Sub(now)).Round(time.Millisecond)
}

// name is what the log calls the source: the package it comes from, and its
// address if it has one.
func (o *origin) name() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(fmt.Sprintf("%T", o.source), "*"), ".")
	if at, ok := o.source.(interface{ Address() string }); ok {
		name += " " + at.Address()
	}
	return name
}
