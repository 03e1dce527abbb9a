package spec

import (
	"errors"
	"fmt"
	"regexp"
)

// StripPrefix cuts a prefix off the path. What remains gets a leading slash if
// it has none.
type StripPrefix struct {
	// Prefixes are compared with the decoded path as plain strings, in this order.
	// The first that fits is cut; if none does the path stays as it is.
	Prefixes []string `key:"prefixes"`
	// ForceSlash is deprecated and has no effect: there is always a slash.
	ForceSlash bool `key:"forceslash"`
	// AlwaysForwarded replaces X-Forwarded-Prefix by the first prefix on every
	// request, cut or not, as Fabio does. Otherwise what was cut is added to it.
	AlwaysForwarded bool
	// RedirectBare answers a request for the prefix itself, without a slash at its
	// end, by a redirect to it with one: what pages refer to by relative addresses is
	// below the prefix only then.
	RedirectBare bool `key:"redirectbare"`
	// RewriteLocation puts what was cut in front of the paths that answers redirect
	// to, unless that is another host.
	RewriteLocation bool `key:"rewritelocation"`
	// RewriteCookies puts it in front of the paths that cookies of answers are for.
	RewriteCookies bool `key:"rewritecookies"`
}

// Kind implements [Middleware].
func (StripPrefix) Kind() string { return "stripprefix" }

// Validate implements [Middleware].
func (s StripPrefix) Validate() error {
	if len(s.Prefixes) == 0 {
		return errNoPrefix
	}
	return nil
}

var errNoPrefix = errors.New("the middleware has no prefix")

// StripPrefixRegex cuts off what the first expression that matches at the start
// of the decoded path matches.
type StripPrefixRegex struct {
	Regex []string `key:"regex"`
}

// Kind implements [Middleware].
func (StripPrefixRegex) Kind() string { return "stripprefixregex" }

// Validate implements [Middleware].
func (s StripPrefixRegex) Validate() error {
	if len(s.Regex) == 0 {
		return errors.New("the middleware has no expression")
	}
	var errs []error
	for _, text := range s.Regex {
		errs = append(errs, checkRegexp(text))
	}
	return errors.Join(errs...)
}

// StripPrefixTemplate cuts off what the first template that matches the start of
// the decoded path stands for: "/user/{id:[0-9]+}", as in rules of Traefik v1.
type StripPrefixTemplate struct {
	Templates []string
}

// Kind implements [Middleware].
func (StripPrefixTemplate) Kind() string { return "stripprefixtemplate" }

// Validate implements [Middleware].
func (s StripPrefixTemplate) Validate() error {
	if len(s.Templates) == 0 {
		return errNoPrefix
	}
	return nil
}

// AddPrefix puts a prefix, plain text, in front of the path.
type AddPrefix struct {
	Prefix string `key:"prefix"`
}

// Kind implements [Middleware].
func (AddPrefix) Kind() string { return "addprefix" }

// Validate implements [Middleware].
func (a AddPrefix) Validate() error {
	if a.Prefix == "" {
		return errNoPrefix
	}
	return nil
}

// ReplacePath replaces the whole path, plain text, and adds X-Replaced-Path.
type ReplacePath struct {
	Path string `key:"path"`
}

// Kind implements [Middleware].
func (ReplacePath) Kind() string { return "replacepath" }

// Validate implements [Middleware].
func (r ReplacePath) Validate() error {
	if r.Path == "" {
		return errors.New("the middleware has no path")
	}
	return nil
}

// ReplacePathRegex replaces what Regex matches of the path in its encoded form,
// and adds X-Replaced-Path if it matches.
type ReplacePathRegex struct {
	Regex string `key:"regex"`
	// Replacement may refer to groups: $1, ${name}.
	Replacement string `key:"replacement"`
}

// Kind implements [Middleware].
func (ReplacePathRegex) Kind() string { return "replacepathregex" }

// Validate implements [Middleware].
func (r ReplacePathRegex) Validate() error { return checkRegexp(r.Regex) }

// EncodedCharacters refuses (400) paths that hold escapes of characters some
// upstreams take for others, unless they are allowed here.
type EncodedCharacters struct {
	AllowSlash         bool `key:"allowencodedslash"`
	AllowBackslash     bool `key:"allowencodedbackslash"`
	AllowNullCharacter bool `key:"allowencodednullcharacter"`
	AllowSemicolon     bool `key:"allowencodedsemicolon"`
	AllowPercent       bool `key:"allowencodedpercent"`
	AllowQuestionMark  bool `key:"allowencodedquestionmark"`
	AllowHash          bool `key:"allowencodedhash"`
}

// Kind implements [Middleware].
func (EncodedCharacters) Kind() string { return "encodedcharacters" }

// Validate implements [Middleware].
func (EncodedCharacters) Validate() error { return nil }

// maxRegexp bounds an expression's length in bytes: compiling costs a multiple
// of it, and everybody who may register a service may write one.
const maxRegexp = 4096

func checkRegexp(text string) error {
	switch {
	case text == "":
		return errors.New("the expression is empty")
	case len(text) > maxRegexp:
		return fmt.Errorf("the expression has more than %d bytes", maxRegexp)
	}
	_, err := regexp.Compile(text)
	return err
}
