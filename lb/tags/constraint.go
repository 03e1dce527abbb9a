package tags

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
)

// Constraint says which instances the Traefik dialects look at. The zero value is
// all of them.
type Constraint struct {
	expr  match.Expr    // of v2/v3, over all tags of an instance
	words []constraint1 // of v1, over the words of its tag "traefik.tags"
}

// ParseConstraint reads Traefik v2/v3's form: Tag(`x`) and TagRegex(`re`), joined by
// &&, || and ! and grouped by parentheses.
func ParseConstraint(text string) (c Constraint, err error) {
	if c.expr, err = parseRule(text, syntaxConstraint, &match.Patterns{}); err != nil {
		return c, fmt.Errorf("the constraint %q is malformed: %w", text, err)
	}
	return c, nil
}

// ParseConstraints1 reads Traefik v1's form, a list of tag==GLOB and tag!=GLOB, all
// of which must hold.
func ParseConstraints1(texts []string) (c Constraint, err error) {
	for _, text := range texts {
		key, glob, unequal := strings.Cut(text, "!=")
		if !unequal {
			var equal bool
			if key, glob, equal = strings.Cut(text, "=="); !equal {
				return c, fmt.Errorf("the constraint %q is neither tag==GLOB nor tag!=GLOB", text)
			}
		}
		if strings.TrimSpace(key) != "tag" {
			return c, fmt.Errorf("the constraint %q is not about tag", text)
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(glob)), `\*`, ".*")
		c.words = append(c.words, constraint1{regexp.MustCompile("^(?s:" + pattern + ")$"), unequal})
	}
	return c, nil
}

// constraint1 is one of v1's: a word must match, or none may.
type constraint1 struct {
	glob *regexp.Regexp
	not  bool
}

// admits reports whether an instance is looked at.
func (c *Constraint) admits(v *view) bool {
	if c.expr != nil && !c.expr.Match(&match.Request{Fields: tagFields(v.Tags)}) {
		return false
	}
	if len(c.words) == 0 {
		return true
	}
	var words []string
	for _, l := range v.labels {
		if strings.EqualFold(l.key, "tags") {
			words = append(words, splitWords(l.value)...)
		}
	}
	return !slices.ContainsFunc(c.words, func(c constraint1) bool {
		return slices.ContainsFunc(words, c.glob.MatchString) == c.not
	})
}

func splitWords(text string) []string {
	words := strings.Split(text, ",")
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return words
}

// tagFields are the tags of an instance as the values of one field, which is what
// the expressions of constraints look at.
type tagFields []string

// Header implements [match.Fields].
func (t tagFields) Header(_ string, i int) (value string, ok bool) {
	if i >= len(t) {
		return "", false
	}
	return t[i], true
}

// Query implements [match.Fields].
func (tagFields) Query(string, int) (value string, ok bool) { return "", false }

const syntaxConstraint syntax = "constraint"

// constraintMatchers are those of constraints.
var constraintMatchers = []ruleMatcher{
	{"Tag", 1, 1, each(func(_ *match.Patterns, arg string) (match.Expr, *argFault) {
		return match.Header{Name: "Tag", Value: arg}, nil
	})},
	{"TagRegex", 1, 1, each(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		pattern, fault := compiled(p.Regexp(arg))
		return match.HeaderRegexp{Name: "Tag", Pattern: pattern}, fault
	})},
}
