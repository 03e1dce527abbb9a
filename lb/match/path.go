package match

import "strings"

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

// Match implements [Expr].
func (e Path) Match(r *Request) bool { return r.path(e.Routing) == e.Text }

// Match implements [Expr].
func (e PathPrefix) Match(r *Request) bool { return strings.HasPrefix(r.path(e.Routing), e.Text) }

func (e Path) String() string       { return call("Path", e.Text) }
func (e PathPrefix) String() string { return call("PathPrefix", e.Text) }

func (r *Request) path(routing bool) string {
	if routing && r.RoutingPath != "" {
		return r.RoutingPath
	}
	return r.Path
}
