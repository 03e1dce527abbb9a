package match

import "slices"

// tree are the routes of one host, class and form of the path.
type tree struct {
	host  string
	hash  uint32 // of host, in a table of [hosts]
	class Class
	form  form
	// hosted is set if all of the routes there ever were ask for a host, hostless if
	// none says anything of it.
	hosted, hostless bool
	root             *node
	// highest is the highest priority there ever was in the tree: once a better
	// route is found it need not be searched.
	highest int
}

func (t *tree) is(other *tree) bool {
	return t.host == other.host && t.class == other.class && t.form == other.form
}

// trees is a list of a few. It is not changed once made.
type trees []tree

// change returns the trees with another root for one of them.
func (all trees) change(t tree, change func(*node) *node) trees {
	i := slices.IndexFunc(all, func(known tree) bool { return known.is(&t) })
	if i < 0 {
		if t.root = change(nil); t.root == nil {
			return all
		}
		return append(slices.Clip(all), t)
	}
	t.highest = max(t.highest, all[i].highest)
	t.hosted, t.hostless = t.hosted && all[i].hosted, t.hostless && all[i].hostless
	if t.root = change(all[i].root); t.root == nil {
		return slices.Concat(all[:i], all[i+1:])
	}
	all = slices.Clone(all)
	all[i] = t
	return all
}

// all calls yield for each entry until it returns false.
func (all trees) all(yield func(*entry) bool) bool {
	for i := range all {
		if !all[i].root.all(yield) {
			return false
		}
	}
	return true
}
