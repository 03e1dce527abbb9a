package match

import (
	"cmp"
	"slices"
	"strings"
)

// Class is a family of routes that share one order.
type Class uint8

// The classes; see the package documentation for how they meet.
const (
	ByPriority Class = iota
	BySpecificity
	classes
)

// Precedence places a route among the others of its class.
type Precedence struct {
	Class Class
	// Family breaks the ties of routes that have everything else in common.
	Family uint8
	// Priority orders ByPriority routes, higher first.
	Priority int
	// Host, Port and Path order BySpecificity routes: they are the pattern as
	// written, Host in lower case and empty for any.
	Host, Port, Path string
	// Name breaks ties.
	Name string
}

// Compare is negative if a goes before b. Routes of different classes are
// kept apart.
func (a *Precedence) Compare(b *Precedence) int {
	if a.Class != b.Class {
		return cmp.Compare(a.Class, b.Class)
	}
	if a.Class == BySpecificity {
		if c := a.compareSources(b); c != 0 {
			return c
		}
	} else if a.Priority != b.Priority {
		return cmp.Compare(b.Priority, a.Priority)
	}
	return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Family, b.Family))
}

func (a *Precedence) compareSources(b *Precedence) int {
	if a.Host != b.Host {
		return compareHosts(a.Host, b.Host)
	}
	if a.Port != b.Port {
		return cmp.Or(-compareBool(a.Port != "", b.Port != ""), strings.Compare(b.Port, a.Port))
	}
	return strings.Compare(b.Path, a.Path)
}

// compareHosts puts the more specific pattern first: read from the back, any
// letter goes before a wildcard, and the longer pattern before the shorter.
func compareHosts(a, b string) int {
	for i := 1; i <= min(len(a), len(b)); i++ {
		if c := cmp.Compare(b[len(b)-i], a[len(a)-i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(b), len(a))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// specificity is how much a rule asks of one request it matches. It is what
// the winners of two classes are compared by.
type specificity struct {
	// host is 0 for any host, the length of what is fixed for a wildcard, and
	// exactHost for a name.
	host int
	path int
	// exact is set for a whole path as opposed to a prefix.
	exact bool
}

const exactHost = 1 << 30

func (a specificity) compare(b specificity) int {
	return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.path, b.path), compareBool(a.exact, b.exact))
}

// NamesHost reports whether an expression that matches r asks for anything of
// its host.
func NamesHost(e Expr, r *Request) bool {
	s, ok := specific(e, r)
	return ok && s.host > 0
}

// asksForHost reports whether e asks for something of the host of every request that
// matches it.
func asksForHost(e Expr) bool {
	switch e := e.(type) {
	case And:
		return slices.ContainsFunc(e, asksForHost)
	case Or:
		return !slices.ContainsFunc(e, func(x Expr) bool { return !asksForHost(x) })
	case Host:
		return true
	case HostWildcard:
		return e.Suffix != ""
	case HostGlob:
		return globFixed(e.Pattern) > 0
	case HostRegexp:
		return e.Pattern.fixed.len() > 0
	}
	return false
}

// specific returns the greatest specificity with which e matches r, and whether
// it does. What a rule excludes makes it no more specific.
func specific(e Expr, r *Request) (s specificity, ok bool) {
	switch e := e.(type) {
	case And:
		for _, x := range e {
			part, ok := specific(x, r)
			if !ok {
				return specificity{}, false
			}
			s = s.and(part)
		}
		return s, true
	case Or:
		for _, x := range e {
			if part, match := specific(x, r); match && (!ok || part.compare(s) > 0) {
				s, ok = part, true
			}
		}
		return s, ok
	case Host:
		s.host = exactHost
	case HostWildcard:
		s.host = len(e.Suffix)
	case HostGlob:
		s.host = globFixed(e.Pattern)
	case HostRegexp:
		s.host = e.Pattern.fixed.len()
	case Path:
		s.path, s.exact = len(e.Text), true
	case PathPrefix:
		s.path = len(e.Text)
	case PathPrefixFold:
		s.path = len(e.Text)
	case PathGlob:
		s.path = globFixed(e.Pattern)
	case PathRegexp:
		s.path = e.Pattern.fixed.len()
	}
	return s, e.Match(r)
}

func (a specificity) and(b specificity) specificity {
	s := specificity{host: max(a.host, b.host), path: a.path, exact: a.exact}
	if b.path > a.path || b.path == a.path && b.exact {
		s.path, s.exact = b.path, b.exact
	}
	return s
}
