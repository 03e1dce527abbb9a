package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents is the folder of the pages that are made here, each from its template
// of the same name below testdata, which holds what was written by hand.
const documents = "../../../docs"

// pages are the names of all of them.
func pages(t *testing.T) (names []string) {
	t.Helper()
	parts, err := filepath.Glob("testdata/compatibility/*.md")
	if err != nil || len(parts) == 0 {
		t.Fatalf("no templates found: %v", err)
	}
	for _, path := range parts {
		names = append(names, "compatibility/"+filepath.Base(path))
	}
	return append(names, "compatibility.md")
}

// placeOfCases is where the template wants the cases of a world.
var placeOfCases = regexp.MustCompile(`(?m)^<!-- cases: (\S+) -->$`)

// TestDocuments makes docs/compatibility.md and the pages it leads to from their
// templates and the cases.
func TestDocuments(t *testing.T) {
	shown := map[string]bool{}
	for _, name := range pages(t) {
		made := makePage(t, name, shown)
		page := filepath.Join(documents, name)
		if *update {
			if err := os.WriteFile(page, []byte(made), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != made {
			t.Errorf("%s is not made from the cases: run go test ./cmd/sluice/compat -update", page)
		}
	}
	for _, path := range worlds(t) {
		if !shown[path] {
			t.Errorf("no page in testdata/compatibility shows the cases of %s", path)
		}
	}
}

// makePage makes the page of that name, and adds to shown the worlds whose cases
// are on it.
func makePage(t *testing.T, name string, shown map[string]bool) string {
	t.Helper()
	written, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	made := placeOfCases.ReplaceAllStringFunc(string(written), func(place string) string {
		name := placeOfCases.FindStringSubmatch(place)[1]
		shown[name] = true
		return table(t, name)
	})
	made = placeOfWishes.ReplaceAllStringFunc(made, func(place string) string {
		return wishTable(t, placeOfWishes.FindStringSubmatch(place)[1])
	})
	return "<!-- Made from the cases in cmd/sluice/compat: see testdata/README.md there. -->\n\n" + made
}

// worlds are the names of all of them, as folder/file.
func worlds(t *testing.T) (names []string) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(path, "testdata/"), ".txtar"))
	}
	return names
}

// table is that of the cases of one world, a row for each.
func table(t *testing.T, name string) string {
	t.Helper()
	w, err := readWorld(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	peer := filepath.Dir(name)
	var b strings.Builder
	fmt.Fprintf(&b, "| feature | %s | sluice | test |\n|---|---|---|---|\n", peers[peer].title)
	for _, c := range w.cases {
		fmt.Fprintf(&b, "| %s | %s | %s | `TestCompatibility/%s/%s` |\n", c.feature, c.column(peer), c.ours(peer), name, c.name)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// column has all questions with the peer's answers.
func (c *testCase) column(peer string) string {
	var rows []string
	for _, q := range c.questions {
		rows = append(rows, code(q.String())+" → "+code(q.answers[peer]))
	}
	if peers[peer].env == "" && strings.HasSuffix(c.section, "[R]") {
		rows[0] = "seen: " + rows[0]
	}
	return strings.Join(rows, "<br>")
}

// ours has the answers of sluice that are others.
func (c *testCase) ours(peer string) string {
	var rows []string
	for _, q := range c.questions {
		if answer := q.answers["sluice"]; answer != q.answers[peer] {
			rows = append(rows, code(q.String())+" → "+code(answer))
		}
	}
	if len(rows) == 0 {
		return "the same"
	}
	return c.note + ": " + strings.Join(rows, "<br>")
}

func code(text string) string {
	return "`" + strings.NewReplacer("|", `\|`, "`", "'").Replace(text) + "`"
}

var (
	testName  = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)((?:/[^`]*)?)`")
	testCell  = regexp.MustCompile(`\| ([^|]*) \|$`)
	quoted    = regexp.MustCompile("`([^`]*)`")
	testFuncs = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
)

// TestNamesInDocuments: what these pages call a test is one. In the last column
// of a table whose head says "test", all that is quoted is the name of a test, of a
// case, or of a script, and something is.
func TestNamesInDocuments(t *testing.T) {
	known := tests{functions(t), cases(t)}
	for _, name := range append(pages(t), "reliability.md") {
		checkNames(t, filepath.Join(documents, name), known)
	}
}

// link is one to another page of the documents, or to a part of one.
var link = regexp.MustCompile(`\]\(([\w./-]*\.md)?(?:#([\w-]+))?\)`)

// TestLinksInDocuments: the pages lead to pages there are, and to parts of them.
func TestLinksInDocuments(t *testing.T) {
	all, err := filepath.Glob(documents + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pages(t) {
		all = append(all, filepath.Join(documents, name))
	}
	for _, page := range append(all, "../../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			to := page
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(page), m[1])
			}
			there, err := os.ReadFile(to)
			if err != nil || m[2] != "" && !hasHeading(string(there), m[2]) {
				t.Errorf("%s: there is nothing at %s#%s", page, to, m[2])
			}
		}
	}
}

var heading = regexp.MustCompile(`(?m)^#+ (.*)$`)

// hasHeading reports whether a page has a heading that links call so.
func hasHeading(text, anchor string) bool {
	notInAnchors := regexp.MustCompile(`[^\w\- ]`)
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		if strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}

func checkNames(t *testing.T, page string, known tests) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	column := false
	for n, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "|") {
			column = false
			continue
		}
		if strings.HasSuffix(line, "| test |") {
			column = true
			continue
		}
		for _, m := range testName.FindAllStringSubmatch(line, -1) {
			if !known.has(m[1], m[2]) {
				t.Errorf("%s:%d: there is no test %s%s", page, n+1, m[1], m[2])
			}
		}
		cell := testCell.FindStringSubmatch(line)
		if !column || cell == nil {
			continue
		}
		names := quoted.FindAllStringSubmatch(cell[1], -1)
		if len(names) == 0 && !strings.HasPrefix(line, "|---") {
			t.Errorf("%s:%d: there is no test", page, n+1)
		}
		for _, m := range names {
			if !testName.MatchString(m[0]) && !slices.Contains(known.cases, m[1]) && !isFile("../testdata/script/"+m[1]+".txtar") {
				t.Errorf("%s:%d: there is no case and no script %s", page, n+1, m[1])
			}
		}
	}
}

// functions are the names of all tests of the module.
func functions(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir("../../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range testFuncs.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// cases are the names of all of them, as folder/world/case.
func cases(t *testing.T) (names []string) {
	t.Helper()
	for _, path := range worlds(t) {
		w, err := readWorld(filepath.Join("testdata", path+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range w.cases {
			names = append(names, path+"/"+c.name)
		}
	}
	return names
}

// tests are all that can be named.
type tests struct{ functions, cases []string }

// has reports whether there is that test, and of tests whose parts are files or
// cases that part.
func (all tests) has(name, part string) bool {
	part = strings.TrimPrefix(part, "/")
	switch {
	case !slices.Contains(all.functions, name):
		return false
	case name == "TestCompatibility" && part != "":
		return slices.Contains(all.cases, part)
	case name == "TestGolden" && part != "":
		return isFile("../../../lb/tags/testdata/golden/" + part + ".txtar")
	}
	return true
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
