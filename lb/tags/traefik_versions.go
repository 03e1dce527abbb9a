package tags

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// versions adds all declarations of a router, best first: while a new version of a
// service takes the place of another, there are two. What becomes of those that
// differ is decided where the parts are put together.
func (m *merger) versions(all []variant[router]) {
	for i := range all {
		all[i].value.middlewares = m.ownNames(all[i].owner, all[i].value.middlewares)
	}
	versions := ranked(all, router.equal)
	for _, v := range versions {
		if len(versions) == 1 {
			v.all = nil
		}
		m.router(v)
	}
}

// middleware adds all versions of a middleware: one counts for whoever names it,
// and the others for the routers of the instances that declare them.
func (m *merger) middleware(name string) {
	all := m.middlewares[name]
	for i := range all {
		if chain, ok := all[i].value.spec.(spec.Chain); ok {
			all[i].value.spec = spec.Chain{Middlewares: m.ownNames(all[i].owner, chain.Middlewares)}
		}
	}
	winner, others := best(m.parser, "middleware", all,
		func(a, b middleware) bool {
			return a.kind == b.kind && a.broken == b.broken && reflect.DeepEqual(a.spec, b.spec)
		},
		func(w middleware) bool { return w.broken != "" },
		func(w middleware) (string, string) { return w.name, "" })
	m.addMiddleware(winner, winner.value.name)
	for _, v := range others[:min(len(others), maxOlder)] {
		// The name must not change as others come and go, nor tell of any option.
		own := v.value.name + "~" + short(v.all[0].Node+"/"+v.all[0].Instance)
		for _, owner := range v.all {
			if m.own[owner] == nil {
				m.own[owner] = map[string]string{}
			}
			m.own[owner][name] = own
		}
		m.addMiddleware(v, own)
	}
}

func (m *merger) addMiddleware(v variant[middleware], name string) {
	if v.value.broken != "" {
		m.problem(v.owner, Problem{
			Tag: v.value.by.redacted(), Offset: -1,
			Reason: "middleware " + v.value.name + ": " + v.value.broken,
			Hint:   "routers that use it are not served",
		})
	}
	m.Middlewares = append(m.Middlewares, Middleware{
		Name: name, Spec: v.value.spec, Broken: v.value.broken, Service: m.Service, Origin: v.origin,
	})
}

// ownNames are the names of the middlewares that an instance means.
func (m *merger) ownNames(i Instance, names []string) []string {
	names = local(names)
	own := m.own[Owner{i.Node, i.ID}]
	for at, name := range names {
		names[at] = cmp.Or(own[strings.ToLower(name)], name)
	}
	return names
}

// maxOlder bounds how many declarations of one name count beside the best one.
const maxOlder = 8

// ranked joins the variants that are equal, the best first, of which as many are
// left as count.
func ranked[T any](all []variant[T], equal func(a, b T) bool) []variant[T] {
	versions := distinct(all, equal)
	slices.SortStableFunc(versions, func(a, b variant[T]) int { return b.origin.Compare(a.origin) })
	return versions[:min(len(versions), maxOlder+1)]
}

// rank is the router's priority.
func (a *router) rank() int { return cmp.Or(a.priority, len(a.rule.value)) }

// short tells a text from others in names.
func short(text string) string {
	h := fnv.New32a()
	h.Write([]byte(text))
	return fmt.Sprintf("%08x", h.Sum32())
}
