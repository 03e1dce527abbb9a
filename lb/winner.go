package lb

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// winner is the definition of a route that counts, and the problems of those
// that say something else.
func (w *wanted) winner() (winner *tags.Route, problems []tags.Problem) {
	for _, r := range w.by {
		if winner == nil || r.Origin.Compare(winner.Origin) > 0 {
			winner = r
		}
	}
	for _, r := range w.by {
		if r != winner && !same(winner, r) {
			problems = append(problems, r.Problem(fmt.Sprintf("service %s asks for a route of the same name in another way, which counts", winner.Service), ""))
		}
	}
	return winner, problems
}

// same reports whether two routes of one name do the same, or are both served.
func same(a, b *tags.Route) bool {
	switch a.Dialect {
	case tags.Fabio:
		return a.Pool == b.Pool || areVariants(&a.Declaration, &b.Declaration) // the pool tells of all options
	case tags.Traefik1:
		return a.Service == b.Service
	}
	return a.Rule == b.Rule && a.Match.String() == b.Match.String() && a.Precedence == b.Precedence && a.Pool == b.Pool &&
		a.TLSOptions() == b.TLSOptions() && a.CertResolver() == b.CertResolver() && slices.Equal(a.CertDomains(), b.CertDomains()) && a.Unlogged == b.Unlogged && a.Uncounted == b.Uncounted &&
		a.Traced == b.Traced && a.TracedSteps == b.TracedSteps &&
		slices.Equal(a.Entrypoints, b.Entrypoints) && slices.Equal(a.Middlewares, b.Middlewares)
}

// winner is the definition of a middleware that counts, nil if there is none.
func (m *middleware) winner() (winner *tags.Middleware) {
	for _, d := range m.by {
		if winner == nil || rank(d.Broken == "", d.Origin, winner.Broken == "", winner.Origin) > 0 {
			winner = d
		}
	}
	return winner
}

// rank is positive if the first of two declarations goes before the second: a
// sound one before one that is broken, unless that one's hosts are reserved.
func rank(aSound bool, a tags.Origin, bSound bool, b tags.Origin) int {
	if a.Claimed != b.Claimed || aSound == bSound {
		return a.Compare(b)
	}
	if aSound {
		return 1
	}
	return -1
}

// winnerFor is that which counts for the routes of a service: its own, if it has a
// sound one. What others declare by the same name is not to change what it does.
func (m *middleware) winnerFor(service string) *tags.Middleware {
	for _, d := range m.by {
		if d.Service == service && d.Broken == "" {
			return d
		}
	}
	return m.winner()
}

// conflicts are the problems of the definitions that do not count.
func (m *middleware) conflicts() (problems []tags.Problem) {
	winner := m.winner()
	for _, d := range m.by {
		if d != winner && (winner.Broken != d.Broken || !reflect.DeepEqual(winner.Spec, d.Spec)) {
			problems = append(problems, tags.Problem{
				Service: d.Service, Offset: -1,
				Reason: fmt.Sprintf("service %s declares middleware %s in another way, which counts", winner.Service, d.Name),
				Hint:   "the service's own routers go through its own",
			})
		}
	}
	return problems
}
