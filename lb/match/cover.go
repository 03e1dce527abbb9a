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

// term is a key of an expression. With enough set, whatever is found under the
// key matches; otherwise the expression has to be tested.
type term struct {
	key
	enough bool
}

// maxTerms bounds the places one route takes in an index. It is more than a
// rule written by hand has, and keeps the product of long alternatives small.
const maxTerms = 256

// cover returns keys such that every request that matches e is found under one
// of them: the alternatives of e, as far as they are hosts and paths. If there
// are too many it gives up the paths, and at last the hosts. There is always
// one, even for what never matches, so that an index can list all its routes.
func cover(e Expr) []term {
	for _, c := range []coverer{{paths: true}, {paths: false}} {
		if terms, ok := c.cover(e, false); ok && len(terms) > 0 {
			return terms
		}
	}
	return []term{{}}
}

// coverer covers by hosts, and by paths if it is told to.
type coverer struct{ paths bool }

// cover covers e, or its negation. It fails with more than maxTerms.
func (c coverer) cover(e Expr, negated bool) (terms []term, ok bool) {
	switch e := e.(type) {
	case Not:
		return c.cover(e.X, !negated)
	case And:
		return c.combine(e, negated, negated)
	case Or:
		return c.combine(e, !negated, negated)
	}
	if negated {
		return []term{{}}, true
	}
	return []term{c.leaf(e)}, true
}

// combine covers the parts as alternatives or all together. By De Morgan, a
// negated And is a choice of negations, and a negated Or all of them.
func (c coverer) combine(parts []Expr, alternatives, negated bool) (terms []term, ok bool) {
	if !alternatives {
		terms = []term{{enough: true}}
	}
	for _, x := range parts {
		more, ok := c.cover(x, negated)
		if !ok {
			return nil, false
		}
		if alternatives {
			terms = union(terms, more)
		} else {
			if len(terms)*len(more) > maxTerms {
				return nil, false
			}
			terms = product(terms, more)
		}
		if len(terms) > maxTerms {
			return nil, false
		}
	}
	return terms, true
}

func product(left, right []term) (all []term) {
	for _, a := range left {
		for _, b := range right {
			all = union(all, []term{a.and(b)})
		}
	}
	return all
}

// union appends alternatives and keeps one term for each key.
func union(terms, more []term) []term {
	for _, t := range more {
		i := slices.IndexFunc(terms, func(known term) bool { return known.key == t.key })
		if i < 0 {
			terms = append(terms, t)
			continue
		}
		terms[i].enough = terms[i].enough || t.enough
	}
	return terms
}

func (a term) and(b term) term {
	host, both := a.host.and(b.host)
	path, bothPaths := a.path.and(b.path)
	return term{key{host, path}, a.enough && b.enough && both && bothPaths}
}

// and returns the narrower key, and whether it implies the other.
func (a hostKey) and(b hostKey) (k hostKey, both bool) {
	switch {
	case a == b || b.name == "":
		return a, true
	case a.name == "":
		return b, true
	case a.suffix == b.suffix && len(a.name) < len(b.name), a.suffix && !b.suffix:
		a, b = b, a
	}
	return a, false
}

func (a pathKey) and(b pathKey) (k pathKey, both bool) {
	switch {
	case a == b || b.text == "":
		return a, true
	case a.text == "":
		return b, true
	case a.exact == b.exact && len(a.text) < len(b.text), !a.exact && b.exact:
		a, b = b, a
	}
	return a, false
}

func (c coverer) leaf(e Expr) term {
	if t := hostTerm(e); t != (term{}) {
		return t
	}
	if c.paths {
		return pathTerm(e)
	}
	return term{}
}

func hostTerm(e Expr) term {
	switch e := e.(type) {
	case Host:
		return term{key{host: hostKey{name: e.Name}}, e.Name != ""}
	case HostWildcard:
		t := suffixTerm(e.Suffix)
		t.enough = t.enough && !e.OneLabel
		return t
	case HostGlob:
		return suffixTerm(globSuffix(e.Pattern)).tested()
	case HostRegexp:
		if f := e.Pattern.fixed; f.whole {
			return term{key: key{host: hostKey{name: f.prefix}}}
		}
		return suffixTerm(e.Pattern.fixed.suffix).tested()
	}
	return term{}
}

func pathTerm(e Expr) term {
	k, enough := pathKey{}, false
	switch e := e.(type) {
	case Path:
		k, enough = pathKey{e.Text, true, formOf(e.Routing)}, e.Text != ""
	case PathPrefix:
		k, enough = pathKey{e.Text, false, formOf(e.Routing)}, true
	case PathPrefixFold:
		text := lowerASCII(e.Text)
		k, enough = pathKey{text, false, folded}, len(text) == len(e.Text)
	case PathGlob:
		text := globPrefix(e.Pattern)
		k, enough = pathKey{text, text == e.Pattern, decoded}, text+"*" == e.Pattern || text == e.Pattern && text != ""
	case PathRegexp:
		k = pathKey{e.Pattern.fixed.prefix, e.Pattern.fixed.whole, formOf(e.Routing)}
	}
	if k.text == "" {
		k = pathKey{}
	}
	return term{key{path: k}, enough}
}

// tested is the term for an expression that asks for more than its key.
func (a term) tested() term {
	a.enough = false
	return a
}

// suffixTerm is for hosts that end in s. They are found by whole labels, so s
// may have to be cut to its first dot.
func suffixTerm(s string) term {
	dot := strings.IndexByte(s, '.')
	if dot < 0 {
		return term{enough: s == ""}
	}
	return term{key{host: hostKey{s[dot:], true}}, dot == 0}
}
