package match

import "slices"

// trees are the routes of one host: a tree for each class and form of the path
// that occurs, which is one in most cases. The slice is not changed once made.
type trees []tree

type tree struct {
	class Class
	form  form
	root  *node
}

// change returns the trees with one of them changed.
func (t trees) change(class Class, f form, change func(*node) *node) trees {
	i := slices.IndexFunc(t, func(one tree) bool { return one.class == class && one.form == f })
	if i < 0 {
		i = len(t)
		t = append(slices.Clip(t), tree{class: class, form: f})
	} else {
		t = slices.Clone(t)
	}
	root := change(t[i].root)
	if root == nil {
		return slices.Delete(t, i, i+1)
	}
	t[i].root = root
	return t
}

// all calls yield for each entry until it returns false.
func (t trees) all(yield func(entry) bool) bool {
	for _, one := range t {
		if !one.root.all(yield) {
			return false
		}
	}
	return true
}
