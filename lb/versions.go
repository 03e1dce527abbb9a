package lb

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// maxVersions bounds how many declarations of one name count.
const maxVersions = 9

// declared is a [tags.Route] or a [tags.TCPRoute].
type declared interface{ Declared() *tags.Declaration }

// bestFirst are the declarations of one name that count, the best one first.
func bestFirst[R declared](by []R) []R {
	by = slices.Clone(by)
	slices.SortStableFunc(by, func(a, b R) int { return b.Declared().Origin.Compare(a.Declared().Origin) })
	return by[:min(len(by), maxVersions)]
}

// versions makes the routes of a name that is declared in several ways, as it is
// while a new version of a service takes the place of an old one. The best of
// those that can be served counts. The others are served beside it as far as that
// can be: requests that only they ask for are theirs, and each instance is sent
// requests as its own tags say.
func (l *linker) versions(w *wanted) []*httpLink {
	by := bestFirst(w.by)
	var all, served []*httpLink
	for i, definition := range by {
		wanted := definition
		if i > 0 {
			wanted = l.beside(by[0], definition, served)
		}
		k := l.newHTTPLink(wanted)
		k.declared = definition
		all = append(all, k)
		switch {
		case !k.make():
			for i := range k.problems {
				k.problems[i].Route = definition.Name
			}
		case len(served) == 0 || served[0].accepts(k):
			served = append(served, k)
		default:
			k.problems = append(k.problems, disagreeing(&served[0].declared.Declaration, &definition.Declaration, ""))
		}
	}
	l.settleVersions(all, served)
	return all
}

// beside is a definition under a name of its own, by which the best one is not to
// be called. It goes behind that one where both match.
func (l *linker) beside(best, d *tags.Route, served []*httpLink) *tags.Route {
	if len(served) == 0 {
		return d // nothing before it can be served
	}
	own := *d
	own.Name = nameBeside(d.Name, d.Match.String(), d.Entrypoints, d.Middlewares, d.Pool, d.Service)
	own.Precedence.Name = own.Name
	own.Precedence.Priority = min(d.Precedence.Priority, served[0].wanted.Precedence.Priority)
	if options := served[0].wanted.TLSOptions(); options != "" && d.TLSOptions() != "" || asksForTLS(d.Match) && asksForTLS(best.Match) {
		own.TLS = tags.NewTLS(options, d.CertResolver(), d.CertDomains()) // of one host, only one can count
	}
	return &own
}

// nameBeside is the name of a declaration beside the best one. It is of what the
// declaration asks for, so that it does not change as others come and go. No two
// have the same, not even by malice: an index tells routes apart by it.
func nameBeside(name string, asked ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", asked))
	return fmt.Sprintf("%s~%x", name, sum[:8])
}

// accepts reports whether another declaration may be served beside the best one:
// not if a stranger asks for what a service has hosts reserved for.
func (k *httpLink) accepts(other *httpLink) bool {
	return k.wanted.Origin.Claimed == other.wanted.Origin.Claimed
}

// settleVersions decides what becomes of the versions that can be served, the best
// first. What the others do not get, they are told.
func (l *linker) settleVersions(all, served []*httpLink) {
	sharing := sharingWith(served)
	var routes []*httpLink // which the table has
	for _, k := range served {
		isNew := !slices.ContainsFunc(routes, func(other *httpLink) bool { return asksAs(k.asked, other.asked) })
		hint := "requests that only this declaration asks for are served as well"
		switch {
		case isNew:
			routes = append(routes, k)
		case slices.Contains(sharing, k):
			hint = "its instances are sent requests as their own tags say"
		default:
			hint = ""
		}
		if k != served[0] && !same(served[0].declared, k.declared) {
			k.problems = append(k.problems, disagreeing(&served[0].declared.Declaration, &k.declared.Declaration, hint))
		}
	}
	if len(sharing) > 1 {
		divideAmong(sharing, routes)
	}
	var inUse []used
	for _, k := range routes {
		inUse = append(inUse, k.uses...)
	}
	for _, k := range all {
		if !slices.Contains(routes, k) {
			k.made = nil
			k.letGo(inUse)
		}
	}
}

// asksAs reports whether two definitions are for the same requests or connections.
func asksAs(a, b *tags.Declaration) bool {
	return slices.Equal(a.Entrypoints, b.Entrypoints) && (a.Match == nil) == (b.Match == nil) && (a.Match == nil || a.Match.String() == b.Match.String())
}

// disagreeing tells of a declaration that is not the one that counts.
func disagreeing(winner, d *tags.Declaration, hint string) tags.Problem {
	reason := fmt.Sprintf("service %s asks for a route of the same name in another way, which counts", winner.Service)
	if winner.Service == d.Service {
		reason = fmt.Sprintf("router %s is declared differently by other instances of the service, which count", winner.Name)
	}
	p := d.Problem(reason, hint)
	if hint != "" {
		p.Route = "" // it is served
	}
	return p
}

// sharingWith are the versions whose instances are in one pool, each of which is
// known to have one of them.
func sharingWith(served []*httpLink) (sharing []*httpLink) {
	for _, k := range served {
		if k.wanted.Pool == served[0].wanted.Pool && len(k.wanted.Owners) > 0 && k.last == Handler(lastHandler{}) {
			sharing = append(sharing, k)
		}
	}
	return sharing
}

// divideAmong has a request's target picked before its way: of those whose version
// asks for the request, whose tags then say what becomes of it. Instances that
// declare none of the versions go by the best.
func divideAmong(sharing, routes []*httpLink) {
	owner := map[tags.Owner]*httpLink{}
	for _, k := range slices.Backward(sharing) {
		for _, o := range k.wanted.Owners {
			owner[o] = k
		}
	}
	ways, keys := map[*httpLink]*Route{}, map[target.Key]*Route{}
	for _, k := range sharing {
		way := *k.made
		way.Endpoints = nil
		ways[k] = &way
	}
	for _, e := range sharing[0].made.Endpoints {
		way := ways[cmp.Or(owner[tags.Owner{Node: e.Node, Instance: e.Instance}], sharing[0])]
		way.Endpoints = append(way.Endpoints, e)
		if known := keys[targetKey(e)]; known == nil || e.Serving {
			keys[targetKey(e)] = way
		}
	}
	of := map[*target.Target]*Route{}
	for _, t := range sharing[0].made.Pool.Targets() {
		of[t] = keys[t.Key()]
	}
	routes = slices.DeleteFunc(slices.Clone(routes), func(k *httpLink) bool { return !slices.Contains(sharing, k) })
	for _, own := range routes {
		made := &variants{of: of, rules: len(routes) > 1}
		for _, k := range sharing {
			made.every = append(made.every, ways[k])
			own.made.vias = append(own.made.vias, ways[k].vias...)
			if asksAs(k.asked, own.asked) && (k == own || len(ways[k].Endpoints) > 0) {
				made.all = append(made.all, ways[k])
			}
			ways[k].variants = made // that of any of them will do
		}
		own.made.divide(made)
	}
}

// divide has the route hand requests to its variants.
func (r *Route) divide(by *variants) {
	r.handler, r.variants = by, by
	if len(by.all) > 1 {
		r.Steps = nil // each has its own
	}
	var own []tags.Endpoint
	for _, way := range by.all {
		own = append(own, way.Endpoints...)
	}
	if slices.ContainsFunc(own, func(e tags.Endpoint) bool { return e.Serving }) {
		r.Endpoints = distinct(own) // otherwise, all stand in
	}
}
