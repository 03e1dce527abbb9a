package tags

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// rule1 is a parsed rule of Traefik v1, such as "Host:a,b;PathPrefixStrip:/x".
type rule1 struct {
	match match.And
	// slash are paths whose other form, as to the slash at the end, is redirected
	// to them.
	slash []string
	// exact leaves that out.
	exact bool

	// What is done to the path. Of several parts that cut, the last one counts.
	strip       []string
	cutAt       int // where in match the condition is of what is cut
	stripRegex  []string
	add         string
	replaceFrom string
	replaceTo   string
	replace     string
}

// ruleError is a fault in a rule and the byte where it is.
type ruleError struct {
	offset       int
	reason, hint string
}

func (e *ruleError) Error() string { return e.reason }

// parseRule1 parses a whole rule. One bad part makes it invalid.
func parseRule1(text string, patterns *match.Patterns) (r rule1, err error) {
	if err := r.parse(text, patterns); err != nil {
		return rule1{}, err
	}
	return r, nil
}

func (r *rule1) parse(text string, patterns *match.Patterns) error {
	at, empty := 0, true
	for part := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(part) != "" {
			empty = false
			if err := r.part(words1(part), patterns); err != nil {
				err.offset = at + len(part) - len(strings.TrimLeft(part, " \t"))
				return err
			}
		}
		at += len(part) + len(";")
	}
	if empty {
		return &ruleError{0, "the rule is empty", "Host:example.com or PathPrefix:/app"}
	}
	return nil
}

// words1 splits a part at its colons. Repeated ones and those at the edges count
// for nothing.
func words1(part string) []string {
	return slices.DeleteFunc(strings.Split(part, ":"), func(word string) bool { return strings.TrimSpace(word) == "" })
}

// rule1Parts are the matchers and modifiers of rules.
var rule1Parts = map[string]func(r *rule1, p *match.Patterns, args []string) *argFault{
	"Host": func(r *rule1, _ *match.Patterns, args []string) *argFault {
		r.match = append(r.match, anyOf(args, func(arg string) match.Expr {
			return match.Host{Name: strings.ToLower(arg)}
		}), match.Undotted{})
		return nil
	},
	"HostRegexp": matcher1(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		pattern, fault := compiled(p.Host(arg))
		return match.HostRegexp{Pattern: pattern}, fault
	}),
	"Method":               matcher1(buildMethod),
	"Path":                 (*rule1).path,
	"PathStrip":            (*rule1).pathStrip,
	"PathStripRegex":       (*rule1).pathStripRegex,
	"PathPrefix":           matcher1(prefix1),
	"PathPrefixStrip":      (*rule1).prefixStrip,
	"PathPrefixStripRegex": (*rule1).prefixStripRegex,
	"Headers":              pairs1(buildHeader),
	"HeadersRegexp":        pairs1(buildHeaderRegexp),
	"Query": func(r *rule1, p *match.Patterns, args []string) *argFault {
		e, fault := buildQueryV2(p, args)
		r.match = append(r.match, e)
		return fault
	},
	"AddPrefix": func(r *rule1, _ *match.Patterns, args []string) *argFault {
		r.add = args[len(args)-1]
		return rooted(args)
	},
	"ReplacePath": func(r *rule1, _ *match.Patterns, args []string) *argFault {
		r.replace = args[len(args)-1]
		return rooted(args)
	},
	"ReplacePathRegex": func(r *rule1, _ *match.Patterns, args []string) *argFault {
		from, to, ok := strings.Cut(args[len(args)-1], " ")
		if !ok || strings.Contains(to, " ") {
			return &argFault{reason: "ReplacePathRegex takes an expression and a replacement with one space between them"}
		}
		if _, err := regexp.Compile(from); err != nil {
			return &argFault{reason: err.Error()}
		}
		r.replaceFrom, r.replaceTo = from, to
		return nil
	},
}

func (r *rule1) part(words []string, patterns *match.Patterns) *ruleError {
	if len(words) == 0 {
		return &ruleError{reason: "there is no matcher before the colon"}
	}
	name := strings.TrimSpace(words[0])
	args := spec.List(strings.Join(words[1:], ":"))
	build := rule1Parts[name]
	switch {
	case build == nil:
		return &ruleError{reason: "unknown matcher " + name, hint: hintPart1(name)}
	case len(args) == 0:
		return &ruleError{reason: "matcher " + name + " has no argument", hint: name + ":value"}
	}
	if fault := build(r, patterns, args); fault != nil {
		return &ruleError{reason: fault.reason}
	}
	return nil
}

// matcher1 is a part any of whose arguments may hold.
func matcher1(build func(p *match.Patterns, arg string) (match.Expr, *argFault)) func(*rule1, *match.Patterns, []string) *argFault {
	all := each(build)
	return func(r *rule1, p *match.Patterns, args []string) *argFault {
		e, fault := all(p, args)
		r.match = append(r.match, e)
		return fault
	}
}

// pairs1 is a part whose arguments are pairs of a name and a value, all of which
// must hold.
func pairs1(build func(p *match.Patterns, args []string) (match.Expr, *argFault)) func(*rule1, *match.Patterns, []string) *argFault {
	return func(r *rule1, p *match.Patterns, args []string) *argFault {
		if len(args)%2 != 0 {
			return &argFault{reason: "the arguments are no pairs of a name and a value"}
		}
		for pair := range slices.Chunk(args, 2) {
			e, fault := build(p, pair)
			if fault != nil {
				return fault
			}
			r.match = append(r.match, e)
		}
		return nil
	}
}

// path matches whole paths; the form with the slash at the end or without it,
// whichever is not given, is redirected.
func (r *rule1) path(p *match.Patterns, args []string) *argFault {
	if fault := rooted(args); fault != nil {
		return fault
	}
	var any match.Or
	for _, arg := range args {
		if isTemplate(arg) {
			pattern, fault := compiled(p.Path(arg))
			if fault != nil {
				return fault
			}
			any = append(any, match.PathRegexp{Pattern: pattern})
			continue
		}
		any = append(any, match.Path{Text: arg})
		if r.exact {
			continue
		}
		r.slash = append(r.slash, arg)
		if other := toggleSlash(arg); other != "" && !slices.Contains(args, other) {
			any = append(any, match.Path{Text: other})
		}
	}
	if len(any) == 1 {
		r.match = append(r.match, any[0])
	} else {
		r.match = append(r.match, any)
	}
	return nil
}

func (r *rule1) pathStrip(p *match.Patterns, args []string) *argFault {
	r.cut(args)
	return r.path(p, args)
}

func (r *rule1) pathStripRegex(p *match.Patterns, args []string) *argFault {
	r.cutTemplates(args)
	return r.path(p, args)
}

func (r *rule1) prefixStrip(p *match.Patterns, args []string) *argFault {
	r.cut(args)
	return matcher1(prefix1)(r, p, args)
}

func (r *rule1) prefixStripRegex(p *match.Patterns, args []string) *argFault {
	r.cutTemplates(args)
	return matcher1(prefix1)(r, p, args)
}

// cut has the longest of the prefixes that fits cut off.
func (r *rule1) cut(args []string) {
	r.strip, r.cutAt = slices.Clone(args), len(r.match)
	slices.SortStableFunc(r.strip, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

func (r *rule1) cutTemplates(args []string) { r.stripRegex = args }

func prefix1(p *match.Patterns, arg string) (match.Expr, *argFault) {
	if fault := rooted([]string{arg}); fault != nil || !isTemplate(arg) {
		return match.PathPrefix{Text: arg}, fault
	}
	pattern, fault := compiled(p.PathPrefix(arg))
	return match.PathRegexp{Pattern: pattern}, fault
}

func isTemplate(arg string) bool { return strings.ContainsAny(arg, "{}") }

func rooted(args []string) *argFault {
	for _, arg := range args {
		if arg[0] != '/' {
			return &argFault{reason: fmt.Sprintf("path %s does not start with a slash", arg)}
		}
	}
	return nil
}

// steps are the changes to the path, in the order Traefik v1 makes them whatever
// that of the rule.
func (r rule1) steps() (steps []spec.Middleware) {
	if len(r.stripRegex) > 0 {
		steps = append(steps, spec.StripPrefixTemplate{Templates: r.stripRegex})
	}
	if len(r.strip) > 0 {
		steps = append(steps, spec.StripPrefix{Prefixes: r.strip})
	}
	if r.add != "" {
		steps = append(steps, spec.AddPrefix{Prefix: r.add})
	}
	if r.replaceFrom != "" {
		steps = append(steps, spec.ReplacePathRegex{Regex: r.replaceFrom, Replacement: r.replaceTo})
	}
	if r.replace != "" {
		steps = append(steps, spec.ReplacePath{Path: r.replace})
	}
	return steps
}

// bare is the condition of requests for prefixes that are cut with the slash at
// their end, without that slash, empty if there are none.
func (r rule1) bare() match.And {
	var paths match.Or
	for _, prefix := range r.strip {
		if path, ok := strings.CutSuffix(prefix, "/"); ok && path != "" {
			paths = append(paths, match.Path{Text: path})
		}
	}
	if len(paths) == 0 {
		return nil
	}
	all := match.And{paths}
	for i, e := range r.match {
		if i != r.cutAt {
			all = append(all, e)
		}
	}
	return all
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
	if strings.ContainsAny(name, "(`") {
		return "this is the syntax of Traefik v2/v3: use traefik.http.routers.NAME.rule"
	}
	return strings.TrimPrefix(nearest.Hint(name, "", maps.Keys(rule1Parts)), "; ")
}
