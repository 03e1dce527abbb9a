package lb

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/target"
)

// follow keeps the table up with the catalog until ctx ends.
func (s *Server) follow(ctx context.Context) {
	wants := s.watcher.Register("lb")
	defer wants.Close()
	var prev *Table
	problems := map[string]bool{}
	impatient := time.NewTimer(s.options.Patience)
	defer impatient.Stop()
	patient := true
	for {
		snapshot := s.watcher.Snapshot()
		wants.Set(WantedQueries(snapshot, s.options.Table)...)
		if prev == nil || prev.Generation() != snapshot.Generation() {
			prev = s.build(prev, snapshot, s.options.Table, s.targets)
			problems = s.logProblems(prev, problems)
		}
		inForce := s.table.Load()
		if inForce != prev && (inForce != nil || prev.Complete() || !patient && prev.Settled()) {
			s.put(prev)
		}
		select {
		case <-ctx.Done():
			return
		case <-wants.Changed():
		case <-impatient.C:
			// One service that cannot be read must not hold up the others for ever.
			patient = false
		}
	}
}

// put puts a table in force. The first one must be complete, or be all that can
// be had: until then a request could be taken by the wrong route for want of
// the right one.
func (s *Server) put(table *Table) {
	s.metrics.attach(table.Routes())
	old := s.table.Swap(table)
	s.metrics.rebuilds.Add(1)
	s.targets.Keep(pools(table))
	s.logRoutes(old, table)
}

func pools(t *Table) func(func(*target.Pool) bool) {
	return func(yield func(*target.Pool) bool) {
		for _, r := range t.Routes() {
			if !yield(r.Pool) {
				return
			}
		}
	}
}

// logRoutes tells which routes came and went, by name for a few.
func (s *Server) logRoutes(old, table *Table) {
	if old == nil {
		s.log.Info("routing", "routes", len(table.Routes()), "problems", len(table.Problems()))
		return
	}
	before, after := routeKeys(old), routeKeys(table)
	added, removed := missing(after, before), missing(before, after)
	if len(added)+len(removed) > 0 {
		s.log.Info("routes changed", "added", len(added), "removed", len(removed), "routes", len(table.Routes()),
			"new", few(added), "gone", few(removed))
	}
}

func routeKeys(t *Table) map[routeKey]bool {
	keys := make(map[routeKey]bool, len(t.Routes()))
	for _, r := range t.Routes() {
		keys[keyOf(r)] = true
	}
	return keys
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

// logProblems tells of each problem when it appears, and returns those there
// are.
func (s *Server) logProblems(table *Table, known map[string]bool) map[string]bool {
	now := make(map[string]bool, len(table.Problems()))
	for _, p := range table.Problems() {
		text := p.Error()
		if !known[text] && !now[text] {
			s.log.Warn("problem in the catalog", "service", p.Service, "tag", p.Tag, "route", p.Route,
				"reason", p.Reason, "hint", p.Hint, "node", p.Node, "instance", p.Instance)
		}
		now[text] = true
	}
	return now
}
