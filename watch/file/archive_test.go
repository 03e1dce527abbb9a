package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// archive is a few files in one text in the txtar format: a comment, then each
// file after a line `-- name --`. The last is the golden part, called want.
type archive struct {
	head  string // all before the golden part
	files []archived
	want  string
}

type archived struct{ name, text string }

func readArchive(t testing.TB, path string) archive {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, want, ok := strings.Cut(string(data), "-- want --\n")
	if !ok {
		t.Fatalf("%s has no part called want", path)
	}
	a := archive{head: head, want: want}
	for line := range strings.Lines(head) {
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			a.files = append(a.files, archived{name: strings.TrimSuffix(name, " --\n")})
		} else if len(a.files) > 0 {
			a.files[len(a.files)-1].text += line
		}
	}
	return a
}

// eachArchive makes a folder of each archive's files and compares what the
// test gets of it with the golden part.
func eachArchive(t *testing.T, pattern string, got func(t *testing.T, dir string) string) {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no test data at %s (%v)", pattern, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a := readArchive(t, path)
			dir := t.TempDir()
			for _, f := range a.files {
				write(t, filepath.Join(dir, f.name), f.text)
			}
			text := got(t, dir)
			if *update {
				if err := os.WriteFile(path, []byte(a.head+"-- want --\n"+text), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if text != a.want {
				t.Errorf("got:\n%s\nwant:\n%s", text, a.want)
			}
		})
	}
}
