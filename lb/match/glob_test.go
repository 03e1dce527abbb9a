package match

import (
	"path"
	"strings"
	"testing"
)

func TestGlobMatch(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*.x.com", "a.b.x.com", true},
		{"*.x.com", "x.com", false},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b", "xbxa", false},
		{"*ab", "aab", true},
		{"?", "é", true},
		{"?", "", false},
		{"[a-c]x", "bx", true},
		{"[a-c]x", "dx", false},
		{"[!a-c]x", "dx", true},
		{"[^a-c]x", "ax", false},
		{`[\]]`, "]", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{"/a/*", "/a/b/c", true},
		{"/a/*", "/a", false},
		{"/?/c", "/b/c", true},
		{"[", "[", false},
		{"[a", "a", false},
		{"[a-", "a", false},
		{`\`, `\`, false},
		{strings.Repeat("*a", 50) + "b", strings.Repeat("a", 500), false},
	}
	for _, test := range tests {
		if got := globMatch(test.pattern, test.text); got != test.want {
			t.Errorf("%q on %q: got %t", test.pattern, test.text, got)
		}
	}
}

// FuzzGlobMatch compares with path.Match, which knows the same patterns but for
// slashes and "[!".
func FuzzGlobMatch(f *testing.F) {
	for _, seed := range []struct{ pattern, text string }{
		{"*.x", "a.b.x"}, {"[a-c]?*", "bxy"}, {`\*[^x]`, "*y"}, {"*a*b*c", "aabbcc"}, {"\xff*", "\xff\xfe"},
	} {
		f.Add(seed.pattern, seed.text)
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		want, err := path.Match(pattern, text)
		if err != nil || strings.Contains(text, "/") || strings.Contains(pattern, "[!") {
			globMatch(pattern, text) // must come to an end
			return
		}
		if got := globMatch(pattern, text); got != want {
			t.Errorf("%q on %q: got %t, want %t", pattern, text, got, want)
		}
		if want && (!strings.HasPrefix(text, globPrefix(pattern)) || !strings.HasSuffix(text, globSuffix(pattern))) {
			t.Errorf("%q on %q: the text does not start with %q or end with %q", pattern, text, globPrefix(pattern), globSuffix(pattern))
		}
	})
}
