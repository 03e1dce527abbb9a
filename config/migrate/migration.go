// Package migrate makes a configuration of the files of Fabio and Traefik: to be written
// down, or to be run at once. What has no equivalent is told of.
package migrate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/fabio"
)

// Result is the configuration that stands for the files of another load balancer.
type Result struct {
	Text string
	// Notes tell what has no equivalent, a line each.
	Notes []string
	// Faults join what the check of the result says here.
	Faults error
}

// Files reads files of another load balancer. Their kind, "fabio", "traefik1" or
// "traefik", is found out if it is empty.
func Files(kind string, paths []string, getenv func(string) string) (made Result, err error) {
	m := newMigration()
	m.named = paths
	for _, path := range paths {
		if err := m.read(path, kind, getenv); err != nil {
			return made, err
		}
	}
	if made.Text, made.Faults, err = m.text(); err != nil {
		return made, err
	}
	m.sortNotes()
	for _, n := range m.notes {
		made.Notes = append(made.Notes, n.String())
	}
	return made, nil
}

// migration is a configuration that is being put together.
type migration struct {
	config.Config
	// comments tell where settings come from; see [config.Encode].
	comments map[string][]string
	notes    []note
	sources  []string
	named    []string // on the command line
	rules    string   // the syntax of rules that do not say
	// ofTraefik1 and ofTraefik are what was read of it, nil for nothing.
	ofTraefik1, ofTraefik *tree
	dropped               []string // services that are left out, in lower case
	// internalAddress is that of the entry point for administration, empty for none.
	internalAddress string
	// isRunning is set if the configuration is to be run at once, on this machine.
	isRunning bool
	// isStatic is set if a file of Traefik has providers, hasEntrypoints if one has
	// those; drain is the longest of them.
	isStatic, hasEntrypoints bool
	drain                    time.Duration
}

// note is something without an equivalent.
type note struct {
	path string
	line int
	text string
	at   string // the setting, or what holds it
}

func (n note) String() string {
	if n.line == 0 {
		return fmt.Sprintf("%s: %s", n.path, n.text)
	}
	return fmt.Sprintf("%s:%d: %s", n.path, n.line, n.text)
}

func (m *migration) sortNotes() {
	slices.SortStableFunc(m.notes, func(a, b note) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.line, b.line)) })
}

func newMigration() *migration {
	return &migration{Config: config.DefaultConfig(), comments: map[string][]string{}}
}

func (m *migration) comment(path, format string, args ...any) {
	m.comments[path] = append(m.comments[path], printable(fmt.Sprintf(format, args...)))
}

// printable keeps what stands in a file from ending a comment.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// isNamed reports whether a file, or one in that folder, is on the command line
// as well.
func (m *migration) isNamed(file string) bool {
	return slices.ContainsFunc(m.named, func(path string) bool {
		return filepath.Base(path) == filepath.Base(file) || filepath.Base(filepath.Dir(path)) == filepath.Base(file)
	})
}

// read takes in a file.
func (m *migration) read(path, kind string, getenv func(string) string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder: name the files in it", path)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading what to migrate: %w", err)
	}
	return m.take(path, kind, src, getenv)
}

// take takes in what a file holds.
func (m *migration) take(path, kind string, src []byte, getenv func(string) string) error {
	src = bytes.TrimPrefix(src, []byte("\ufeff")) // a byte order mark
	if !utf8.Valid(src) {
		return fmt.Errorf("%s is not a text in UTF-8", path)
	}
	if kind == "fabio" || kind == "" && fabio.IsProperties(path, string(src)) {
		m.sources = append(m.sources, path+" (Fabio)")
		return m.fabio(path, string(src), getenv)
	}
	tree, err := parseTree(path, src)
	if err != nil {
		return err
	}
	return m.takeTree(path, kind, tree)
}

// takeTree takes in a tree of Traefik.
func (m *migration) takeTree(path, kind string, tree *tree) error {
	switch {
	case len(tree.values) == 0:
		return fmt.Errorf("%s has no settings: %s", path, whatMigrates)
	case kind == "traefik1" && !tree.isTraefik1() && tree.isTraefik():
		return fmt.Errorf("%s is of Traefik 2 or 3, not of Traefik 1: leave out -kind", path)
	case kind == "traefik" && tree.isTraefik1():
		return fmt.Errorf("%s is of Traefik 1, not of its successors: leave out -kind", path)
	case kind == "traefik1", kind == "" && tree.isTraefik1():
		m.sources = append(m.sources, path+" (Traefik 1)")
		m.add(&m.ofTraefik1, tree)
	case kind == "traefik", tree.isTraefik():
		m.sources = append(m.sources, path+" (Traefik 2 or 3)")
		m.add(&m.ofTraefik, tree)
	default:
		first := tree.values[0]
		return fmt.Errorf("%s:%d: %s is a setting of no known load balancer: %s", path, first.line, first.path, whatMigrates)
	}
	if !m.isRunning {
		m.notes = append(m.notes, tree.unfilled()...)
	}
	return nil
}

// add has a file be read together with the others of its kind.
func (m *migration) add(to **tree, more *tree) {
	if *to == nil {
		*to = more
		return
	}
	m.notes = append(m.notes, (*to).merge(more)...)
}

// convert takes over what was read of Traefik. What nobody wanted is told of.
func (m *migration) convert() {
	if t := m.ofTraefik1; t != nil {
		m.traefik1(t)
	}
	if t := m.ofTraefik; t != nil {
		m.traefik(t)
	}
	for _, t := range []*tree{m.ofTraefik1, m.ofTraefik} {
		if t == nil {
			continue
		}
		for _, s := range t.left() {
			m.notes = append(m.notes, note{s.from.path, s.line, s.path + " has no equivalent and is left out", s.path})
		}
	}
	m.finish()
}

// whatMigrates is told of files that are of something else.
const whatMigrates = "what can be migrated is fabio.properties, or TOML and YAML of Traefik; -kind says which if the file does not"

// text is the configuration, after a check that it is one. faults join what
// sluice validate would say of it here.
func (m *migration) text() (text string, faults, err error) {
	m.convert()
	var head strings.Builder
	fmt.Fprintf(&head, "# Made by sluice migrate of %s.\n", strings.Join(m.sources, ", "))
	for _, n := range m.notes {
		fmt.Fprintf(&head, "# not taken over: %s\n", printable(n.String()))
	}
	text = head.String() + "\n" + config.Encode(m.Config, m.comments)
	c := config.DefaultConfig()
	if err := c.LoadText("the result", []byte(text)); err != nil {
		return "", nil, err
	}
	faults = c.Fabio.ReadRegistry()
	c.Settle()
	_, inListeners := c.ServerOptions()
	return text, errors.Join(faults, c.ValidateSettings(), inListeners), nil
}
