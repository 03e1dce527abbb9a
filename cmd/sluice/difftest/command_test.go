package difftest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// command is one case of testdata/command.
type command struct {
	args    []string
	env     []string
	files   []txtar.File
	differs *difference
}

func TestCommands(t *testing.T) {
	w := newWorld(t)
	paths, err := filepath.Glob("testdata/command/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			c := readCommand(t, path)
			compare(t, w.execute(t, w.theirs, c), w.execute(t, w.ours, c), c.differs)
		})
	}
	t.Logf("%d commands", len(paths))
}

func readCommand(t *testing.T, path string) command {
	t.Helper()
	var c command
	for _, f := range readArchive(t, path).Files {
		switch f.Name {
		case "args":
			c.args = lines(f.Data)
		case "env":
			c.env = lines(f.Data)
		case "differs":
			d := parseDifference(t, path, f.Data)
			c.differs = &d
		default:
			c.files = append(c.files, f)
		}
	}
	return c
}

func lines(data []byte) []string {
	text := strings.TrimSuffix(string(data), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// execute runs one program on the case, in a folder of its own. What the
// folder is called does not show in the outcome.
func (w *world) execute(t *testing.T, p program, c command) outcome {
	t.Helper()
	dir := t.TempDir()
	unpack(t, dir, c.files)
	expand := func(texts []string) []string {
		var expanded []string
		for _, text := range texts {
			expanded = append(expanded, os.Expand(text, func(name string) string {
				switch name {
				case "CONSUL":
					return w.consul.Addr
				case "DIR":
					return dir
				}
				return "$" + name
			}))
		}
		return expanded
	}
	o := p.run(t, dir, w.environment(expand(c.env)...), expand(c.args)...)
	o.stdout = strings.ReplaceAll(o.stdout, dir, "$DIR")
	o.files = strings.ReplaceAll(listFiles(t, dir), dir, "$DIR")
	return o
}
