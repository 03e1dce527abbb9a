package tags

import (
	"cmp"
	"os"
	"strconv"
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

// fabioSource is a pattern host[:port]/path. The host may be a glob.
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
	if i := strings.LastIndexByte(s.host, ':'); i >= 0 && i > strings.LastIndexByte(s.host, ']') {
		s.host, s.port = s.host[:i], s.host[i+1:]
		if n, err := strconv.ParseUint(s.port, 10, 16); err != nil || n == 0 {
			return s, &fabioError{i + 1, "the port is not a number from 1 to 65535", ""}
		}
	}
	if _, ok := globs(s.host); !ok && !o.FabioPlainHosts {
		return s, &fabioError{0, "the host is not a valid pattern", "in a pattern, * ? [abc] and {a,b} are special"}
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

func (p *parser) fabioPrecedence(s fabioSource) match.Precedence {
	path := s.path
	if p.FabioMatcher == MatchPrefixFold {
		path = strings.ToLower(path) // else the longest would not always be first
	}
	return match.Precedence{Class: match.BySpecificity, Host: s.host, Port: s.port, Path: path, Name: s.String()}
}

// fabioMatch is the condition of a tag. The pattern stands for the whole Host
// field, so without a port it holds only for requests without one; a star at
// its end takes in the port as well.
func (p *parser) fabioMatch(t fabioTag) match.Expr {
	all, s := match.And{}, t.src
	if s.host != "" {
		name, dotted := strings.CutSuffix(s.host, ".")
		open := strings.HasSuffix(s.host, "*") && !p.FabioPlainHosts
		if p.FabioPlainHosts {
			all = append(all, match.Host{Name: name})
		} else {
			all = append(all, hostPattern(name))
		}
		if dotted {
			all = append(all, match.Not{X: match.Undotted{}})
		} else if !open {
			all = append(all, match.Undotted{})
		}
		if s.port != "" || !open {
			port, _ := strconv.ParseUint(cmp.Or(s.port, "0"), 10, 16)
			all = append(all, match.Port{Number: uint16(port)})
		}
	}
	all = append(all, p.FabioMatcher.path(s.path))
	if t.redirect.Code != 0 {
		all = append(all, t.elsewhere())
	}
	return all
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
