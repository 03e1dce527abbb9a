package file

import (
	"cmp"
	"slices"

	"github.com/sluiceproxy/sluice/watch"
)

// lost is what a text defines in a way that cannot be read: single things by
// as much of their names as could be, or possibly all of it.
type lost struct {
	all      bool
	services []watch.ServiceInfo // with an ID, else with a name
	checks   []watch.Check
}

// service notes that a definition cannot be read.
func (l *lost) service(s watch.ServiceInfo) {
	l.services = append(l.services, s)
	l.all = l.all || s.ID == "" && s.Name == ""
}

// check notes that a check beside the services cannot be read.
func (l *lost) check(c watch.Check) {
	l.checks = append(l.checks, c)
	l.all = l.all || checkID(c) == ""
}

// over is c, and of what cannot be read in it what was said before.
func (c content) over(before content) content {
	for _, def := range before.services {
		said := slices.ContainsFunc(c.services, func(d definition) bool { return d.service.ID == def.service.ID })
		if !said && c.lost.hasService(def.service) {
			c.services = append(c.services, def)
		}
	}
	for _, loose := range before.checks {
		said := slices.ContainsFunc(c.checks, func(d looseCheck) bool { return sameCheck(d.check, loose.check) })
		if !said && c.lost.hasCheck(loose.check) {
			c.checks = append(c.checks, loose)
		}
	}
	if c.lost.all && len(c.pairs) == 0 {
		c.pairs = before.pairs
	}
	return c
}

func (l lost) hasService(s watch.ServiceInfo) bool {
	return l.all || slices.ContainsFunc(l.services, func(f watch.ServiceInfo) bool {
		if f.ID != "" {
			return f.ID == s.ID
		}
		return f.Name == s.Name
	})
}

func (l lost) hasCheck(c watch.Check) bool {
	return l.all || slices.ContainsFunc(l.checks, func(f watch.Check) bool { return sameCheck(f, c) })
}

func sameCheck(a, b watch.Check) bool {
	return a.ServiceID == b.ServiceID && checkID(a) == checkID(b)
}

func checkID(c watch.Check) string { return cmp.Or(c.ID, c.Name) }
