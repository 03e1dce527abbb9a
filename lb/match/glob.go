package match

import (
	"strings"
	"unicode/utf8"
)

// globMeta are the characters that are special in a pattern.
const globMeta = `*?[\`

// globMatch reports whether the whole text matches a pattern: "*" is any run of
// characters, "?" one character, "[a-z]" one of a class, "[!a]" or "[^a]" one
// outside it, and "\" takes the next character as it is. Nothing is special
// about dots and slashes. A malformed pattern matches nothing.
func globMatch(pattern, text string) bool {
	// Where to go on if the text behind the last star does not fit: one byte
	// later. Going back to a star before it could find nothing new.
	retry, later := "", ""
	starred := false
	for {
		if rest, ok := strings.CutPrefix(pattern, "*"); ok {
			pattern, retry, later, starred = rest, rest, text, true
			continue
		}
		if pattern == "" && text == "" {
			return true
		}
		if p, t, ok := globOne(pattern, text); ok {
			pattern, text = p, t
			continue
		}
		if !starred || later == "" {
			return false
		}
		later = later[1:]
		pattern, text = retry, later
	}
}

// globOne matches one character and returns what is left of both.
func globOne(pattern, text string) (restPattern, restText string, ok bool) {
	if pattern == "" || text == "" {
		return "", "", false
	}
	switch c, size := utf8.DecodeRuneInString(text); pattern[0] {
	case '?':
		return pattern[1:], text[size:], true
	case '[':
		rest, ok := globClass(pattern[1:], c)
		return rest, text[size:], ok
	case '\\':
		pattern = pattern[1:]
	}
	if pattern == "" || pattern[0] != text[0] {
		return "", "", false
	}
	return pattern[1:], text[1:], true
}

// globClass matches one character with a class, from behind its bracket.
func globClass(pattern string, c rune) (rest string, ok bool) {
	negated := strings.HasPrefix(pattern, "!") || strings.HasPrefix(pattern, "^")
	if negated {
		pattern = pattern[1:]
	}
	found := false
	for {
		if rest, end := strings.CutPrefix(pattern, "]"); end {
			return rest, found != negated
		}
		low, more, ok := globRune(pattern)
		if !ok {
			return "", false
		}
		high := low
		if upper, ranged := strings.CutPrefix(more, "-"); ranged {
			if high, more, ok = globRune(upper); !ok {
				return "", false
			}
		}
		found = found || low <= c && c <= high
		pattern = more
	}
}

// globRune takes one character of a class, which may be escaped.
func globRune(pattern string) (c rune, rest string, ok bool) {
	pattern = strings.TrimPrefix(pattern, `\`)
	c, size := utf8.DecodeRuneInString(pattern)
	return c, pattern[size:], size > 0
}

// globPrefix and globSuffix are what every text that matches starts and ends
// with, as far as it is easily told.
func globPrefix(pattern string) string {
	if i := strings.IndexAny(pattern, globMeta); i >= 0 {
		return pattern[:i]
	}
	return pattern
}

func globSuffix(pattern string) string {
	return pattern[strings.LastIndexAny(pattern, globMeta+"]")+1:]
}

// globFixed is how many characters of a pattern are not left open by a star.
func globFixed(pattern string) int { return len(pattern) - strings.Count(pattern, "*") }
