package difftest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sync/errgroup"
)

// template is one case of testdata/render, testdata/vault or testdata/nomad.
type template struct {
	name    string
	text    []byte
	stanza  string // further keys of its stanza
	fails   bool
	differs *difference
}

// The templates that render are given to each program all at once, for a start
// takes longer than a template; the others one by one.
func TestTemplates(t *testing.T) {
	newWorld(t).compareTemplates(t, "testdata/render")
}

func (w *world) compareTemplates(t *testing.T, folder string) {
	t.Helper()
	var together, alone []template
	for _, c := range readTemplates(t, folder) {
		if c.fails || c.differs != nil {
			alone = append(alone, c)
		} else {
			together = append(together, c)
		}
	}
	theirs, ours := w.renderAll(t, w.theirs, together), w.renderAll(t, w.ours, together)
	for i, c := range together {
		t.Run(c.name, func(t *testing.T) {
			if theirs[i].exit != 0 {
				t.Error("consul-template fails")
			}
			compare(t, theirs[i], ours[i], nil)
		})
	}
	theirs, ours = w.renderEach(t, w.theirs, alone), w.renderEach(t, w.ours, alone)
	for i, c := range alone {
		t.Run(c.name, func(t *testing.T) {
			if c.fails && theirs[i].exit == 0 {
				t.Errorf("consul-template does not fail; it gave:\n%s", theirs[i])
			}
			compare(t, theirs[i], ours[i], c.differs)
		})
	}
	t.Logf("%d templates", len(together)+len(alone))
}

func readTemplates(t *testing.T, folder string) []template {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	var all []template
	for _, path := range paths {
		topic := strings.TrimSuffix(filepath.Base(path), ".txtar")
		entries := make(map[string][]byte)
		files := readArchive(t, path).Files
		for _, f := range files {
			if _, twice := entries[f.Name]; twice {
				t.Fatalf("%s has two entries %s", path, f.Name)
			}
			entries[f.Name] = f.Data
		}
		for _, f := range files {
			name, isTemplate := strings.CutSuffix(f.Name, ".ctmpl")
			if !isTemplate {
				continue
			}
			c := template{text: f.Data}
			name, c.fails = strings.CutSuffix(name, ".bad")
			c.name = topic + "/" + name
			c.stanza = string(entries[name+".hcl"])
			if differs, ok := entries[name+".differs"]; ok {
				d := parseDifference(t, path+": "+name, differs)
				c.differs = &d
			}
			all = append(all, c)
		}
	}
	return all
}

// renderAll renders all templates in one run. If that fails, a run for each finds
// out whose fault it is.
func (w *world) renderAll(t *testing.T, p program, cases []template) []outcome {
	t.Helper()
	dir := w.workDir(t)
	var config bytes.Buffer
	for _, c := range cases {
		c.writeTo(t, dir, &config)
	}
	run := w.runConfig(t, p, dir, config.Bytes())
	if run.exit != 0 {
		return w.renderEach(t, p, cases)
	}
	outcomes := make([]outcome, len(cases))
	for i, c := range cases {
		outcomes[i] = outcome{files: readText(t, filepath.Join(dir, c.destination()))}
	}
	return outcomes
}

// renderEach renders each template in a run of its own, some at a time.
func (w *world) renderEach(t *testing.T, p program, cases []template) []outcome {
	t.Helper()
	outcomes := make([]outcome, len(cases))
	var group errgroup.Group
	group.SetLimit(4)
	for i, c := range cases {
		dir := w.workDir(t)
		var config bytes.Buffer
		c.writeTo(t, dir, &config)
		group.Go(func() error {
			outcomes[i] = w.runConfig(t, p, dir, config.Bytes())
			outcomes[i].files = readText(t, filepath.Join(dir, c.destination()))
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// workDir is a new folder with the files of the world.
func (w *world) workDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	unpack(t, dir, readArchive(t, "testdata/world/files.txtar").Files)
	return dir
}

// destination is below the working folder.
func (c template) destination() string { return filepath.Join("out", c.name) }

// writeTo writes the template's text below dir and its stanza to config.
func (c template) writeTo(t *testing.T, dir string, config *bytes.Buffer) {
	t.Helper()
	source := filepath.Join("templates", c.name+".ctmpl")
	unpack(t, dir, []txtar.File{{Name: source, Data: c.text}})
	fmt.Fprintf(config, "template {\n  source = %q\n  destination = %q\n%s}\n", source, c.destination(), c.stanza)
}

func (w *world) runConfig(t *testing.T, p program, dir string, config []byte) outcome {
	t.Helper()
	path := filepath.Join(dir, "config.hcl")
	if err := os.WriteFile(path, config, 0o644); err != nil {
		t.Fatal(err)
	}
	return p.run(t, dir, w.environment(), append([]string{"-config", path, "-once", "-log-level=err"}, w.retry...)...)
}

// readText is the content of a file, or nothing if there is no such file.
func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(content)
}
