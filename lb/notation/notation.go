// Package notation reads "key=value[;key=value…]", in which Fabio's users write
// down listeners and certificate sources.
package notation

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// Each calls set for each key of a text, until it fails. Values may be quoted;
// empty ones and keys that come twice are errors.
func Each(text string, set func(key, value string) error) error {
	seen := map[string]bool{}
	for option := range strings.SplitSeq(text, ";") {
		if option = strings.TrimSpace(option); option == "" {
			continue
		}
		key, value, ok := strings.Cut(option, "=")
		key, value = strings.TrimSpace(key), unquote(value)
		switch {
		case !ok || value == "":
			return fmt.Errorf("%q is not of the form key=value", option)
		case seen[key]:
			return fmt.Errorf("%q is given twice", key)
		}
		seen[key] = true
		if err := set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func unquote(value string) string {
	return strings.TrimFunc(value, func(r rune) bool { return r == '"' || unicode.IsSpace(r) })
}

// Duration reads a value such as "30s".
func Duration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 30s", value)
	}
	return d, nil
}

// Unknown says that a word is none of those known, and which was meant.
func Unknown(kind, word string, known []string) error {
	return fmt.Errorf("unknown %s %q%s (supported: %s)", kind, word, nearest.Hint(word, "", slices.Values(known)), strings.Join(known, ", "))
}
