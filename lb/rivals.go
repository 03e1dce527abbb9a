package lb

import (
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// rivals know which routes ask for the very same requests, at the same priority, by
// different names. The first by name gets them all; Traefik leaves it to chance which
// one does. The others are told.
type rivals struct {
	seed  maphash.Seed
	alone map[uint64]*Route   // by what they ask for
	many  map[uint64][]*Route // those that are not alone, in order
}

func newRivals() *rivals {
	return &rivals{maphash.MakeSeed(), map[uint64]*Route{}, map[uint64][]*Route{}}
}

// asks stands for the requests a route asks for. It is not ok for routes that are
// ordered by more than that.
func (v *rivals) asks(r *Route) (key uint64, ok bool) {
	if r.Precedence.Class != match.ByPriority {
		return 0, false
	}
	return maphash.String(v.seed, fmt.Sprint(r.Precedence.Priority, " ", r.Match)), true
}

// change takes in which routes are gone and have come.
func (v *rivals) change(gone, come []*Route, problems *problemSet) {
	touched := map[uint64]bool{}
	for _, r := range gone {
		if key, ok := v.asks(r); ok && v.remove(key, r) {
			touched[key] = true
		}
	}
	for _, r := range come {
		if key, ok := v.asks(r); ok && v.add(key, r) {
			touched[key] = true
		}
	}
	for key := range touched {
		problems.set(owner{kind: "rivals", name: nameOf("", fmt.Sprint(key))}, v.problems(key))
	}
}

// remove reports whether the route had rivals.
func (v *rivals) remove(key uint64, r *Route) bool {
	all, ok := v.many[key]
	if !ok {
		if v.alone[key] == r {
			delete(v.alone, key)
		}
		return false
	}
	all = slices.DeleteFunc(slices.Clone(all), func(other *Route) bool { return other == r })
	if v.many[key] = all; len(all) < 2 {
		delete(v.many, key)
	}
	if len(all) == 1 {
		v.alone[key] = all[0]
	}
	return true
}

// add reports whether the route has rivals.
func (v *rivals) add(key uint64, r *Route) bool {
	all := v.many[key]
	if only := v.alone[key]; only != nil {
		delete(v.alone, key)
		all = []*Route{only}
	}
	if len(all) == 0 {
		v.alone[key] = r
		return false
	}
	all = append(slices.Clone(all), r)
	slices.SortFunc(all, compareRoutes)
	v.many[key] = all
	return true
}

// problems tell those that get no requests who does.
func (v *rivals) problems(key uint64) (list []tags.Problem) {
	all := v.many[key]
	for i, r := range all {
		first := all[0]
		if i == 0 || r.Pool == first.Pool && slices.Equal(r.Middlewares, first.Middlewares) {
			continue // it makes no difference
		}
		p := r.Problem(
			fmt.Sprintf("the route %s gets no requests: %s%s is for the same ones, at the same priority, and is the first by name", r.Name, first.Name, ofService(first.Service)),
			"another priority says which is meant, and one name for both shares the requests out while a version takes the place of another",
		)
		p.Route = "" // it is there
		list = append(list, p)
	}
	return list
}

func ofService(name string) string {
	if name == "" {
		return ""
	}
	return " of service " + name
}
