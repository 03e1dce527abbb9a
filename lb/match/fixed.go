package match

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// fixed is what all texts that match a regular expression have in common.
type fixed struct {
	prefix, suffix string
	whole          bool // prefix is the only text that matches
}

// fixedParts looks for plain text at the anchored ends of an expression.
func fixedParts(re *syntax.Regexp) (f fixed) {
	parts := flatten(nil, re)
	begins := len(parts) > 0 && parts[0].Op == syntax.OpBeginText
	ends := len(parts) > 0 && parts[len(parts)-1].Op == syntax.OpEndText
	if begins {
		parts = parts[1:]
	}
	if ends && len(parts) > 0 {
		parts = parts[:len(parts)-1]
	}
	n := 0
	for ; n < len(parts) && isPlain(parts[n]); n++ {
		f.prefix += string(parts[n].Rune)
	}
	f.whole = begins && ends && n == len(parts)
	for i := len(parts) - 1; i >= 0 && isPlain(parts[i]); i-- {
		f.suffix = string(parts[i].Rune) + f.suffix
	}
	if !begins {
		f.prefix = ""
	}
	if !ends {
		f.suffix = ""
	}
	return f
}

// len is how much is fixed.
func (f fixed) len() int {
	if f.whole {
		return len(f.prefix)
	}
	return len(f.prefix) + len(f.suffix)
}

// flatten appends the parts of an expression that follow one another.
func flatten(parts []*syntax.Regexp, re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			parts = flatten(parts, sub)
		}
		return parts
	case syntax.OpEmptyMatch:
		return parts
	}
	return append(parts, re)
}

// isPlain reports whether an expression stands for its own text and no other.
// The replacement character would also match a byte that is no UTF-8.
func isPlain(re *syntax.Regexp) bool {
	return re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase == 0 && !strings.ContainsRune(string(re.Rune), utf8.RuneError)
}
