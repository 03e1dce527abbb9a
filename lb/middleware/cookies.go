package middleware

import (
	"iter"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
)

// cookies are the values of the client's cookies of that name.
func cookies(x *lb.Exchange, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range x.Header.Values("Cookie") {
			for pair := range strings.SplitSeq(line, ";") {
				if n, value, _ := strings.Cut(strings.TrimSpace(pair), "="); n == name && !yield(value) {
					return
				}
			}
		}
	}
}

// removeCookie keeps the client's cookies of that name from the upstream.
func removeCookie(x *lb.Exchange, name string) {
	var rest []string
	for line := range x.Header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if n, _, _ := strings.Cut(pair, "="); n != name && pair != "" {
				rest = append(rest, pair)
			}
		}
	}
	x.Header.Del("Cookie")
	if len(rest) > 0 {
		x.Header.Add("Cookie", strings.Join(rest, "; "))
	}
}
