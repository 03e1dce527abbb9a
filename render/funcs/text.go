package funcs

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

func join(separator string, list []string) string { return strings.Join(list, separator) }

// split cuts at the separator; blank text is no element rather than an empty one.
func split(separator, text string) []string {
	text = strings.TrimSpace(text)
	if text == "" {
		return []string{}
	}
	return strings.Split(text, separator)
}

func trim(cutset, text string) string         { return strings.Trim(text, cutset) }
func trimPrefix(prefix, text string) string   { return strings.TrimPrefix(text, prefix) }
func trimSuffix(suffix, text string) string   { return strings.TrimSuffix(text, suffix) }
func replaceAll(from, to, text string) string { return strings.ReplaceAll(text, from, to) }

// toTitle puts the first letter of each word in title case and leaves the rest.
func toTitle(text string) string { return cases.Title(language.Und, cases.NoLower).String(text) }

func regexMatch(pattern, text string) (bool, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return false, fmt.Errorf("regexMatch: %w", err)
	}
	return re.MatchString(text), nil
}

func regexReplaceAll(pattern, replacement, text string) (string, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return "", fmt.Errorf("regexReplaceAll: %w", err)
	}
	return re.ReplaceAllString(text, replacement), nil
}

// indent puts n spaces before every line that is not empty.
func indent(n int, text string) (string, error) {
	if n < 0 {
		return "", fmt.Errorf("indent: %d is negative", n)
	}
	spaces := strings.Repeat(" ", n)
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(spaces)
		}
		b.WriteString(line)
	}
	return b.String(), nil
}
