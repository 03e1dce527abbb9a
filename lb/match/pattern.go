package match

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"
	"weak"
)

// Pattern is a compiled regular expression or template. It is immutable and
// safe for concurrent use. [Patterns] makes them.
type Pattern struct {
	text   string // as written
	kind   patternKind
	regexp *regexp.Regexp
	fixed  fixed
}

// patternKind is what the text of a pattern means.
type patternKind uint8

const (
	expression patternKind = iota
	hostTemplate
	pathTemplate
	prefixTemplate
	queryTemplate
)

// Match reports whether the text matches: templates as a whole or, if they are
// of prefixes, its start, and regular expressions a part of it unless they are
// anchored.
func (p *Pattern) Match(text string) bool { return p.regexp.MatchString(text) }

// Find returns the part of the text that matches. For a template of prefixes
// that is what a strip of the prefix cuts.
func (p *Pattern) Find(text string) (part string, ok bool) {
	at := p.regexp.FindStringIndex(text)
	if at == nil {
		return "", false
	}
	return text[at[0]:at[1]], true
}

// String is the pattern as written.
func (p *Pattern) String() string { return p.text }

// PatternError is a fault in a pattern.
type PatternError struct {
	// Offset is the byte in the pattern where the fault is.
	Offset int
	Reason string
}

func (e *PatternError) Error() string { return e.Reason }

// Bounds of a pattern. They are far beyond what a rule needs, and keep a
// mistake (or a bad joke) in one tag from costing every request.
const (
	maxPattern = 2048 // bytes of text
	// maxProgram is in steps of the compiled program; matching takes time
	// proportional to it for each byte of the text.
	maxProgram = 4000
)

// Patterns compiles patterns. Equal ones are the same [Pattern] for as long as
// one of its users lives, so that a rule that comes again with each change of
// its service is compiled once. The zero value is ready for use; a nil one
// shares nothing. Its methods may be called from any goroutine; all their
// errors are of type [*PatternError].
type Patterns struct {
	mu    sync.Mutex
	known map[patternKey]weak.Pointer[Pattern]
	// full is the number of patterns at which those no longer in use are looked
	// for.
	full int
}

type patternKey struct {
	kind patternKind
	text string
}

// Regexp compiles a regular expression in Go's syntax (RE2). It holds for a
// part of the text unless it is anchored.
func (p *Patterns) Regexp(text string) (*Pattern, error) { return p.get(patternKey{expression, text}) }

// Host compiles a template of whole host names, such as
// "{sub:[a-z]+}.example.com". Case is ignored; a variable without an expression
// stands for one label.
func (p *Patterns) Host(template string) (*Pattern, error) {
	return p.get(patternKey{hostTemplate, template})
}

// Path compiles a template of whole paths, such as "/user/{id:[0-9]+}". A
// variable without an expression stands for one segment.
func (p *Patterns) Path(template string) (*Pattern, error) {
	return p.get(patternKey{pathTemplate, template})
}

// PathPrefix compiles a template, as [Patterns.Path] does, for the start of
// paths.
func (p *Patterns) PathPrefix(template string) (*Pattern, error) {
	return p.get(patternKey{prefixTemplate, template})
}

// Query compiles a template of a whole query value. A variable without an
// expression stands for anything.
func (p *Patterns) Query(template string) (*Pattern, error) {
	return p.get(patternKey{queryTemplate, template})
}

func (p *Patterns) get(key patternKey) (*Pattern, error) {
	if p == nil {
		return compile(key)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.known[key].Value(); known != nil {
		return known, nil
	}
	made, err := compile(key)
	if err != nil {
		return nil, err
	}
	// The key of its own keeps the tag alive that the text is a part of.
	key.text = strings.Clone(key.text)
	made.text = key.text
	if p.known == nil {
		p.known = map[patternKey]weak.Pointer[Pattern]{}
	}
	p.sweep()
	p.known[key] = weak.Make(made)
	return made, nil
}

// sweep forgets what is no longer in use, each time the number has doubled.
func (p *Patterns) sweep() {
	if len(p.known) < p.full {
		return
	}
	for key, known := range p.known {
		if known.Value() == nil {
			delete(p.known, key)
		}
	}
	p.full = max(64, 2*len(p.known))
}

func compile(key patternKey) (*Pattern, error) {
	if len(key.text) > maxPattern {
		return nil, &PatternError{maxPattern, fmt.Sprintf("the pattern is longer than %d bytes", maxPattern)}
	}
	text := key.text
	if !utf8.ValidString(text) {
		return nil, &PatternError{0, "the pattern is not UTF-8"}
	}
	if key.kind != expression {
		var fault *PatternError
		if text, fault = translate(key.kind, text); fault != nil {
			return nil, fault
		}
	}
	parsed, fault := parseExpression(text)
	if fault != nil {
		return nil, fault
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, &PatternError{0, err.Error()}
	}
	return &Pattern{text: key.text, kind: key.kind, regexp: compiled, fixed: fixedParts(parsed)}, nil
}

// parseExpression parses a regular expression and sees that it compiles to a
// program of acceptable size.
func parseExpression(text string) (*syntax.Regexp, *PatternError) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	var fault *syntax.Error
	switch {
	case errors.As(err, &fault):
		return nil, &PatternError{max(0, strings.Index(text, fault.Expr)), fault.Code.String() + " in the regular expression: " + fault.Expr}
	case err != nil:
		return nil, &PatternError{0, err.Error()}
	case steps(parsed) > maxProgram:
		return nil, &PatternError{0, "the regular expression is too large: its repetitions multiply"}
	}
	return parsed, nil
}

// steps is about the size of the program for an expression.
func steps(re *syntax.Regexp) int {
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpCharClass:
		const rangesPerStep = 16
		n += len(re.Rune) / (2 * rangesPerStep)
	}
	for _, sub := range re.Sub {
		n += steps(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return n
}
