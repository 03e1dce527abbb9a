package middleware

import (
	"errors"
	"regexp"
	"strings"
)

// maxReplaced bounds in bytes what replacements make of a text: everybody who may
// register a service may write one that repeats what it has found a thousand times.
const maxReplaced = 64 << 10

var errReplaced = errors.New("what the replacement makes of it is too long")

// replace is as [regexp.Regexp.ReplaceAllString].
func replace(e *regexp.Regexp, text, replacement string) (string, error) {
	references := strings.Count(replacement, "$")
	made, end := []byte(nil), 0
	for _, at := range e.FindAllStringSubmatchIndex(text, -1) {
		made = append(made, text[end:at[0]]...)
		// No group is longer than the match it is of.
		if len(made)+len(replacement)+references*(at[1]-at[0]) > maxReplaced {
			return "", errReplaced
		}
		made = e.ExpandString(made, replacement, text, at)
		end = at[1]
	}
	if len(made)+len(text)-end > maxReplaced {
		return "", errReplaced
	}
	return string(append(made, text[end:]...)), nil
}
