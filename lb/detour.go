package lb

import (
	"slices"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/target"
)

// detour lets an exchange go the way of another variant of its route when all targets
// of the first one that were tried have failed: from the beginning, for each variant
// has steps of its own.
type detour struct {
	by   *variants
	was  Checkpoint // before the first one
	gone []*Route
	next *target.Target // where it goes after the way it is on now, nil if that was the last
}

// begin notes how the exchange is before it goes any of the ways.
func (v *variants) begin(x *Exchange) *detour {
	d, ok := v.detours.Get().(*detour)
	if !ok {
		d = &detour{by: v}
	}
	d.was, d.gone, d.next = x.CheckpointInto(d.was), d.gone[:0], nil
	x.detour = d
	return d
}

// end has the next exchange use its memory.
func (d *detour) end() {
	d.was = Checkpoint{header: d.was.header}
	d.by.detours.Put(d)
}

// wanted reports whether another variant is to serve the exchange, which the one that
// did has not answered: where that failed, and why, are given. What has steps that took
// the body for themselves cannot begin again.
func (d *detour) wanted(x *Exchange, failed *target.Target, err *h1.SendError) bool {
	if d == nil || d.by.of[failed] != x.Route || x.Body != d.was.body ||
		x.ctx.Err() != nil || x.limit.isOver() || !isRetriable(&x.call, err) {
		return false
	}
	d.gone = append(d.gone, x.Route)
	if len(d.gone) >= x.Route.attempts() {
		return false
	}
	d.next = x.Route.Pool.PickOf(func(t *target.Target) bool {
		return !slices.Contains(d.gone, d.by.of[t]) && d.by.takes(t, &d.was.request)
	})
	if d.next != nil && err.Progress > h1.NothingSent && !x.TakeRetry() {
		d.next = nil
	}
	return d.next != nil
}

// take takes the exchange back to where the ways part, and returns where it goes on;
// nil if it was served.
func (d *detour) take(x *Exchange) (next *target.Target) {
	if next, d.next = d.next, nil; next == nil {
		return nil
	}
	x.Rewind(d.was)
	x.Outcome.Retries++
	return next
}
