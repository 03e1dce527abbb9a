// Package sorted compares and changes lists that are kept in order, which costs what
// has changed rather than what there is.
package sorted

import "slices"

// Patch returns a sorted list without some of its elements and with others.
// The list itself stays as it is; gone and come are sorted in place. The order
// must tell all elements apart, or else equal ones must be the same.
func Patch[E any](list, gone, come []E, compare func(a, b E) int) []E {
	if len(gone)+len(come) == 0 {
		return list
	}
	slices.SortFunc(gone, compare)
	slices.SortFunc(come, compare)
	result := make([]E, 0, max(0, len(list)+len(come)-len(gone)))
	// copyUpTo copies what goes before an element and tells whether that is next.
	copyUpTo := func(e E) bool {
		i, found := slices.BinarySearchFunc(list, e, compare)
		result = append(result, list[:i]...)
		list = list[i:]
		return found
	}
	for len(gone)+len(come) > 0 {
		if len(come) == 0 || len(gone) > 0 && compare(gone[0], come[0]) <= 0 {
			if copyUpTo(gone[0]) {
				list = list[1:]
			}
			gone = gone[1:]
			continue
		}
		copyUpTo(come[0])
		result = append(result, come[0])
		come = come[1:]
	}
	return append(result, list...)
}

// Differences walks two lists in the same order and returns what only the
// first has and what only the second has. An element is told from another by
// same, which is asked first and should be quick.
func Differences[E any](before, after []E, same func(a, b E) bool, compare func(a, b E) int) (gone, come []E) {
	for len(before) > 0 && len(after) > 0 {
		a, b := before[0], after[0]
		if same(a, b) {
			before, after = before[1:], after[1:]
			continue
		}
		if compare(a, b) <= 0 {
			gone, before = append(gone, a), before[1:]
		} else {
			come, after = append(come, b), after[1:]
		}
	}
	return append(gone, before...), append(come, after...)
}
