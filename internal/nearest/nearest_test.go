package nearest

import (
	"slices"
	"testing"
)

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"adress", "address", 1},
		{"tempalte", "template", 1},
		{"kitten", "sitting", 3},
		{"ca", "abc", 3},
		{"über", "uber", 1},
	}
	for _, tt := range tests {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := distance(tt.b, tt.a); got != tt.want {
			t.Errorf("%q to %q: %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}

func TestTo(t *testing.T) {
	candidates := []string{"template", "wait", "lb", "log_level", "log_format", "admin", "consul"}
	for word, want := range map[string]string{
		"tempalte":   "template",
		"Templates":  "template",
		"loglevel":   "log_level",
		"log_levl":   "log_level",
		"admni":      "admin",
		"w":          "",
		"lbs":        "lb",
		"xy":         "",
		"":           "",
		"completely": "",
	} {
		if got := To(word, slices.Values(candidates)); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
		slices.Reverse(candidates)
	}
}
