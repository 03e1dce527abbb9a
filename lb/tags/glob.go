package tags

import (
	"net/netip"
	"path"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
)

// maxGlobs bounds how many patterns the braces of one pattern may stand for.
const maxGlobs = 64

// hostGlob picks the cheapest condition for a pattern of [path.Match].
func hostGlob(pattern string) match.Expr {
	suffix, starred := strings.CutPrefix(pattern, "*")
	switch {
	case !isGlob(pattern):
		return match.Host{Name: pattern}
	case starred && !isGlob(suffix):
		return match.HostWildcard{Suffix: suffix}
	}
	return match.HostGlob{Pattern: pattern}
}

// isGlob reports whether a pattern is more than a name. An IPv6 literal looks
// like a character class but is a name.
func isGlob(pattern string) bool {
	return strings.ContainsAny(pattern, `*?[{}\`) && !isIPv6(pattern)
}

func isIPv6(host string) bool {
	inner, ok := strings.CutPrefix(host, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	ip, err := netip.ParseAddr(inner)
	return ok && closed && err == nil && ip.Is6()
}

// globs turns a pattern in Fabio's syntax into those of [path.Match], one for
// each choice of its braces. It fails if the pattern is malformed.
func globs(pattern string) (patterns []string, ok bool) {
	if !isGlob(pattern) {
		return []string{pattern}, true
	}
	chosen, ok := choices(pattern)
	if !ok {
		return nil, false
	}
	for _, c := range chosen {
		c = globClasses(c)
		if _, err := path.Match(c, ""); err != nil {
			return nil, false
		}
		patterns = append(patterns, c)
	}
	return patterns, true
}

// choices are what braces, which may be nested, stand for.
func choices(pattern string) (all []string, ok bool) {
	open := strings.IndexByte(pattern, '{')
	if open < 0 {
		return []string{pattern}, !strings.Contains(pattern, "}")
	}
	depth, start := 0, open+1
	for i := open; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '{':
			depth++
		case depth == 1 && (c == ',' || c == '}'):
			// The choice and the rest may have further braces.
			more, ok := choices(pattern[:open] + pattern[start:i] + pattern[closing(pattern, i):])
			if all = append(all, more...); !ok || len(all) > maxGlobs {
				return nil, false
			}
			if c == '}' {
				return all, true
			}
			start = i + 1
		case c == '}':
			depth--
		}
	}
	return nil, false
}

// closing is the index behind the brace that closes the one the i-th byte is in.
func closing(pattern string, i int) int {
	for depth := 1; i < len(pattern); i++ {
		switch pattern[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(pattern)
}

// globClasses writes classes as [path.Match] has them: "!" is "^", and only a
// class that begins with a range has one.
func globClasses(pattern string) string {
	var text strings.Builder
	for {
		before, class, found := strings.Cut(pattern, "[")
		text.WriteString(before)
		if !found {
			return text.String()
		}
		text.WriteByte('[')
		if rest, negated := strings.CutPrefix(class, "!"); negated {
			text.WriteByte('^')
			class = rest
		}
		list, rest, closed := strings.Cut(class, "]")
		if len(list) < 3 || list[1] != '-' {
			list = strings.NewReplacer("^", `\^`, "-", `\-`).Replace(list)
		}
		text.WriteString(list)
		if pattern = rest; closed {
			text.WriteByte(']')
		}
	}
}
