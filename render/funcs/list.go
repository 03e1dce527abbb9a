package funcs

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// byKey groups pairs by the first segment of their key; pairs directly below
// the prefix belong to no group and are left out.
func byKey(pairs []*KeyPair) map[string]map[string]*KeyPair {
	groups := make(map[string]map[string]*KeyPair)
	for _, pair := range pairs {
		top, rest, found := strings.Cut(pair.Key, "/")
		if !found {
			continue
		}
		if groups[top] == nil {
			groups[top] = make(map[string]*KeyPair)
		}
		below := *pair
		below.Key = rest
		groups[top][rest] = &below
	}
	return groups
}

// byTag groups what "service" or "services" returned by tag; an element is
// listed under each of its tags.
func byTag(list any) (map[string][]any, error) {
	groups := make(map[string][]any)
	enlist := func(tags Tags, element any) {
		for _, tag := range tags {
			groups[tag] = append(groups[tag], element)
		}
	}
	switch list := list.(type) {
	case nil:
	case []*HealthService:
		for _, s := range list {
			enlist(s.Tags, s)
		}
	case []*Snippet:
		for _, s := range list {
			enlist(s.Tags, s)
		}
	case []*NomadService:
		for _, s := range list {
			enlist(s.Tags, s)
		}
	case []*NomadServicesSnippet:
		for _, s := range list {
			enlist(s.Tags, s)
		}
	default:
		return nil, fmt.Errorf("byTag: a %T has no tags (want what service or services returned)", list)
	}
	return groups, nil
}

// contains is "in" with its arguments the other way round, for pipes.
func contains(needle, haystack any) bool { return in(haystack, needle) }

// in reports whether text holds a substring, or a list an element of the same
// kind. Anything else is false, not an error.
func in(haystack, needle any) bool {
	list, wanted := reflect.ValueOf(haystack), reflect.ValueOf(needle)
	switch list.Kind() {
	case reflect.String:
		return wanted.Kind() == reflect.String && strings.Contains(list.String(), wanted.String())
	case reflect.Slice, reflect.Array:
		for _, element := range list.Seq2() {
			if element.Kind() == reflect.Interface {
				element = element.Elem()
			}
			if sameScalar(element, wanted) {
				return true
			}
		}
	}
	return false
}

func sameScalar(a, b reflect.Value) bool {
	switch {
	case !a.IsValid() || !b.IsValid():
		return false
	case a.Kind() == reflect.String && b.Kind() == reflect.String:
		return a.String() == b.String()
	case a.CanInt() && b.CanInt():
		return a.Int() == b.Int()
	case a.CanFloat() && b.CanFloat():
		return a.Float() == b.Float()
	}
	return false
}

// maxLoop keeps a slip in a template from taking all memory.
const maxLoop = 1 << 24

// loop counts from 0 to n, or from its first argument to its second, without
// the end.
func loop(bounds ...any) ([]int64, error) {
	if len(bounds) != 1 && len(bounds) != 2 {
		return nil, fmt.Errorf("loop: %d arguments given, want 1 or 2", len(bounds))
	}
	var limits [2]int64
	for i, bound := range bounds {
		n, err := integer(bound)
		if err != nil {
			return nil, fmt.Errorf("loop: %w", err)
		}
		limits[2-len(bounds)+i] = n
	}
	start, stop := limits[0], limits[1]
	if stop <= start {
		return []int64{}, nil
	}
	if uint64(stop)-uint64(start) > maxLoop {
		return nil, fmt.Errorf("loop: %d to %d is more than %d steps", start, stop, maxLoop)
	}
	numbers := make([]int64, 0, stop-start)
	for n := start; n < stop; n++ {
		numbers = append(numbers, n)
	}
	return numbers, nil
}

func integer(x any) (int64, error) {
	switch v := reflect.ValueOf(x); {
	case v.CanInt():
		return v.Int(), nil
	case v.CanUint():
		return int64(v.Uint()), nil
	case v.Kind() == reflect.String:
		if v.String() == "" {
			return 0, nil // as parseInt has it
		}
		n, err := strconv.ParseInt(v.String(), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", v.String())
		}
		return n, nil
	}
	return 0, fmt.Errorf("a %T is not a whole number", x)
}
