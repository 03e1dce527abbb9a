package lb

import (
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// versionsTCP makes the routes of a name that may be declared in several ways: the
// best of those that can be served counts, and of the others those that are for
// other connections are served behind it; see [linker.versions].
func (l *linker) versionsTCP(w *wantedTCP) (all []*tcpLink) {
	by := slices.Clone(w.by)
	slices.SortStableFunc(by, func(a, b *tags.TCPRoute) int { return b.Origin.Compare(a.Origin) })
	var served []*tcpLink
	for _, definition := range by[:min(len(by), maxVersions)] {
		k := &tcpLink{link: link{linker: l, wanted: standIn(definition)}, from: definition}
		all = append(all, k)
		if len(served) > 0 && !k.isBeside(served) {
			continue
		}
		if len(served) == 0 {
			k.variants = w.variants(definition)
		}
		if k.make() {
			served = append(served, k)
		}
	}
	var inUse []used
	for _, k := range served {
		inUse = append(inUse, k.uses...)
	}
	for _, k := range all {
		if k.tcp == nil {
			k.letGo(inUse)
		}
	}
	return all
}

// isBeside reports whether the definition can be served beside better ones, and
// puts it behind them. It tells of what they do not have in common.
func (k *tcpLink) isBeside(served []*tcpLink) bool {
	best, d := served[0].from, k.from
	beside := d.Dialect == tags.Traefik && d.Origin.Claimed == best.Origin.Claimed &&
		!slices.ContainsFunc(served, func(other *tcpLink) bool { return asksAsTCP(other.from, d) })
	if !sameTCP(best, d) && !areTCPVariants(best, d) {
		hint := ""
		if beside {
			hint = "connections that only this declaration asks for are passed on as well"
		}
		k.problems = append(k.problems, disagreeing(standIn(best), k.wanted, hint))
	}
	if !beside {
		return false
	}
	own := *d
	own.Name = nameBeside(d.Name, d.Rule, d.Entrypoints, d.Terminate, d.Pool, d.Service)
	own.Priority = min(d.Priority, best.Priority)
	k.from = &own
	return true
}

// asksAsTCP reports whether two definitions are for the same connections.
func asksAsTCP(a, b *tags.TCPRoute) bool {
	return slices.Equal(a.Entrypoints, b.Entrypoints) && (a.Match == nil) == (b.Match == nil) && (a.Match == nil || a.Match.String() == b.Match.String())
}
