package lb

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/probe"
	"github.com/sluiceproxy/sluice/lb/sorted"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// faultsEvery is how often what middlewares depend on is looked at.
const faultsEvery = 3 * time.Second

// follow keeps the table up with the catalog until ctx ends.
func (s *Server) follow(ctx context.Context) {
	wants := s.watcher.Register("lb")
	defer wants.Close()
	var built, inForce *Table
	impatient := time.NewTimer(s.options.Patience)
	defer impatient.Stop()
	// anew is set until a table has been put in force that was built by the options
	// that count now: whatever is in force till then is better than half of it.
	patient, overdue, anew := true, false, true
	attention := time.NewTimer(s.builder.guard.Rest(time.Now()))
	defer attention.Stop()
	faults := time.NewTicker(faultsEvery)
	defer faults.Stop()
	for {
		snapshot := s.watcher.Snapshot()
		if built == nil || built.Generation() != snapshot.Generation() || overdue {
			s.tellCertificates()
			table := s.build(snapshot)
			s.logProblems(built, table)
			s.logMoves(s.builder.roster.TakeMoves())
			s.logGuard(s.builder.guard.State())
			built, overdue = table, false
			attention.Reset(s.builder.guard.Rest(time.Now()))
		}
		// Afterwards: what was built may ask for what stands in for the lost.
		if queries, changed := s.builder.Wants(snapshot); changed {
			wants.Set(queries...)
		}
		if inForce != built && (!anew || built.Complete() || !patient && built.Settled()) {
			s.put(built)
			inForce, anew = built, false
		}
		select {
		case <-ctx.Done():
			return
		case <-wants.Changed():
		case <-attention.C:
			overdue = true
		case <-faults.C:
			mended, issued := s.builder.linker.recheck(), s.recheckCertificates()
			overdue = built != nil && (mended || issued)
		case o := <-s.rebuild:
			s.rebuildBy(o)
			overdue, anew, patient = true, true, true
			impatient.Reset(s.options.Patience)
		case <-s.letGo:
			s.builder.guard.Release(time.Now())
			overdue = true
		case <-impatient.C:
			// One service that cannot be read must not hold up the others for ever.
			patient = false
		}
	}
}

// logGuard takes note of the guard's state, and tells when it begins to hold and
// when it lets go.
func (s *Server) logGuard(now guard.State) {
	was := s.GuardState()
	s.guarded.Store(&now)
	switch {
	case now.Holding && !was.Holding:
		s.log.Error("most instances are gone at once, which is not believed: they are kept",
			"instances", now.Instances, "services", len(now.Held), "until", now.Until.Format(time.RFC3339),
			"hint", "if they are gone indeed, let go: POST /api/guard/release")
	case was.Holding && !now.Holding:
		s.log.Warn("lost instances are kept no longer", "were_kept", was.Instances, "after", time.Since(was.Since).Round(time.Millisecond))
	}
}

// GuardState is a view of what the guard holds. It may be called at any time.
func (s *Server) GuardState() guard.State {
	if state := s.guarded.Load(); state != nil {
		return *state
	}
	return guard.State{}
}

// ReleaseGuard has the guard believe the loss of what it holds. It reports
// whether it held anything.
func (s *Server) ReleaseGuard() bool {
	if !s.GuardState().Holding {
		return false
	}
	select {
	case s.letGo <- struct{}{}:
	default: // asked already
	}
	return true
}

// put puts a table in force. The first one must be complete, or be all that can
// be had: until then a request could be taken by the wrong route for want of
// the right one.
func (s *Server) put(table *Table) {
	old := s.table.Load()
	gone, come := sorted.Differences(old.Routes(), table.Routes(), func(a, b *Route) bool { return a == b }, compareRoutes)
	s.metrics.attach(gone, come)
	goneTCP, comeTCP := sorted.Differences(old.TCPRoutes(), table.TCPRoutes(), func(a, b *TCPRoute) bool { return a == b }, compareTCPRoutes)
	s.metrics.tcp.attach(goneTCP, comeTCP)
	s.table.Store(table)
	s.orderCertificates(gone, come, goneTCP, comeTCP)
	s.metrics.rebuilds.Add(1)
	s.metrics.rebuilt.Store(time.Now().UnixNano())
	s.targets.Replace(pools(gone, goneTCP...), pools(come, comeTCP...))
	s.prober.Replace(probed(gone, goneTCP), probed(come, comeTCP))
	routes := len(table.Routes()) + len(table.TCPRoutes())
	if old == nil {
		s.log.Info("routing", "routes", routes, "problems", len(table.Problems()))
		return
	}
	s.logRoutes(routeNamesOf(gone, goneTCP), routeNamesOf(come, comeTCP), routes)
}

// withVias are routes, and the further ways they have to pools.
func withVias(routes []*Route) []*Route {
	all := slices.Clone(routes)
	for _, r := range routes {
		all = append(all, r.vias...)
	}
	return all
}

func pools(routes []*Route, tcp ...*TCPRoute) iter.Seq[*target.Pool] {
	return func(yield func(*target.Pool) bool) {
		for _, r := range tcp {
			if !yield(r.Pool) {
				return
			}
			for _, part := range r.parts {
				if !yield(part.Pool) {
					return
				}
			}
		}
		for _, r := range withVias(routes) {
			if !yield(r.Pool) {
				return
			}
		}
	}
}

// probed are the pools of routes that have a health check.
func probed(routes []*Route, tcp []*TCPRoute) (all []probe.Pool) {
	for _, r := range withVias(routes) {
		if health := r.health(); health != nil {
			all = append(all, probe.Pool{Pool: r.Pool, Health: health, Proxy: r.proxy()})
		}
	}
	for _, r := range tcp {
		all = append(all, r.probed...)
	}
	return all
}

// logRoutes tells which routes came and went, by name for a few. A route that
// changed did neither.
func (s *Server) logRoutes(before, after map[routeKey]bool, routes int) {
	added, removed := missing(after, before), missing(before, after)
	if len(added)+len(removed) == 0 {
		return
	}
	if silent, ok := s.changes.take(); ok {
		s.log.Info("routes changed", withSilent(silent, "added", len(added), "removed", len(removed), "routes", routes,
			"new", few(added), "gone", few(removed))...)
	}
}

// withSilent are the attributes of a line, with how many like it were not written.
func withSilent(silent int, attrs ...any) []any {
	if silent > 0 {
		attrs = append(attrs, "more_like_this", silent)
	}
	return attrs
}

// routeNamesOf are the names of routes, but for those that tags did not ask for.
func routeNamesOf(routes []*Route, tcp []*TCPRoute) map[routeKey]bool {
	all := keys(routes)
	for _, r := range tcp {
		if !r.Implied {
			all[routeKey{string(r.Dialect), r.Name, r.Service}] = true
		}
	}
	return all
}

// missing lists the names of what is in a but not in b, sorted.
func missing(a, b map[routeKey]bool) []string {
	var names []string
	for key := range a {
		if !b[key] {
			names = append(names, key.route)
		}
	}
	slices.Sort(names)
	return names
}

func few(names []string) string {
	const shown = 5
	if len(names) > shown {
		return strings.Join(names[:shown], " ") + " …"
	}
	return strings.Join(names, " ")
}

// logProblems tells of each problem when it appears, and of too many that they are
// listed elsewhere.
func (s *Server) logProblems(before, table *Table) {
	_, come := sorted.Differences(before.Problems(), table.Problems(), func(a, b tags.Problem) bool { return a == b }, compareProblems)
	told := map[string]bool{}
	for _, p := range come {
		text := p.Error()
		if told[text] || isKnown(before.Problems(), p) {
			continue
		}
		told[text] = true
		silent, ok := s.problems.take()
		if ok {
			s.log.Warn("problem in the catalog", withSilent(silent, "service", p.Service, "source", p.Source, "tag", p.Tag, "route", p.Route,
				"reason", p.Reason, "hint", p.Hint, "node", p.Node, "instance", p.Instance)...)
		}
		if s.problems.silent == 1 {
			s.log.Warn("so many problems that not all are logged", "hint", "sluice routes and /api/problems list them")
		}
	}
}

// isKnown reports whether there is the same problem, if of other instances.
func isKnown(problems []tags.Problem, p tags.Problem) bool {
	first := p
	first.Node, first.Instance, first.Instances = "", "", 0
	i, _ := slices.BinarySearchFunc(problems, first, compareProblems)
	return i < len(problems) && problems[i].Error() == p.Error()
}
