package middleware

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestReplaceIsAsThatOfTheLibrary(t *testing.T) {
	for _, test := range []struct{ expression, text, replacement string }{
		{"a", "banana", "<$0>"}, {"", "abc", "-"}, {"a*", "baac", "x"}, {"(a)(b)?", "ab a", "$2$1${1}x$$"}, {"^", "abc", "y"},
		{"z", "abc", "y"}, {"a|b", "", "y"}, {"(?P<n>.)", "ab", "$n$nx"}, {"$", "ab", "c"},
	} {
		e := regexp.MustCompile(test.expression)
		got, err := replace(e, test.text, test.replacement)
		if want := e.ReplaceAllString(test.text, test.replacement); got != want || err != nil {
			t.Errorf("%+v: %q, %v, want %q", test, got, err, want)
		}
	}
}

func TestReplaceIsBounded(t *testing.T) {
	long := strings.Repeat("x", 30_000)
	for _, test := range []struct{ expression, text, replacement string }{
		{"^.*$", long, "$0$0$0"}, {".", long, "abc"}, {"^.*$", long, strings.Repeat("$0", 2000)}, {"y", strings.Repeat(long, 3), ""},
	} {
		if got, err := replace(regexp.MustCompile(test.expression), test.text, test.replacement); !errors.Is(err, errReplaced) {
			t.Errorf("%s, %.10s: %d bytes, %v", test.expression, test.replacement, len(got), err)
		}
	}
}

func FuzzReplace(f *testing.F) {
	f.Add("(a)|b", "banana", "$1x")
	f.Fuzz(func(t *testing.T, expression, text, replacement string) {
		e, err := regexp.Compile(expression)
		if err != nil || len(text)*len(replacement) > 1<<10 {
			return
		}
		got, err := replace(e, text, replacement)
		if want := e.ReplaceAllString(text, replacement); err != nil || got != want {
			t.Fatalf("%q in %q by %q: %q, %v, want %q", expression, text, replacement, got, err, want)
		}
	})
}
