package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config/hcl"
)

// place is where a path first occurs.
func (t *tree) place(path string) hcl.Position {
	for _, v := range t.values {
		if !v.isAt(path) {
			continue
		}
		if n := v.from.places[strings.ToLower(path)]; n > 0 {
			return hcl.Position{File: v.from.path, Line: n, Column: 1}
		}
		return hcl.Position{File: v.from.path, Line: v.line, Column: 1}
	}
	return hcl.Position{File: t.sources[0].path}
}

// origin is the same as text.
func (t *tree) origin(path string) string {
	at := t.place(path)
	return fmt.Sprintf("%s:%d", at.File, at.Line)
}

// note tells of something at a path.
func (m *migration) note(t *tree, at, text string) {
	place := t.place(at)
	m.notes = append(m.notes, note{place.File, place.Line, text, at})
}

// merge adds what another file says. Of what both declare, the first counts, as in
// Traefik, which is told of.
func (t *tree) merge(other *tree) (notes []note) {
	t.sources = append(t.sources, other.sources...)
	counts := map[string]int{}
	var told []string
	known := t.values
	for _, v := range other.values {
		if list, rest, ok := strings.Cut(v.path, "["); ok && declaration(list) == list {
			if _, seen := counts[list]; !seen {
				counts[list] = (&tree{values: known}).count(list)
			}
			v.path = renumbered(list, rest, counts[list])
		}
		whole := declaration(v.path)
		at := slices.IndexFunc(known, func(k treeValue) bool { return k.isAt(whole) })
		if at < 0 {
			t.values = append(t.values, v)
			continue
		}
		if !slices.Contains(told, whole) {
			told = append(told, whole)
			notes = append(notes, note{v.from.path, v.line, fmt.Sprintf("%s is left out: it is in %s as well, which counts", whole, known[at].from.path), whole})
		}
	}
	return notes
}

// renumbered is the path of an element of a list that goes behind others.
func renumbered(list, rest string, by int) string {
	number, rest, _ := strings.Cut(rest, "]")
	n, _ := strconv.Atoi(number)
	return list + "[" + strconv.Itoa(n+by) + "]" + rest
}

// declaration is the path of what a setting belongs to that only one file can
// declare: a router, a service, an entry point, or the setting itself.
func declaration(path string) string {
	words := strings.Split(path, ".")
	depth := len(words)
	switch strings.ToLower(words[0]) {
	case "http", "tcp", "udp":
		depth = 3
	case "tls":
		if strings.EqualFold(words[min(1, len(words)-1)], "options") {
			depth = 3
		}
	case "frontends", "backends", "entrypoints":
		depth = 2
	}
	return strings.Join(words[:min(depth, len(words))], ".")
}
