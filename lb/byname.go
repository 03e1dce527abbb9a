package lb

import (
	"iter"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// byName are objects by their names: a map for each dialect, whose keys take half
// the room that whole names would.
type byName[T any] map[tags.Dialect]map[string]*T

// of is the object of a name, nil if there is none.
func (all byName[T]) of(n name) *T { return all[n.dialect][n.text] }

func (all byName[T]) set(n name, object *T) {
	if all[n.dialect] == nil {
		all[n.dialect] = map[string]*T{}
	}
	all[n.dialect][n.text] = object
}

func (all byName[T]) remove(n name) {
	if delete(all[n.dialect], n.text); len(all[n.dialect]) == 0 {
		delete(all, n.dialect) // it would stay as large as it ever was
	}
}

func (all byName[T]) each() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, of := range all {
			for _, object := range of {
				if !yield(object) {
					return
				}
			}
		}
	}
}
