package funcs

import (
	"fmt"
	"reflect"
)

// The set functions ask which of the wanted elements "in" finds in a list or a
// text. Of no element at all, all and none are contained.

func containsAll(wanted, haystack any) (bool, error) {
	found, total, err := countIn("containsAll", wanted, haystack)
	return found == total, err
}

func containsAny(wanted, haystack any) (bool, error) {
	found, _, err := countIn("containsAny", wanted, haystack)
	return found > 0, err
}

func containsNone(wanted, haystack any) (bool, error) {
	found, _, err := countIn("containsNone", wanted, haystack)
	return found == 0, err
}

func containsNotAll(wanted, haystack any) (bool, error) {
	found, total, err := countIn("containsNotAll", wanted, haystack)
	return found < total, err
}

func countIn(function string, wanted, haystack any) (found, total int, err error) {
	list := reflect.ValueOf(wanted)
	switch list.Kind() {
	case reflect.Slice, reflect.Array:
	case reflect.Invalid:
		return 0, 0, nil
	default:
		return 0, 0, fmt.Errorf("%s: a %T is not a list", function, wanted)
	}
	for _, element := range list.Seq2() {
		if in(haystack, element.Interface()) {
			found++
		}
	}
	return found, list.Len(), nil
}
