package funcs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
)

// Denied returns stand-ins for all functions whose names match one of the
// patterns, in which * is any text. They fail when they are called, so that a
// template may hold a call it never gets to.
func Denied(functions template.FuncMap, patterns []string) template.FuncMap {
	denied := make(template.FuncMap)
	for name := range maps.Keys(functions) {
		if slices.ContainsFunc(patterns, func(pattern string) bool { return globMatches(pattern, name) }) {
			denied[name] = func(...any) (string, error) {
				return "", fmt.Errorf("%s is on the list of functions this template may not call", name)
			}
		}
	}
	return denied
}

// globMatches reports whether name is pattern, each * of which stands for any
// text.
func globMatches(pattern, name string) bool {
	first, rest, starred := strings.Cut(pattern, "*")
	name, ok := strings.CutPrefix(name, first)
	if !ok || !starred {
		return ok && name == ""
	}
	parts := strings.Split(rest, "*")
	for _, part := range parts[:len(parts)-1] {
		_, after, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = after
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}
