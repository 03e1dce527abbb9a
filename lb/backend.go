package lb

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// merge joins the declarations of a pool, nil if there is none.
func (b *backend) merge() *tags.Pool {
	if b.merged != nil || len(b.by) == 0 {
		return b.merged
	}
	by := b.by
	if b.name.dialect != tags.File && slices.ContainsFunc(by, isClaimed) {
		by = slices.DeleteFunc(slices.Clone(by), func(p *tags.Pool) bool { return !isClaimed(p) })
	}
	if len(by) == 1 && by[0].Composed == nil {
		b.merged = by[0] // the endpoints of a definition are distinct
		return b.merged
	}
	best := bestPool(by)
	p := *best
	for _, other := range by {
		if other != best {
			p.Policy = cmp.Or(p.Policy, other.Policy)
			p.Endpoints = slices.Concat(p.Endpoints, other.Endpoints)
		}
	}
	p.Endpoints = distinct(p.Endpoints)
	if p.Composed != nil {
		p.Endpoints = nil
	}
	b.merged = &p
	return b.merged
}

// bestPool is the declaration that counts for the pool as a whole.
func bestPool(by []*tags.Pool) *tags.Pool {
	best := by[0]
	for _, p := range by[1:] {
		if rank(p.Broken == "", p.Origin, best.Broken == "", best.Origin) > 0 {
			best = p
		}
	}
	return best
}

func isClaimed(p *tags.Pool) bool { return p.Origin.Claimed }

// conflicts are the problems of services that would join a pool of which others
// have hosts reserved, and of those that join it with other options.
func (b *backend) conflicts() (problems []tags.Problem) {
	if len(b.by) < 2 || b.name.dialect == tags.File {
		return nil
	}
	best := bestPool(b.by)
	for _, p := range b.by {
		problem := tags.Problem{Service: p.Service, Offset: -1}
		switch {
		case best.Origin.Claimed && !isClaimed(p):
			problem.Reason = fmt.Sprintf("the service %s of service %s has reserved hosts: the instances get no requests for it", plainPool(p.Name), best.Service)
			problem.Hint = "another name for this service's own"
		case b.name.dialect == tags.Traefik && !hasOptionsOf(p, best):
			problem.Reason = fmt.Sprintf("service %s declares the service %s with other options, which count", best.Service, plainPool(p.Name))
			problem.Hint = "the instances of both get its requests"
			if best.Composed != nil {
				problem.Hint = "it is composed of others, and has no instances of its own"
			}
		default:
			continue
		}
		problems = append(problems, problem)
	}
	return problems
}

// hasOptionsOf reports whether two declarations of a pool differ in their instances
// alone.
func hasOptionsOf(a, b *tags.Pool) bool {
	return a.Broken == b.Broken && a.PassHost == b.PassHost && a.ProxyProtocol == b.ProxyProtocol && reflect.DeepEqual(a.Balance, b.Balance) &&
		reflect.DeepEqual(a.Composed, b.Composed) && slices.Equal(a.Middlewares, b.Middlewares)
}
