package lb

import (
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// versionsTCP makes the routes of a name that may be declared in several ways: the
// best of those that can be served counts, and of the others those that are for
// other connections are served behind it; see [linker.versions].
func (l *linker) versionsTCP(by []*tags.TCPRoute) (all []*tcpLink) {
	var served []*tcpLink
	for _, definition := range bestFirst(by) {
		k := &tcpLink{link: link{linker: l, asked: &definition.Declaration}, wanted: definition}
		all = append(all, k)
		if len(served) > 0 && !k.isBeside(served) {
			continue
		}
		if len(served) == 0 {
			k.variants = sideBySide(definition, by)
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
		if k.made == nil {
			k.letGo(inUse)
		}
	}
	return all
}

// isBeside reports whether the definition can be served beside better ones, and
// puts it behind them. It tells of what they do not have in common.
func (k *tcpLink) isBeside(served []*tcpLink) bool {
	best, d := served[0].wanted, k.wanted
	beside := d.Dialect == tags.Traefik && d.Origin.Claimed == best.Origin.Claimed &&
		!slices.ContainsFunc(served, func(other *tcpLink) bool { return asksAs(&other.wanted.Declaration, &d.Declaration) })
	if !sameTCP(best, d) && !areVariants(&best.Declaration, &d.Declaration) {
		hint := ""
		if beside {
			hint = "connections that only this declaration asks for are passed on as well"
		}
		k.problems = append(k.problems, disagreeing(&best.Declaration, k.asked, hint))
	}
	if !beside {
		return false
	}
	own := *d
	own.Name = nameBeside(d.Name, d.Rule, d.Entrypoints, d.Terminate, d.Pool, d.Service)
	own.Priority = min(d.Priority, best.Priority)
	k.wanted = &own
	return true
}
