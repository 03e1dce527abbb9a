package tags

import (
	"os"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
)

// Matcher is how the path of a Fabio route is compared with a request's.
type Matcher string

// The matchers of Fabio.
const (
	MatchPrefix     Matcher = "prefix"
	MatchPrefixFold Matcher = "iprefix" // without regard to case
	MatchGlob       Matcher = "glob"    // the whole path with a pattern
)

// fabioSource is a pattern host[:port]/path. The host may be a glob, and so may
// the port: as Fabio has it, the pattern stands for the Host field as it is.
type fabioSource struct {
	host, port, path string
	// bare is set when there was no slash.
	bare bool
}

// expandFabio replaces the variables of a source: there is one, the datacenter.
func expandFabio(src, datacenter string) string {
	return os.Expand(src, func(name string) string {
		if name == "DC" {
			return datacenter
		}
		return ""
	})
}

func (o Options) parseFabioSource(src string) (s fabioSource, err *fabioError) {
	host, path, slash := strings.Cut(src, "/")
	s = fabioSource{host: strings.ToLower(host), path: "/" + path, bare: !slash}
	s.host, s.port = cutPort(s.host)
	if strings.HasSuffix(host, ":") {
		return s, &fabioError{len(host), "the port is missing", ""}
	}
	if i := strings.IndexFunc(s.host, neverInHost); i >= 0 {
		return s, &fabioError{i, "the host has a character that no request's host has", "names in other scripts are asked for in their form xn--…"}
	}
	all, ok := s.authorities(o.FabioPlainHosts)
	if !ok {
		return s, &fabioError{0, "the host is not a valid pattern", "in a pattern, * ? [abc] and {a,b} are special"}
	}
	for _, a := range all {
		if !a.isPort() {
			return s, &fabioError{max(0, len(host)-len(s.port)), "the port is not a number from 1 to 65535", "host:* is for any port that is written, host:80?? for some"}
		}
	}
	if _, ok := globs(s.path); !ok && o.FabioMatcher == MatchGlob {
		return s, &fabioError{len(host), "the path is not a valid pattern", "in a pattern, * ? [abc] and {a,b} are special"}
	}
	return s, nil
}

// is compares what two sources mean.
func (s fabioSource) is(other fabioSource) bool {
	s.bare, other.bare = false, false
	return s == other
}

func (s fabioSource) String() string {
	if s.port == "" {
		return s.host + s.path
	}
	return s.host + ":" + s.port + s.path
}

func (p *parser) fabioPrecedence(s fabioSource, name string) match.Precedence {
	path := s.path
	if p.FabioMatcher == MatchPrefixFold {
		path = strings.ToLower(path) // else the longest would not always be first
	}
	return match.Precedence{Class: match.BySpecificity, Host: s.host, Port: s.port, Path: path, Name: name}
}

// fabioMatch is the condition of a tag.
func (p *parser) fabioMatch(t fabioTag) match.Expr {
	var all match.And
	if t.src.host != "" {
		all = t.src.hostMatch(p.FabioPlainHosts)
	}
	return slices.Concat(all, match.And{p.FabioMatcher.path(t.src.path)}) // without room to grow
}

// path is the condition for a path.
func (m Matcher) path(text string) match.Expr {
	switch m {
	case MatchPrefixFold:
		return match.PathPrefixFold{Text: text}
	case MatchGlob:
		patterns, _ := globs(text)
		if len(patterns) == 1 {
			return match.PathGlob{Pattern: patterns[0]}
		}
		any := match.Or{}
		for _, one := range patterns {
			any = append(any, match.PathGlob{Pattern: one})
		}
		return any
	}
	return match.PathPrefix{Text: text}
}
