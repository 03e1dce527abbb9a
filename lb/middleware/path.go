package middleware

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// replacedPath tells the upstream what the path was before it was replaced.
const replacedPath = "X-Replaced-Path"

type stripPrefixRegex struct{ expressions []*regexp.Regexp }

func newStripPrefixRegex(s spec.StripPrefixRegex) stripPrefixRegex {
	return stripPrefixRegex{compileAll(s.Regex)}
}

// Serve implements [lb.Middleware].
func (s stripPrefixRegex) Serve(x *lb.Exchange, next lb.Handler) {
	x.ServeRewritten(s.Preview(x), next)
}

// Preview implements [lb.Previewer].
func (s stripPrefixRegex) Preview(x *lb.Exchange) error {
	for _, e := range s.expressions {
		at := e.FindStringIndex(x.Request.Path)
		if at == nil || at[0] != 0 || at[1] == 0 {
			continue
		}
		return strip(x, x.Request.Path[:at[1]])
	}
	return nil
}

// stripPrefixTemplate cuts what a template of Traefik v1 matches.
type stripPrefixTemplate struct{ templates []*match.Pattern }

func newStripPrefixTemplate(s spec.StripPrefixTemplate) (t stripPrefixTemplate, err error) {
	var patterns *match.Patterns
	for _, text := range s.Templates {
		p, err := patterns.PathPrefix(text)
		if err != nil {
			return t, err
		}
		t.templates = append(t.templates, p)
	}
	return t, nil
}

// Serve implements [lb.Middleware].
func (s stripPrefixTemplate) Serve(x *lb.Exchange, next lb.Handler) {
	x.ServeRewritten(s.Preview(x), next)
}

// Preview implements [lb.Previewer].
func (s stripPrefixTemplate) Preview(x *lb.Exchange) error {
	for _, t := range s.templates {
		if prefix, ok := t.Find(x.Request.Path); ok && prefix != "" {
			return strip(x, prefix)
		}
	}
	return nil
}

var errPrefix = errors.New("what is cut off the path cannot be told in a field")

// strip cuts a prefix off the path, which has it, and tells the upstream.
func strip(x *lb.Exchange, prefix string) error {
	if !httpguts.ValidHeaderFieldValue(prefix) { // the path's escapes stood for it
		return errPrefix
	}
	prefix = strings.Clone(prefix)
	cut, err := x.StripPrefix(prefix)
	if cut && err == nil {
		x.Header.Append("X-Forwarded-Prefix", prefix)
	}
	return err
}

type replacePath spec.ReplacePath

// Serve implements [lb.Middleware].
func (r replacePath) Serve(x *lb.Exchange, next lb.Handler) {
	x.ServeRewritten(r.Preview(x), next)
}

// Preview implements [lb.Previewer].
func (r replacePath) Preview(x *lb.Exchange) error {
	x.Header.Set(replacedPath, x.RawPath)
	return x.ReplacePath(r.Path)
}

type replacePathRegex struct {
	expression  *regexp.Regexp
	replacement string
}

func newReplacePathRegex(s spec.ReplacePathRegex) replacePathRegex {
	return replacePathRegex{regexp.MustCompile(s.Regex), s.Replacement}
}

// Serve implements [lb.Middleware].
func (r replacePathRegex) Serve(x *lb.Exchange, next lb.Handler) {
	x.ServeRewritten(r.Preview(x), next)
}

// Preview implements [lb.Previewer].
func (r replacePathRegex) Preview(x *lb.Exchange) error {
	if !r.expression.MatchString(x.RawPath) {
		return nil
	}
	was := x.RawPath
	x.Header.Set(replacedPath, was)
	replaced, err := replace(r.expression, was, r.replacement)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(replaced, "/") {
		replaced = "/" + replaced
	}
	return x.ReplaceRawPath(lb.SafePath(replaced))
}

// encodedCharacters refuses paths with certain escapes.
type encodedCharacters struct {
	denied []string // in upper case, as "%2F"
}

func newEncodedCharacters(s spec.EncodedCharacters) encodedCharacters {
	var e encodedCharacters
	for _, c := range []struct {
		allowed bool
		escape  string
	}{
		{s.AllowSlash, "%2F"}, {s.AllowBackslash, "%5C"}, {s.AllowNullCharacter, "%00"}, {s.AllowSemicolon, "%3B"},
		{s.AllowPercent, "%25"}, {s.AllowQuestionMark, "%3F"}, {s.AllowHash, "%23"},
	} {
		if !c.allowed {
			e.denied = append(e.denied, c.escape)
		}
	}
	return e
}

// Serve implements [lb.Middleware].
func (e encodedCharacters) Serve(x *lb.Exchange, next lb.Handler) {
	x.ServeRewritten(e.Preview(x), next)
}

// Preview implements [lb.Previewer].
func (e encodedCharacters) Preview(x *lb.Exchange) error {
	if !strings.Contains(x.RawPath, "%") {
		return nil
	}
	path := strings.ToUpper(x.RawPath)
	for _, escape := range e.denied {
		if strings.Contains(path, escape) {
			return fmt.Errorf("the path holds %s, which the route does not allow", escape)
		}
	}
	return nil
}

// compileAll compiles expressions that were validated.
func compileAll(texts []string) []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(texts))
	for i, text := range texts {
		all[i] = regexp.MustCompile(text)
	}
	return all
}
