package tags

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
)

// versions adds all declarations of a router, best first: while a new version of a
// service takes the place of another, there are two. What becomes of those that
// differ is decided where the parts are put together.
func (m *merger) versions(all []variant[router]) {
	for i := range all {
		all[i].value.middlewares = m.ownNames(all[i].owner, all[i].value.middlewares)
	}
	versions := distinct(all, router.equal)
	slices.SortStableFunc(versions, func(a, b variant[router]) int { return b.origin.Compare(a.origin) })
	for _, v := range versions[:min(len(versions), maxOlder+1)] {
		if len(versions) == 1 {
			v.all = nil
		}
		m.router(v)
	}
}

// maxOlder bounds how many declarations of one name count beside the best one.
const maxOlder = 8

// rank is the router's priority.
func (a *router) rank() int { return cmp.Or(a.priority, len(a.rule.value)) }

// short tells a text from others in names.
func short(text string) string {
	h := fnv.New32a()
	h.Write([]byte(text))
	return fmt.Sprintf("%08x", h.Sum32())
}
