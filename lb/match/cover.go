package match

import (
	"slices"
	"strings"
)

// key is a place in an index: what a request must have at least in common with
// an expression to match it.
type key struct {
	host hostKey
	path pathKey
}

// hostKey with an empty name is any host.
type hostKey struct {
	name   string
	suffix bool // name is a suffix that starts with a dot
}

// pathKey with an empty text is any path.
type pathKey struct {
	text  string
	exact bool
	form  form
}

// form is a form of a request's path.
type form uint8

const (
	decoded form = iota // [Request.Path]
	routing             // [Request.RoutingPath]
	folded              // Path with ASCII letters in lower case
)

func formOf(isRouting bool) form {
	if isRouting {
		return routing
	}
	return decoded
}

// maxKeys bounds the places one route takes in an index. It is more than a
// rule written by hand has, and keeps the product of long alternatives small.
const maxKeys = 256

// cover returns keys such that every request that matches e is found under one
// of them: the alternatives of e, as far as they are hosts and paths. If there
// are too many it gives up the paths, and at last the hosts. There is always
// one, even for what never matches, so that an index can list all its routes.
func cover(e Expr) []key {
	for _, c := range []coverer{{paths: true}, {paths: false}} {
		if keys, ok := c.cover(e, false); ok && len(keys) > 0 {
			return keys
		}
	}
	return []key{{}}
}

// rest appends the parts of e that may still fail for a request found under the
// key.
func (k *key) rest(list []Expr, e Expr) []Expr {
	if k.implies(e) {
		return list
	}
	if and, ok := e.(And); ok {
		for _, x := range and {
			list = k.rest(list, x)
		}
		return list
	}
	return append(list, e)
}

// implies reports whether e holds for every request found under the key. It may
// miss that it does.
func (k *key) implies(e Expr) bool {
	switch e := e.(type) {
	case And:
		return !slices.ContainsFunc(e, func(x Expr) bool { return !k.implies(x) })
	case Or:
		return slices.ContainsFunc(e, k.implies)
	}
	asked, enough := keyOf(e)
	return enough && k.host.implies(asked.host) && k.path.implies(asked.path)
}

func (a hostKey) implies(b hostKey) bool {
	return a == b || b.name == "" || b.suffix && strings.HasSuffix(a.name, b.name)
}

func (a pathKey) implies(b pathKey) bool {
	return a == b || b.text == "" || a.form == b.form && !b.exact && strings.HasPrefix(a.text, b.text)
}

// coverer covers by hosts, and by paths if it is told to.
type coverer struct{ paths bool }

// cover covers e, or its negation. It fails with more than maxKeys.
func (c coverer) cover(e Expr, negated bool) (keys []key, ok bool) {
	switch e := e.(type) {
	case Not:
		return c.cover(e.X, !negated)
	case And:
		return c.combine(e, negated, negated)
	case Or:
		return c.combine(e, !negated, negated)
	}
	if negated {
		return []key{{}}, true
	}
	k, _ := keyOf(e)
	if !c.paths {
		k.path = pathKey{}
	}
	return []key{k}, true
}

// combine covers the parts as alternatives or all together. By De Morgan, a
// negated And is a choice of negations, and a negated Or all of them.
func (c coverer) combine(parts []Expr, alternatives, negated bool) (keys []key, ok bool) {
	if !alternatives {
		keys = []key{{}}
	}
	for _, x := range parts {
		more, ok := c.cover(x, negated)
		if !ok {
			return nil, false
		}
		if alternatives {
			keys = union(keys, more)
		} else {
			if len(keys)*len(more) > maxKeys {
				return nil, false
			}
			keys = product(keys, more)
		}
		if len(keys) > maxKeys {
			return nil, false
		}
	}
	return keys, true
}

func product(left, right []key) (all []key) {
	for _, a := range left {
		for _, b := range right {
			all = union(all, []key{{a.host.and(b.host), a.path.and(b.path)}})
		}
	}
	return all
}

// union appends alternatives and keeps one of each.
func union(keys, more []key) []key {
	for _, k := range more {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// and returns the narrower key: what matches both is found under either.
func (a hostKey) and(b hostKey) hostKey {
	switch {
	case a.name == "":
		return b
	case b.name == "":
		return a
	case a.suffix == b.suffix && len(a.name) < len(b.name), a.suffix && !b.suffix:
		return b
	}
	return a
}

func (a pathKey) and(b pathKey) pathKey {
	switch {
	case a.text == "":
		return b
	case b.text == "":
		return a
	case a.exact == b.exact && len(a.text) < len(b.text), !a.exact && b.exact:
		return b
	}
	return a
}

// keyOf is the key of a condition, and whether whatever is found under it
// matches.
func keyOf(e Expr) (k key, enough bool) {
	switch e := e.(type) {
	case Host:
		return key{host: hostKey{name: e.Name}}, e.Name != ""
	case HostWildcard:
		k.host, enough = suffixKey(e.Suffix)
		return k, enough && !e.OneLabel
	case HostGlob:
		k.host, _ = suffixKey(globSuffix(e.Pattern))
	case HostRegexp:
		if f := e.Pattern.fixed; f.whole {
			k.host.name = f.prefix
		} else {
			k.host, _ = suffixKey(f.suffix)
		}
	case Path:
		return pathOnly(e.Text, true, formOf(e.Routing)), e.Text != ""
	case PathPrefix:
		return pathOnly(e.Text, false, formOf(e.Routing)), true
	case PathPrefixFold:
		text := lowerASCII(e.Text)
		return pathOnly(text, false, folded), len(text) == len(e.Text)
	case PathGlob:
		text := globPrefix(e.Pattern)
		return pathOnly(text, text == e.Pattern, decoded), text+"*" == e.Pattern || text == e.Pattern && text != ""
	case PathRegexp:
		return pathOnly(e.Pattern.fixed.prefix, e.Pattern.fixed.whole, formOf(e.Routing)), false
	}
	return k, false
}

// pathOnly is the key of a path, which is that of any path if it has no text.
func pathOnly(text string, exact bool, f form) key {
	if text == "" {
		return key{}
	}
	return key{path: pathKey{text, exact, f}}
}

// suffixKey is for hosts that end in s, and tells whether they are all it finds.
// They are found by whole labels, so s may have to be cut to its first dot.
func suffixKey(s string) (k hostKey, enough bool) {
	dot := strings.IndexByte(s, '.')
	if dot < 0 {
		return hostKey{}, s == ""
	}
	return hostKey{s[dot:], true}, dot == 0
}
