package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// world is one file of cases; see testdata/README.md.
type world struct {
	path    string
	archive *txtar.Archive
	lines   []string // of the archive's file "cases"
	cases   []*testCase
}

type testCase struct {
	name, section, feature, note string

	instances []instance
	keys      []key
	questions []*question
}

// instance is one that is registered.
type instance struct {
	backend, service string
	kind             string
	weight           int
	maintenance      bool
	checks           []string
	tags             []string
}

type key struct{ name, value string }

// question is one that both programs are asked.
type question struct {
	times     int
	words     []string // behind ">": GET /path …
	fields    []string // of the request, as "Name: value"
	body      string
	proxy     string
	seen, got []string
	clientSays

	end     int               // the line behind the question
	answers map[string]string // by program
}

const casesFile = "cases"

func readWorld(path string) (*world, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return nil, err
	}
	w := &world{path: path, archive: archive}
	w.lines = strings.Split(strings.TrimSpace(w.file(casesFile)), "\n")
	for i, line := range w.lines {
		if err := w.parse(i, line); err != nil {
			return nil, fmt.Errorf("%s, line %d of the cases: %w", path, i+1, err)
		}
	}
	if len(w.cases) == 0 {
		return nil, fmt.Errorf("%s: no cases", path)
	}
	return w, nil
}

// name is that of the file.
func (w *world) name() string { return strings.TrimSuffix(filepath.Base(w.path), ".txtar") }

// freezes reports whether the peer never gets ready with what is registered.
func (w *world) freezes() bool { return strings.Contains(string(w.archive.Comment), "never ready") }

// isApart reports whether the programs run one after the other, for they would be
// in each other's way.
func (w *world) isApart() bool {
	return strings.Contains(string(w.archive.Comment), "one after the other")
}

// isMigrated reports whether what it asks is to be had without the peer's own
// configuration, too.
func (w *world) isMigrated() bool {
	return !strings.Contains(string(w.archive.Comment), "never migrated")
}

func (w *world) file(name string) string {
	for _, f := range w.archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func (w *world) parse(at int, line string) error {
	if strings.TrimSpace(line) == "" {
		return nil
	}
	if title, ok := strings.CutPrefix(line, "## "); ok {
		parts := strings.SplitN(title, "|", 3)
		if len(parts) != 3 {
			return fmt.Errorf("a case is ## name | section | feature")
		}
		c := &testCase{name: strings.TrimSpace(parts[0]), section: strings.TrimSpace(parts[1]), feature: strings.TrimSpace(parts[2])}
		if slices.ContainsFunc(w.cases, func(o *testCase) bool { return o.name == c.name }) {
			return fmt.Errorf("%s is there twice", c.name)
		}
		w.cases = append(w.cases, c)
		return nil
	}
	if len(w.cases) == 0 {
		return fmt.Errorf("%q stands in front of the first case", line)
	}
	return w.cases[len(w.cases)-1].parse(at, line)
}

func (c *testCase) parse(at int, line string) error {
	var q *question
	if n := len(c.questions); n > 0 {
		q = c.questions[n-1]
	}
	text := strings.NewReplacer("{case}", c.name, "{host}", c.name+".test").Replace(line)
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "":
		return c.indented(strings.TrimPrefix(text, "  "))
	case "note:":
		c.note = rest
		return nil
	case "instance":
		return c.parseInstance(rest)
	case "key":
		c.keys = append(c.keys, key{name: rest})
		return nil
	case ">":
		return c.ask(at, rest)
	}
	if q == nil {
		return fmt.Errorf("%q belongs to no question", line)
	}
	switch word {
	case "+":
		q.fields = append(q.fields, rest)
	case "body:":
		q.body = rest
	case "proxy:":
		q.proxy = rest
	case "until:":
		q.until = rest
	case "beside:":
		q.beside = rest
	case "login:":
		q.login = rest
	case "stream:":
		q.stream = rest == "yes"
	case "cookies:":
		q.cookies = rest == "kept"
	case "seen:":
		q.seen = strings.Split(rest, ", ")
	case "got:":
		q.got = strings.Split(rest, ", ")
	default:
		if _, known := peers[word]; !known && word != "sluice" {
			return fmt.Errorf("%q is nothing a case has", line)
		}
		q.answers[word] = rest
		return nil
	}
	q.end = at + 1
	return nil
}

// indented takes a tag of an instance, or a line of a key's value.
func (c *testCase) indented(text string) error {
	switch {
	case len(c.keys) > 0:
		c.keys[len(c.keys)-1].value += text + "\n"
	case len(c.instances) > 0:
		i := &c.instances[len(c.instances)-1]
		i.tags = append(i.tags, text)
	default:
		return fmt.Errorf("%q belongs to nothing", text)
	}
	return nil
}

func (c *testCase) parseInstance(text string) error {
	if len(c.keys) > 0 {
		return fmt.Errorf("instances stand in front of keys")
	}
	words := strings.Fields(text)
	i := instance{backend: words[0], service: c.name, checks: []string{"passing"}}
	for _, word := range words[1:] {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "service":
			i.service = strings.ReplaceAll(value, "_", " ")
		case "maintenance":
			i.maintenance = true
		case "kind":
			i.kind = value
		case "weight":
			if _, err := fmt.Sscan(value, &i.weight); err != nil {
				return err
			}
		case "checks":
			i.checks = strings.FieldsFunc(value, func(r rune) bool { return r == ',' })
		default:
			return fmt.Errorf("an instance has no %q", word)
		}
	}
	c.instances = append(c.instances, i)
	return nil
}

func (c *testCase) ask(at int, text string) error {
	q := &question{times: 1, end: at + 1, answers: map[string]string{}}
	q.words = strings.Fields(text)
	if len(q.words) > 2 && q.words[1] == "x" {
		if _, err := fmt.Sscan(q.words[0], &q.times); err != nil {
			return err
		}
		q.words = q.words[2:]
	}
	if len(q.words) < 2 {
		return fmt.Errorf("%q is no question", text)
	}
	c.questions = append(c.questions, q)
	return nil
}

// String is the question as the document has it.
func (q *question) String() string {
	text := strings.Join(q.words, " ")
	if q.times > 1 {
		text = fmt.Sprintf("%d × %s", q.times, text)
	}
	for _, field := range q.fields {
		text += ", " + field
	}
	if q.body != "" {
		text += ", body " + q.body
	}
	if q.proxy != "" {
		text += ", PROXY " + q.proxy
	}
	return text + q.clientSays.String()
}

// write writes the file with the answers there are now.
func (w *world) write(t *testing.T, programs ...string) {
	t.Helper()
	behind := map[int]*question{}
	for _, c := range w.cases {
		for _, q := range c.questions {
			behind[q.end] = q
		}
	}
	var lines []string
	for i := range len(w.lines) + 1 {
		if q := behind[i]; q != nil {
			for _, program := range programs {
				if answer, ok := q.answers[program]; ok {
					lines = append(lines, strings.TrimRight(program+" "+answer, " "))
				}
			}
		}
		if i == len(w.lines) {
			break
		}
		if word, _, _ := strings.Cut(w.lines[i], " "); !slices.Contains(programs, word) {
			lines = append(lines, w.lines[i])
		}
	}
	for i := range w.archive.Files {
		if f := &w.archive.Files[i]; f.Name == casesFile {
			f.Data = []byte(strings.Join(lines, "\n") + "\n")
		}
	}
	if err := os.WriteFile(w.path, txtar.Format(w.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
