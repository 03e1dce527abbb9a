package match

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Path holds for exactly one path, in the case given.
type Path struct {
	Text string
	// Routing compares with [Request.RoutingPath] in place of Path.
	Routing bool
}

// PathPrefix holds for paths that start with Text, as plain strings: "/a" is a
// prefix of "/abc".
type PathPrefix struct {
	Text    string
	Routing bool // as in [Path]
}

// PathPrefixFold is PathPrefix without regard to case.
type PathPrefixFold struct{ Text string }

// PathGlob holds for paths that match a pattern as a whole: "*" and "?" also
// stand for slashes; the rest of the syntax is that of [HostGlob].
type PathGlob struct{ Pattern string }

// PathRegexp holds for paths that match.
type PathRegexp struct {
	Pattern *Pattern
	Routing bool // as in [Path]
}

// Match implements [Expr].
func (e Path) Match(r *Request) bool { return r.path(e.Routing) == e.Text }

// Match implements [Expr].
func (e PathPrefix) Match(r *Request) bool { return strings.HasPrefix(r.path(e.Routing), e.Text) }

// Match implements [Expr].
func (e PathPrefixFold) Match(r *Request) bool { return hasPrefixFold(r.Path, e.Text) }

// Match implements [Expr].
func (e PathGlob) Match(r *Request) bool { return globMatch(e.Pattern, r.Path) }

// Match implements [Expr].
func (e PathRegexp) Match(r *Request) bool { return e.Pattern.Match(r.path(e.Routing)) }

func (e Path) String() string           { return call("Path", e.Text) }
func (e PathPrefix) String() string     { return call("PathPrefix", e.Text) }
func (e PathPrefixFold) String() string { return call("PathPrefixFold", e.Text) }
func (e PathGlob) String() string       { return call("PathGlob", e.Pattern) }

func (e PathRegexp) String() string {
	switch e.Pattern.kind {
	case pathTemplate:
		return call("Path", e.Pattern.String())
	case prefixTemplate:
		return call("PathPrefix", e.Pattern.String())
	}
	return call("PathRegexp", e.Pattern.String())
}

func (r *Request) path(routing bool) string {
	if routing && r.RoutingPath != "" {
		return r.RoutingPath
	}
	return r.Path
}

// hasPrefixFold compares without regard to case. ASCII letters equal ASCII
// letters only, so that a path can be found by them (the Kelvin sign is a "k"
// in lower case).
func hasPrefixFold(path, prefix string) bool {
	for prefix != "" {
		if path == "" {
			return false
		}
		a, b := path[0], prefix[0]
		if a < utf8.RuneSelf || b < utf8.RuneSelf {
			if lowerByte(a) != lowerByte(b) {
				return false
			}
			path, prefix = path[1:], prefix[1:]
			continue
		}
		x, size := utf8.DecodeRuneInString(path)
		y, width := utf8.DecodeRuneInString(prefix)
		if x != y && unicode.ToLower(x) != unicode.ToLower(y) {
			return false
		}
		path, prefix = path[size:], prefix[width:]
	}
	return true
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// lowerASCII is the start of a text that is all ASCII, in lower case.
func lowerASCII(text string) string {
	if i := strings.IndexFunc(text, func(c rune) bool { return c >= utf8.RuneSelf }); i >= 0 {
		text = text[:i]
	}
	return strings.ToLower(text)
}
