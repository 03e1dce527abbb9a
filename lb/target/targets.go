package target

import "iter"

// targets are those of a registry by their addresses. As a rule an address has one;
// those that share it form a chain. (A map by [Key] takes four times the room.)
type targets map[string]*Target

func (all targets) find(key Key) *Target {
	t := all[key.Address]
	for t != nil && t.key != key {
		t = t.next
	}
	return t
}

func (all targets) add(t *Target) {
	t.next = all[t.key.Address]
	all[t.key.Address] = t
}

// remove takes out a target, if it is there.
func (all targets) remove(t *Target) {
	first := all[t.key.Address]
	if first == t {
		if delete(all, t.key.Address); t.next != nil {
			all[t.next.key.Address] = t.next
		}
		return
	}
	for ; first != nil; first = first.next {
		if first.next == t {
			first.next = t.next
			return
		}
	}
}

func (all targets) each() iter.Seq[*Target] {
	return func(yield func(*Target) bool) {
		for _, t := range all {
			for ; t != nil; t = t.next {
				if !yield(t) {
					return
				}
			}
		}
	}
}
