package tags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// ruleMatcher is one matcher of Traefik's rules.
type ruleMatcher struct {
	name string
	// least and most arguments; a most of 0 is any number.
	least, most int
	build       func(p *match.Patterns, args []string) (match.Expr, *argFault)
}

// argFault is what is wrong with one of a matcher's arguments.
type argFault struct {
	index  int // of the argument
	offset int // in it
	reason string
}

// ruleMatchers are those of the v3 syntax.
var ruleMatchers = []ruleMatcher{
	{"Host", 1, 1, each(buildHost)},
	{"HostRegexp", 1, 1, each(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		pattern, fault := compiled(p.Regexp(arg))
		return match.HostRegexp{Pattern: pattern}, fault
	})},
	{"Path", 1, 1, each(buildPath)},
	{"PathPrefix", 1, 1, each(buildPathPrefix)},
	{"PathRegexp", 1, 1, each(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		pattern, fault := compiled(p.Regexp(arg))
		return match.PathRegexp{Pattern: pattern, Routing: true}, fault
	})},
	{"Method", 1, 1, each(buildMethod)},
	{"Header", 2, 2, buildHeader},
	{"HeaderRegexp", 2, 2, buildHeaderRegexp},
	{"Query", 1, 2, buildQuery},
	{"QueryRegexp", 1, 2, func(p *match.Patterns, args []string) (match.Expr, *argFault) {
		if len(args) == 1 {
			return buildQuery(p, args)
		}
		pattern, fault := compiled(p.Regexp(args[1]))
		return match.QueryRegexp{Key: args[0], Pattern: pattern}, fault.at(1)
	}},
	{"ClientIP", 1, 1, each(buildClientIP)},
}

// ruleMatchersV2 are those of the v2 syntax: most take several arguments, and
// hosts and paths are templates.
var ruleMatchersV2 = []ruleMatcher{
	{"Host", 1, 0, each(buildHostV2)},
	{"HostHeader", 1, 0, each(buildHostV2)},
	{"HostRegexp", 1, 0, each(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		pattern, fault := compiled(p.Host(arg))
		return match.HostRegexp{Pattern: pattern}, fault
	})},
	{"Path", 1, 0, each(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		if !strings.ContainsAny(arg, "{}") {
			return buildPath(p, arg)
		}
		pattern, fault := compiled(p.Path(arg))
		return match.PathRegexp{Pattern: pattern, Routing: true}, fault
	})},
	{"PathPrefix", 1, 0, each(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		if !strings.ContainsAny(arg, "{}") {
			return buildPathPrefix(p, arg)
		}
		pattern, fault := compiled(p.PathPrefix(arg))
		return match.PathRegexp{Pattern: pattern, Routing: true}, fault
	})},
	{"Method", 1, 0, each(buildMethod)},
	{"Headers", 2, 2, buildHeader},
	{"HeadersRegexp", 2, 2, buildHeaderRegexp},
	{"Query", 1, 0, buildQueryV2},
	{"ClientIP", 1, 0, each(buildClientIP)},
}

// syntax is a syntax of rules.
type syntax string

const (
	syntaxV3 syntax = "v3"
	syntaxV2 syntax = "v2"
)

func (s syntax) matchers() []ruleMatcher {
	switch s {
	case syntaxV2:
		return ruleMatchersV2
	case syntaxTCP:
		return tcpMatchers
	case syntaxTCPV2:
		return tcpMatchersV2
	case syntaxConstraint:
		return constraintMatchers
	}
	return ruleMatchers
}

// other describes the other syntax if it has a matcher of that name, and otherwise
// asks whether another one is meant.
func (s syntax) other(name string) (hint string) {
	if s == syntaxTCP || s == syntaxTCPV2 {
		return "rules of TCP routers have HostSNI, HostSNIRegexp, ClientIP and ALPN"
	}
	if s == syntaxConstraint {
		return "constraints have Tag and TagRegex"
	}
	theirs, hint := ruleMatchersV2, "this is the syntax of Traefik v2: set rulesyntax=v2 beside the rule"
	if s == syntaxV2 {
		theirs, hint = ruleMatchers, "this is the syntax of Traefik v3: leave rulesyntax out"
	}
	for _, m := range theirs {
		if strings.EqualFold(m.name, name) {
			return hint
		}
	}
	var names []string
	for _, m := range s.matchers() {
		names = append(names, m.name)
	}
	return strings.TrimPrefix(nearest.Hint(name, "", slices.Values(names)), "; ")
}

// buildMatcher makes the condition of a matcher at some place in a rule.
func (p *ruleParser) buildMatcher(name string, at int, args []string, offsets []int) (match.Expr, *ruleError) {
	m, hint := p.syntax.find(name)
	if m.build == nil {
		return nil, &ruleError{at, "unknown matcher " + name, hint}
	}
	if len(args) < m.least || m.most > 0 && len(args) > m.most {
		return nil, &ruleError{at, fmt.Sprintf("%s takes %s, not %d", m.name, m.counts(), len(args)), "several matchers are joined by ||"}
	}
	for i, arg := range args {
		if arg == "" {
			return nil, &ruleError{offsets[i], "the argument is empty", ""}
		}
	}
	e, fault := m.build(p.patterns, args)
	if fault != nil {
		at := offsets[fault.index]
		if fault.offset > 0 {
			at += len("`") + fault.offset
		}
		return nil, &ruleError{at, fault.reason, ""}
	}
	return e, nil
}

// counts says how many arguments a matcher takes.
func (m ruleMatcher) counts() string {
	switch {
	case m.least == 1 && m.most == 1:
		return "one argument"
	case m.most == 0:
		return "one argument or more"
	case m.least == m.most:
		return "two arguments"
	}
	return "one or two arguments"
}

// find finds a matcher by its name as it may be spelled: as it is, in lower
// case, in upper case, or with only the first letter in upper case.
func (s syntax) find(name string) (m ruleMatcher, hint string) {
	for _, m := range s.matchers() {
		if !strings.EqualFold(m.name, name) {
			continue
		}
		lower := strings.ToLower(name)
		switch name {
		case m.name, lower, strings.ToUpper(name), strings.ToUpper(lower[:1]) + lower[1:]:
			return m, ""
		}
		return ruleMatcher{}, "the name is spelled " + m.name
	}
	return ruleMatcher{}, s.other(name)
}

// each makes a matcher of one argument take several, any of which may hold.
func each(build func(p *match.Patterns, arg string) (match.Expr, *argFault)) func(*match.Patterns, []string) (match.Expr, *argFault) {
	return func(p *match.Patterns, args []string) (match.Expr, *argFault) {
		any := make(match.Or, len(args))
		for i, arg := range args {
			e, fault := build(p, arg)
			if fault != nil {
				return nil, fault.at(i)
			}
			any[i] = e
		}
		if len(any) == 1 {
			return any[0], nil
		}
		return any, nil
	}
}

// at is the fault as one of another argument.
func (f *argFault) at(index int) *argFault {
	if f != nil {
		f.index = index
	}
	return f
}

// compiled makes a fault of the error of a pattern.
func compiled(p *match.Pattern, err error) (*match.Pattern, *argFault) {
	var fault *match.PatternError
	switch {
	case errors.As(err, &fault):
		return nil, &argFault{offset: fault.Offset, reason: fault.Reason}
	case err != nil:
		return nil, &argFault{reason: err.Error()}
	}
	return p, nil
}

// buildHost also takes "*.example.com", for one label more, and "*" for any
// host. Addresses of IPv6 stand in brackets in requests, and in rules without.
func buildHost(_ *match.Patterns, arg string) (match.Expr, *argFault) {
	for i := range len(arg) {
		if arg[i] >= 0x80 {
			return nil, &argFault{reason: "the host name is not ASCII: write it in punycode"}
		}
	}
	name := strings.TrimSuffix(strings.ToLower(arg), ".")
	if strings.Count(name, ":") > 1 && name[0] != '[' {
		name = "[" + name + "]"
	}
	suffix, wildcard := strings.CutPrefix(name, "*")
	switch {
	case name == "":
		return nil, &argFault{reason: "the host name is empty"}
	case name == "*":
		return match.HostWildcard{}, nil
	case wildcard && strings.HasPrefix(suffix, "."):
		return match.HostWildcard{Suffix: suffix, OneLabel: true}, nil
	}
	return match.Host{Name: name}, nil
}

// buildHostV2 knows no wildcards.
func buildHostV2(p *match.Patterns, arg string) (match.Expr, *argFault) {
	if strings.Contains(arg, "*") {
		return nil, &argFault{reason: "the v2 syntax has no wildcards in Host: use HostRegexp"}
	}
	return buildHost(p, arg)
}

func buildPath(_ *match.Patterns, arg string) (match.Expr, *argFault) {
	return match.Path{Text: arg, Routing: true}, slashless(arg)
}

func buildPathPrefix(_ *match.Patterns, arg string) (match.Expr, *argFault) {
	return match.PathPrefix{Text: arg, Routing: true}, slashless(arg)
}

func slashless(path string) *argFault {
	if path[0] != '/' {
		return &argFault{reason: "the path does not start with a slash"}
	}
	return nil
}

func buildMethod(_ *match.Patterns, arg string) (match.Expr, *argFault) {
	return match.Method{Name: strings.ToUpper(arg)}, nil
}

func buildHeader(_ *match.Patterns, args []string) (match.Expr, *argFault) {
	return match.Header{Name: args[0], Value: args[1]}, nil
}

func buildHeaderRegexp(p *match.Patterns, args []string) (match.Expr, *argFault) {
	pattern, fault := compiled(p.Regexp(args[1]))
	return match.HeaderRegexp{Name: args[0], Pattern: pattern}, fault.at(1)
}

// buildQuery takes a key alone for an empty value.
func buildQuery(_ *match.Patterns, args []string) (match.Expr, *argFault) {
	q := match.Query{Key: args[0]}
	if len(args) == 2 {
		q.Value = args[1]
	}
	return q, nil
}

// buildQueryV2 takes "key=value" pairs, all of which must hold.
func buildQueryV2(p *match.Patterns, args []string) (match.Expr, *argFault) {
	var all match.And
	for i, arg := range args {
		e, fault := queryPair(p, arg)
		if fault != nil {
			return nil, fault.at(i)
		}
		all = append(all, e)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// queryPair is the condition of "key=value" in the syntaxes of Traefik v1 and
// v2: the value is a template of the first value, and if it is empty any will
// do.
func queryPair(p *match.Patterns, arg string) (match.Expr, *argFault) {
	key, value, ok := strings.Cut(arg, "=")
	switch {
	case !ok || key == "":
		return nil, &argFault{reason: fmt.Sprintf("%q is not of the form key=value", arg)}
	case value == "":
		return match.HasQuery{Key: key}, nil
	case !strings.ContainsAny(value, "{}"):
		return match.Query{Key: key, Value: value, First: true}, nil
	}
	pattern, fault := compiled(p.Query(value))
	if fault != nil {
		fault.offset += len(key) + len("=")
	}
	return match.QueryRegexp{Key: key, Pattern: pattern, First: true}, fault
}

func buildClientIP(_ *match.Patterns, arg string) (match.Expr, *argFault) {
	prefix, err := spec.ParseRange(arg)
	if err != nil {
		return nil, &argFault{reason: err.Error()}
	}
	return match.ClientIP{Range: prefix}, nil
}
