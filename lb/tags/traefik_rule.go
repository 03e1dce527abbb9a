package tags

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluiceproxy/sluice/lb/match"
)

// parseRule parses a rule of a Traefik v2 or v3 router: matchers such as
// Host(`a`), joined by && and ||, negated by !, grouped by parentheses. Faults
// are given with the byte where they are.
func parseRule(text string, s syntax, patterns *match.Patterns) (match.Expr, error) {
	p := ruleParser{text: text, syntax: s, patterns: patterns}
	p.space()
	if p.at == len(text) {
		return nil, &ruleError{0, "the rule is empty", "Host(`example.com`) or PathPrefix(`/app`)"}
	}
	e, fault := p.or()
	if fault == nil && p.at < len(text) {
		fault = p.unexpected("&&, || or the end")
	}
	if fault != nil {
		if fault.hint == "" && strings.Count(text, "`")%2 == 1 {
			fault.hint = "a back quote is missing: their number is odd"
		}
		return nil, fault
	}
	return e, nil
}

// maxDepth bounds how deep a rule may nest.
const maxDepth = 100

// ruleParser is a parser by recursive descent. Each method leaves it in front
// of the next token.
type ruleParser struct {
	text     string
	syntax   syntax
	patterns *match.Patterns
	at       int
	depth    int
}

func (p *ruleParser) or() (match.Expr, *ruleError) {
	return p.chain("||", (*ruleParser).and, func(parts []match.Expr) match.Expr { return match.Or(parts) })
}

func (p *ruleParser) and() (match.Expr, *ruleError) {
	return p.chain("&&", (*ruleParser).unary, func(parts []match.Expr) match.Expr { return match.And(parts) })
}

// chain parses one or more operands with the same operator between them.
func (p *ruleParser) chain(
	operator string, operand func(*ruleParser) (match.Expr, *ruleError), join func([]match.Expr) match.Expr,
) (match.Expr, *ruleError) {
	var parts []match.Expr
	for {
		e, err := operand(p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
		if !p.accept(operator) {
			break
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return join(slices.Clone(parts)), nil // without room to grow
}

func (p *ruleParser) unary() (match.Expr, *ruleError) {
	if p.depth++; p.depth > maxDepth {
		return nil, &ruleError{p.at, fmt.Sprintf("the rule nests deeper than %d levels", maxDepth), ""}
	}
	defer func() { p.depth-- }()
	switch {
	case p.accept("!"):
		e, err := p.unary()
		return match.Not{X: e}, err
	case p.accept("("):
		opened := p.at - 1
		e, err := p.or()
		if err == nil && !p.accept(")") {
			err = p.unexpected(fmt.Sprintf("the parenthesis that closes the one at %d", opened))
		}
		return e, err
	}
	return p.matcher()
}

// matcher parses NAME(`argument`, …).
func (p *ruleParser) matcher() (match.Expr, *ruleError) {
	start := p.at
	for p.at < len(p.text) && isNameByte(p.text[p.at]) {
		p.at++
	}
	name := p.text[start:p.at]
	p.space()
	if name == "" {
		return nil, p.unexpected("a matcher")
	}
	if !p.accept("(") {
		return nil, p.unexpected("( behind " + name)
	}
	var args []string
	var offsets []int
	for !p.accept(")") {
		if len(args) > 0 && !p.accept(",") {
			return nil, p.unexpected("a comma or )")
		}
		if len(args) > 0 && p.accept(")") { // as Go has it, a comma may be last
			break
		}
		offsets = append(offsets, p.at)
		arg, err := p.literal()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	return p.buildMatcher(name, start, args, offsets)
}

// literal parses a string in back quotes or double quotes.
func (p *ruleParser) literal() (string, *ruleError) {
	start := p.at
	rest := p.text[start:]
	switch {
	case strings.HasPrefix(rest, "`"):
		end := strings.IndexByte(rest[1:], '`')
		if end < 0 {
			return "", &ruleError{start, "the back quote is never closed", "each argument needs a back quote at both ends"}
		}
		p.at += end + 2
	case strings.HasPrefix(rest, `"`):
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return "", &ruleError{start, "the double quote is never closed, or the text in it is malformed", ""}
		}
		p.at += len(quoted)
	case strings.HasPrefix(rest, "'"):
		return "", &ruleError{start, "single quotes are not allowed", "use back quotes"}
	default:
		return "", p.unexpected("an argument in back quotes")
	}
	literal := p.text[start:p.at]
	p.space()
	value, err := strconv.Unquote(literal)
	if err != nil {
		return "", &ruleError{start, "the text in quotes is malformed", ""}
	}
	return value, nil
}

// accept goes past a token and the blanks behind it, if it is next.
func (p *ruleParser) accept(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	p.space()
	return true
}

func (p *ruleParser) space() {
	p.at = len(p.text) - len(strings.TrimLeft(p.text[p.at:], " \t\r\n"))
}

func (p *ruleParser) unexpected(wanted string) *ruleError {
	found := "the end"
	if p.at < len(p.text) {
		c, _ := utf8.DecodeRuneInString(p.text[p.at:])
		found = strconv.QuoteRune(c)
	}
	return &ruleError{p.at, "found " + found + " where " + wanted + " should be", ""}
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
