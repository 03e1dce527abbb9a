package migrate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/spec"
	"go.yaml.in/yaml/v2"
)

// tree is a file of another program, as its settings by path: "entrypoints.web.address",
// in lower case as far as they are its own words. What is taken is remembered, so
// that nothing is lost without a word.
// Files that belong together make one tree.
type tree struct {
	values  []treeValue
	sources []*source
	known   map[string]bool // paths that were asked for, in lower case
}

// source is a file of a tree.
type source struct {
	path   string
	places places
}

type treeValue struct {
	path  string // as written
	value any    // a scalar, a list of them, or nil for an empty table
	from  *source
	line  int
	taken bool
}

// parseTree reads TOML or YAML, by the file's name or else by trying.
func parseTree(path string, src []byte) (*tree, error) {
	var root map[string]any
	isTOML := filepath.Ext(path) == ".toml"
	var err error
	if isTOML {
		_, err = toml.Decode(string(src), &root)
	} else {
		err = yaml.UnmarshalStrict(src, &root) // a key twice is an error, as in Traefik
	}
	if err != nil {
		return nil, treeError(path, src, err)
	}
	from := &source{path, placesOf(string(src), isTOML)}
	t := &tree{sources: []*source{from}}
	if len(root) > 0 {
		t.flatten("", root)
	}
	for i := range t.values {
		t.values[i].from, t.values[i].line = from, from.places.line(t.values[i].path)
	}
	slices.SortStableFunc(t.values, func(a, b treeValue) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.path, b.path)) })
	return t, nil
}

// yamlPlace is where package yaml says its first error is, and what it is.
var yamlPlace = regexp.MustCompile(`line (\d+): (.*)`)

// treeError puts the place in front, as other errors have it.
func treeError(path string, src []byte, err error) error {
	if e, ok := errors.AsType[toml.ParseError](err); ok {
		// Of a line that ends too soon, Position.Line is the next one.
		line := 1 + bytes.Count(src[:max(0, min(e.Position.Start, len(src)))], []byte("\n"))
		return fmt.Errorf("%s:%d: %s", path, line, cmp.Or(e.Message, err.Error()))
	}
	place := yamlPlace.FindStringSubmatch(err.Error())
	switch {
	case place == nil:
		return fmt.Errorf("%s: %w", path, err)
	case strings.HasPrefix(place[2], "cannot unmarshal"):
		return fmt.Errorf("%s:%s: there is no key in front of a colon: %s", path, place[1], whatMigrates)
	}
	return fmt.Errorf("%s:%s: %s", path, place[1], place[2])
}

func (t *tree) flatten(path string, v any) {
	each := func(key string, v any) { t.flatten(hcl.Join(path, key), v) }
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			each(key, inner)
		}
		if len(v) > 0 {
			return
		}
	case map[any]any:
		for key, inner := range v {
			each(fmt.Sprint(key), inner)
		}
		if len(v) > 0 {
			return
		}
	case []map[string]any:
		for i, inner := range v {
			t.flatten(path+"["+strconv.Itoa(i)+"]", inner)
		}
		return
	case []any:
		if slices.ContainsFunc(v, isTable) {
			for i, inner := range v {
				t.flatten(path+"["+strconv.Itoa(i)+"]", inner)
			}
			return
		}
		t.values = append(t.values, treeValue{path: path, value: v})
		return
	}
	if isTable(v) {
		v = nil
	}
	t.values = append(t.values, treeValue{path: path, value: v})
}

func isTable(v any) bool {
	switch v.(type) {
	case map[string]any, map[any]any:
		return true
	}
	return false
}

// find is the value at a path, in any case.
func (t *tree) find(path string) *treeValue {
	t.know(path)
	for i := range t.values {
		if strings.EqualFold(t.values[i].path, path) {
			return &t.values[i]
		}
	}
	return nil
}

// has reports whether there is something at a path or below.
func (t *tree) has(path string) bool {
	t.know(path)
	return slices.ContainsFunc(t.values, func(v treeValue) bool { return v.isAt(path) })
}

func (t *tree) know(path string) {
	if t.known == nil {
		t.known = make(map[string]bool)
	}
	t.known[strings.ToLower(path)] = true
}

func (v *treeValue) isAt(path string) bool {
	rest, ok := cutPrefixFold(v.path, path)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// text takes a value as text, empty without one.
func (t *tree) text(path string) string {
	v := t.find(path)
	if v == nil {
		return ""
	}
	v.taken = true
	if v.value == nil {
		return ""
	}
	return fmt.Sprint(v.value)
}

func (t *tree) is(path string) bool { return t.text(path) == "true" }

// duration takes a time, 0 without one.
func (t *tree) duration(path string) time.Duration {
	d, _ := spec.ParseDuration(t.text(path))
	return d
}

// list takes a list of texts.
func (t *tree) list(path string) (texts []string) {
	v := t.find(path)
	if v == nil {
		return nil
	}
	v.taken = true
	all, ok := v.value.([]any)
	if !ok {
		return strings.FieldsFunc(t.text(path), func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, one := range all {
		texts = append(texts, fmt.Sprint(one))
	}
	return texts
}

// untaken is list without taking it.
func (t *tree) untaken(path string) []string {
	v := t.find(path)
	if v == nil {
		return nil
	}
	was := v.taken
	texts := t.list(path)
	v.taken = was
	return texts
}

// usual drops settings below a path, as KEY=VALUE, that have the value with which
// they make no difference.
func (t *tree) usual(at string, settings ...string) {
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		if v := t.find(hcl.Join(at, key)); v != nil && fmt.Sprint(v.value) == value {
			v.taken = true
		}
	}
}

// take drops everything at a path or below without another word.
func (t *tree) take(paths ...string) {
	for _, path := range paths {
		for i := range t.values {
			if t.values[i].isAt(path) {
				t.values[i].taken = true
			}
		}
	}
}

// names are those directly below a path, in the order of the file, each with
// the path that leads there.
func (t *tree) names(path string) (names []string) {
	for _, v := range t.values {
		rest, ok := cutPrefixFold(v.path, path+".")
		if !ok {
			continue
		}
		if end := strings.IndexAny(rest, ".["); end >= 0 {
			rest = rest[:end]
		}
		if !slices.Contains(names, rest) {
			names = append(names, rest)
		}
	}
	return names
}

// count is how many elements a list of tables has.
func (t *tree) count(path string) int {
	n := 0
	for t.has(path + "[" + strconv.Itoa(n) + "]") {
		n++
	}
	return n
}

// object is what is below a path, as a stanza would have it.
func (t *tree) object(path string) (o hcl.Object) {
	for _, name := range t.names(path) {
		at := hcl.Join(path, name)
		pos := t.place(at)
		add := func(value any) {
			o = append(o, hcl.Member{Key: name, Pos: pos, Value: hcl.Node{Pos: pos, Value: value}})
		}
		v := t.find(at)
		if n := t.count(at); v == nil && n > 0 {
			elements := make([]hcl.Node, n)
			for i := range elements {
				elements[i] = hcl.Node{Pos: pos, Value: t.object(at + "[" + strconv.Itoa(i) + "]")}
			}
			add(elements)
			continue
		}
		if v == nil {
			add(t.object(at))
			continue
		}
		v.taken = true
		var value any = fmt.Sprint(v.value)
		switch list := v.value.(type) {
		case nil:
			value = hcl.Object{}
		case []any:
			var nodes []hcl.Node
			for _, one := range list {
				nodes = append(nodes, hcl.Node{Pos: pos, Value: fmt.Sprint(one)})
			}
			value = nodes
		}
		add(value)
	}
	return o
}

// left is what nobody took, as a whole where nothing of it was taken.
func (t *tree) left() (all []treeValue) {
	for _, v := range t.values {
		if v.taken {
			continue
		}
		if whole := t.wholly(v.path); whole != v.path {
			v.path, v.line = whole, t.place(whole).Line
		}
		if !slices.ContainsFunc(all, func(o treeValue) bool { return o.path == v.path }) {
			all = append(all, v)
		}
	}
	return all
}

// wholly is the outermost table around a path of which nothing was taken, but for
// those that hold all of a kind, and those that would have been taken with other
// keys in them: there a key is misspelt, or has no equivalent by itself.
func (t *tree) wholly(path string) string {
	kept := 1
	if first, _, _ := strings.Cut(path, "."); slices.Contains([]string{"http", "tcp", "udp"}, first) {
		kept = 2
	}
	for end, c := range path {
		if c != '.' {
			continue
		}
		if kept--; kept >= 0 {
			continue
		}
		whole := path[:end]
		if !t.isTouched(whole) && !t.knowsBelow(whole) {
			return whole
		}
	}
	return path
}

// knowsBelow reports whether a key of the table at a path was asked for.
func (t *tree) knowsBelow(path string) bool {
	above := strings.ToLower(path) + "."
	for known := range t.known {
		if strings.HasPrefix(known, above) {
			return true
		}
	}
	return false
}

// isTouched reports whether anything was taken at a path.
func (t *tree) isTouched(path string) bool {
	return slices.ContainsFunc(t.values, func(v treeValue) bool { return v.taken && v.isAt(path) })
}

// nothingLeft tells what nobody took at a path.
func (t *tree) nothingLeft(path string) error {
	for _, v := range t.values {
		if v.isAt(path) && !v.taken {
			return fmt.Errorf("%s has no equivalent", v.path)
		}
	}
	return nil
}
