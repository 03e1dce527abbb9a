package compat

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// placeOfWishes is where the template wants what users of a program asked for.
var placeOfWishes = regexp.MustCompile(`(?m)^<!-- wishes: (\S+) -->$`)

// wish is something that users of a program asked for.
type wish struct {
	text, offer string
	tests       []string // that prove the offer, with their parts
}

// readWishes reads a file of blocks: the wish, what sluice has, and the tests, a line
// each.
func readWishes(path string) (wishes []wish, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var errs []error
	for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		if strings.HasPrefix(block, "#") {
			continue
		}
		lines := strings.Split(strings.TrimSpace(block), "\n")
		w := wish{text: lines[0]}
		if len(lines) > 1 {
			w.offer = lines[1]
		}
		if len(lines) > 2 {
			names, ok := strings.CutPrefix(lines[2], "tests: ")
			if w.tests = strings.Fields(names); !ok || len(lines) > 3 {
				w.tests = nil
			}
		}
		if w.offer == "" || len(w.tests) == 0 {
			errs = append(errs, fmt.Errorf("%s: %q has no offer, or no tests of it", path, w.text))
		}
		wishes = append(wishes, w)
	}
	return wishes, errors.Join(errs...)
}

// wishTable is the table of a program's wishes.
func wishTable(t *testing.T, peer string) string {
	t.Helper()
	wishes, err := readWishes(filepath.Join("testdata", peer, "wishes.txt"))
	if err != nil {
		t.Error(err)
	}
	var b strings.Builder
	b.WriteString("| wish | sluice | test |\n|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`)
	for _, w := range wishes {
		fmt.Fprintf(&b, "| %s | %s | `%s` |\n", cell.Replace(w.text), cell.Replace(w.offer), strings.Join(w.tests, "`, `"))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Faults of the file are not passed over.
func TestWishesWithoutProof(t *testing.T) {
	for text, faulty := range map[string]bool{
		"# a comment\n\nwish\noffer\ntests: TestX a-script": false,
		"wish\noffer":         true,
		"wish":                true,
		"wish\noffer\ntests:": true,
		"wish\noffer\nof two lines\ntests: TestX":            true,
		"one\noffer\ntests: TestX\n\nwish\noffer\nTestX\n\n": true,
	} {
		path := filepath.Join(t.TempDir(), "wishes.txt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readWishes(path); (err != nil) != faulty {
			t.Errorf("%q: %v", text, err)
		}
	}
}
