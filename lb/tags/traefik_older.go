package tags

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
)

// olderRouters keeps serving what only the declarations ask for that do not count:
// while a new version of a service takes the place of another, the clients of both
// find what they look for. Where both match, the one that counts is the one.
func (m *merger) olderRouters(winner variant[router], others []variant[router]) {
	if len(others) == 0 || m.isBroken(winner.value) {
		return
	}
	slices.SortStableFunc(others, func(a, b variant[router]) int { return b.origin.Compare(a.origin) })
	for _, v := range others[:min(len(others), maxOlder)] {
		r := &v.value
		if m.isBroken(*r) || r.asks(winner.value) {
			continue
		}
		r.name += "~" + short(r.rule.value+fmt.Sprint(r.entrypoints, r.tls))
		r.priority = min(r.rank(), winner.value.rank())
		if winner.value.tls {
			r.options = winner.value.options // of one host, only one can count
		}
		m.router(v)
	}
}

// maxOlder bounds how many declarations of one name are served beside the one that
// counts.
const maxOlder = 8

// asks reports whether two routers ask for the same requests.
func (a *router) asks(b router) bool {
	return a.rule.value == b.rule.value && a.syntax == b.syntax && a.tls == b.tls && slices.Equal(a.entrypoints, b.entrypoints)
}

// rank is the router's priority.
func (a *router) rank() int { return cmp.Or(a.priority, len(a.rule.value)) }

// short tells a text from others in names.
func short(text string) string {
	h := fnv.New32a()
	h.Write([]byte(text))
	return fmt.Sprintf("%08x", h.Sum32())
}
