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
	choices := []string{strings.ReplaceAll(pattern, "[!", "[^")}
	for {
		open := strings.IndexByte(choices[0], '{')
		if open < 0 {
			break
		}
		var more []string
		for _, c := range choices {
			// All choices have the same text from the first brace on.
			open := strings.IndexByte(c, '{')
			length := strings.IndexAny(c[open+1:], "{}")
			if length < 0 || c[open+1+length] == '{' {
				return nil, false
			}
			for word := range strings.SplitSeq(c[open+1:open+1+length], ",") {
				more = append(more, c[:open]+word+c[open+length+2:])
			}
			if len(more) > maxGlobs {
				return nil, false
			}
		}
		choices = more
	}
	for _, c := range choices {
		if _, err := path.Match(c, ""); err != nil || strings.Contains(c, "}") {
			return nil, false
		}
	}
	return choices, true
}
