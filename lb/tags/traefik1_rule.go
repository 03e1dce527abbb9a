package tags

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// rule1 is a parsed rule of Traefik v1, such as "Host:a,b;PathPrefixStrip:/x".
type rule1 struct {
	match match.And
	strip []string
	add   string
	// slash are paths whose other form, as to the slash at the end, is redirected
	// to them.
	slash []string
}

// ruleError is a fault in a rule and the byte where it is.
type ruleError struct {
	offset       int
	reason, hint string
}

func (e *ruleError) Error() string { return e.reason }

// parseRule1 parses a whole rule. One bad part makes it invalid.
func parseRule1(text string) (r rule1, err error) {
	at, empty := 0, true
	for part := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(part) != "" {
			empty = false
			if err := r.part(words1(part)); err != nil {
				err.offset = at + len(part) - len(strings.TrimLeft(part, " \t"))
				return rule1{}, err
			}
		}
		at += len(part) + len(";")
	}
	if empty {
		return rule1{}, &ruleError{0, "the rule is empty", "Host:example.com or PathPrefix:/app"}
	}
	return r, nil
}

// words1 splits a part at its colons. Repeated ones and those at the edges count
// for nothing.
func words1(part string) []string {
	return slices.DeleteFunc(strings.Split(part, ":"), func(word string) bool { return strings.TrimSpace(word) == "" })
}

func (r *rule1) part(words []string) *ruleError {
	if len(words) == 0 {
		return &ruleError{reason: "there is no matcher before the colon"}
	}
	name := strings.TrimSpace(words[0])
	args := list(strings.Join(words[1:], ":"))
	supported, known := rule1Parts[name]
	switch {
	case !known:
		return &ruleError{reason: "unknown matcher " + name, hint: hintPart1(name)}
	case !supported:
		return &ruleError{reason: "matcher " + name + " is not supported yet"}
	case len(args) == 0:
		return &ruleError{reason: "matcher " + name + " has no argument", hint: name + ":value"}
	}
	switch name {
	case "Host":
		r.match = append(r.match, anyOf(args, func(arg string) match.Expr {
			return match.Host{Name: strings.ToLower(arg)}
		}), match.Undotted{})
		return nil
	case "Method":
		r.match = append(r.match, anyOf(args, func(arg string) match.Expr {
			return match.Method{Name: strings.ToUpper(arg)}
		}))
		return nil
	}
	return r.path(name, args)
}

// rule1Parts are the names of Traefik v1, and whether they are supported.
var rule1Parts = map[string]bool{
	"Host": true, "Method": true, "Path": true, "PathPrefix": true, "PathStrip": true, "PathPrefixStrip": true, "AddPrefix": true,
	"HostRegexp": false, "PathStripRegex": false, "PathPrefixStripRegex": false, "ReplacePath": false,
	"ReplacePathRegex": false, "Headers": false, "HeadersRegexp": false, "Query": false,
}

func (r *rule1) path(name string, args []string) *ruleError {
	for _, arg := range args {
		switch {
		case arg[0] != '/':
			return &ruleError{reason: "path " + arg + " does not start with a slash", hint: "/" + arg}
		case strings.ContainsAny(arg, "{}") && name != "AddPrefix":
			return &ruleError{reason: "path templates such as " + arg + " are not supported yet"}
		}
	}
	switch name {
	case "AddPrefix":
		r.add = args[len(args)-1]
		return nil
	case "PathPrefix", "PathPrefixStrip":
		r.match = append(r.match, anyOf(args, func(arg string) match.Expr { return match.PathPrefix{Text: arg} }))
	case "Path", "PathStrip":
		r.slash = append(r.slash, args...)
		both := make([]string, 0, 2*len(args))
		for _, arg := range args {
			both = append(both, arg)
			if other := toggleSlash(arg); other != "" && !slices.Contains(args, other) {
				both = append(both, other)
			}
		}
		r.match = append(r.match, anyOf(both, func(arg string) match.Expr { return match.Path{Text: arg} }))
	}
	if strings.HasSuffix(name, "Strip") {
		// The list of the last part counts, and in it the longest prefix.
		r.strip = slices.Clone(args)
		slices.SortStableFunc(r.strip, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	return nil
}

// steps are the changes to the path, in the order Traefik v1 makes them.
func (r rule1) steps() (steps []spec.Middleware) {
	if len(r.strip) > 0 {
		steps = append(steps, spec.StripPrefix{Prefixes: r.strip})
	}
	if r.add != "" {
		steps = append(steps, spec.AddPrefix{Prefix: r.add})
	}
	return steps
}

// expr is the rule's condition; a rule of modifiers alone always holds.
func (r rule1) expr() match.Expr {
	if len(r.match) == 1 {
		return r.match[0]
	}
	return r.match
}

// toggleSlash is a path with or without the slash at its end; "/" has no other
// form.
func toggleSlash(path string) string {
	if without, ok := strings.CutSuffix(path, "/"); ok {
		return without
	}
	return path + "/"
}

func anyOf(args []string, leaf func(arg string) match.Expr) match.Expr {
	if len(args) == 1 {
		return leaf(args[0])
	}
	any := make(match.Or, len(args))
	for i, arg := range args {
		any[i] = leaf(arg)
	}
	return any
}

func hintPart1(name string) string {
	for known := range rule1Parts {
		if strings.EqualFold(known, name) {
			return "the name is spelled " + known
		}
	}
	if strings.ContainsAny(name, "(`") {
		return "this is the syntax of Traefik v2/v3: use traefik.http.routers.NAME.rule"
	}
	return ""
}
