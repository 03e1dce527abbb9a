package file

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func seed(f *testing.F, add func(name, text string)) {
	paths, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range paths {
		for _, file := range readArchive(f, path).files {
			add(file.name, file.text)
		}
	}
}

// Whatever the text, its faults have their place and its services can stand.
func FuzzDefinitions(f *testing.F) {
	seed(f, func(name, text string) { f.Add(text, strings.HasSuffix(name, ".hcl")) })
	f.Fuzz(func(t *testing.T, text string, hcl bool) {
		name := "x.json"
		if hcl {
			name = "x.hcl"
		}
		said, faults := parseDefinitions(name, text)
		lines := strings.Count(text, "\n") + 1
		for _, fault := range faults {
			if fault.Path != name || fault.Line < 0 || fault.Line > lines {
				t.Errorf("fault %v in a text of %d lines", fault, lines)
			}
		}
		for _, def := range said.services {
			s := def.service
			if s.Name == "" || s.ID == "" || s.Port < 0 || s.Port > 65535 || s.Weights.Passing < 1 {
				t.Errorf("accepted %+v", s)
			}
			for _, c := range def.checks {
				if c.ID == "" || c.Status == "" || c.ServiceID != s.ID {
					t.Errorf("accepted %+v", c)
				}
			}
		}
	})
}

// Whatever the text, there are faults or only keys that Consul could hold,
// once each.
func FuzzKV(f *testing.F) {
	seed(f, func(name, text string) {
		f.Add(text, filepath.Ext(name) == ".json")
	})
	f.Fuzz(func(t *testing.T, text string, json bool) {
		parse := parseKVYAML
		if json {
			parse = parseKVJSON
		}
		said, faults := parse("kv", text)
		if len(faults) > 0 {
			return
		}
		for _, p := range said.pairs {
			if p.key == "" || p.key[0] == '/' || len(p.value) > maxValue {
				t.Errorf("accepted %+v", p)
			}
		}
		keys := func(a, b pair) int { return strings.Compare(a.key, b.key) }
		if !slices.IsSortedFunc(said.pairs, keys) {
			t.Errorf("not sorted: %v", said.pairs)
		}
		once := slices.CompactFunc(slices.Clone(said.pairs), func(a, b pair) bool { return a.key == b.key })
		if len(once) != len(said.pairs) {
			t.Errorf("a key twice: %v", said.pairs)
		}
	})
}
