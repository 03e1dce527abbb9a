package tags

import (
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
)

// ruleMatcher is one matcher of Traefik v3 rules.
type ruleMatcher struct {
	name string
	// build makes the condition of an argument, or says what is wrong with it.
	// Without it the matcher is not supported yet.
	build func(arg string) (e match.Expr, reason string)
}

var ruleMatchers = []ruleMatcher{
	{"Host", buildHost},
	{"Path", func(arg string) (match.Expr, string) {
		return match.Path{Text: arg, Routing: true}, slashless(arg)
	}},
	{"PathPrefix", func(arg string) (match.Expr, string) {
		return match.PathPrefix{Text: arg, Routing: true}, slashless(arg)
	}},
	{"Method", func(arg string) (match.Expr, string) {
		return match.Method{Name: strings.ToUpper(arg)}, ""
	}},
	{"HostRegexp", nil},
	{"PathRegexp", nil},
	{"Header", nil},
	{"HeaderRegexp", nil},
	{"Query", nil},
	{"QueryRegexp", nil},
	{"ClientIP", nil},
}

// buildMatcher makes the condition of a matcher at some place in a rule.
func buildMatcher(name string, at int, args []string, offsets []int) (match.Expr, *ruleError) {
	m, hint := findMatcher(name)
	switch {
	case m.name == "":
		return nil, &ruleError{at, "unknown matcher " + name, hint}
	case m.build == nil:
		return nil, &ruleError{at, "matcher " + m.name + " is not supported yet", ""}
	case len(args) != 1:
		return nil, &ruleError{at, fmt.Sprintf("%s takes one argument, not %d", m.name, len(args)), "several matchers are joined by ||"}
	case args[0] == "":
		return nil, &ruleError{offsets[0], "the argument is empty", ""}
	}
	e, reason := m.build(args[0])
	if reason != "" {
		return nil, &ruleError{offsets[0], reason, ""}
	}
	return e, nil
}

// findMatcher finds a matcher by its name as it may be spelled: as it is, in
// lower case, in upper case, or with only the first letter in upper case.
func findMatcher(name string) (m ruleMatcher, hint string) {
	for _, m := range ruleMatchers {
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
	switch strings.ToLower(name) {
	case "headers", "headersregexp", "hostheader":
		return ruleMatcher{}, "this is the syntax of Traefik v2"
	}
	return ruleMatcher{}, ""
}

// buildHost also takes "*.example.com", for one label more, and "*" for any
// host.
func buildHost(arg string) (match.Expr, string) {
	for i := range len(arg) {
		if arg[i] >= 0x80 {
			return nil, "the host name is not ASCII: write it in punycode"
		}
	}
	name := strings.TrimSuffix(strings.ToLower(arg), ".")
	suffix, wildcard := strings.CutPrefix(name, "*")
	switch {
	case name == "":
		return nil, "the host name is empty"
	case name == "*":
		return match.HostWildcard{}, ""
	case wildcard && strings.HasPrefix(suffix, "."):
		return match.HostWildcard{Suffix: suffix, OneLabel: true}, ""
	}
	return match.Host{Name: name}, ""
}

func slashless(path string) (reason string) {
	if path[0] != '/' {
		return "the path does not start with a slash"
	}
	return ""
}
