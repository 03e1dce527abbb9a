package match

import "strings"

// Expr is a condition on a request. Expressions are immutable values; Match
// allocates nothing and is safe for concurrent use.
//
// A new kind of condition needs no more than this interface; one that can be
// found by host or path also joins [keyOf].
type Expr interface {
	Match(r *Request) bool
	// String is the condition in the notation of Traefik v3 rules as far as that
	// can express it. It is for people.
	String() string
}

// And holds when all of its parts do; an empty And always holds.
type And []Expr

// Or holds when one of its parts does; an empty Or never holds.
type Or []Expr

// Not holds when X does not.
type Not struct{ X Expr }

// Match implements [Expr].
func (e And) Match(r *Request) bool {
	for _, x := range e {
		if !x.Match(r) {
			return false
		}
	}
	return true
}

// Match implements [Expr].
func (e Or) Match(r *Request) bool {
	for _, x := range e {
		if x.Match(r) {
			return true
		}
	}
	return false
}

// Match implements [Expr].
func (e Not) Match(r *Request) bool { return !e.X.Match(r) }

func (e And) String() string { return join(e, " && ", "All()") }
func (e Or) String() string  { return join(e, " || ", "None()") }
func (e Not) String() string { return "!" + operand(e.X) }

func join(parts []Expr, operator, empty string) string {
	switch len(parts) {
	case 0:
		return empty
	case 1:
		return parts[0].String()
	}
	texts := make([]string, len(parts))
	for i, x := range parts {
		texts[i] = operand(x)
	}
	return strings.Join(texts, operator)
}

// operand is the text of an expression inside another one.
func operand(x Expr) string {
	switch x := x.(type) {
	case And:
		if len(x) > 1 {
			return "(" + x.String() + ")"
		}
	case Or:
		if len(x) > 1 {
			return "(" + x.String() + ")"
		}
	}
	return x.String()
}
