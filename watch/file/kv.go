package file

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v2"
)

// maxValue is Consul's limit for one value (512 kB), in bytes.
const maxValue = 512 << 10

// pair is one entry of the KV store as a file gives it.
type pair struct {
	path  string
	line  int
	key   string
	value string
}

// parseValue reads a file of the kv folder. Editors end files with a newline
// that nobody means; exactly one is taken off.
func parseValue(path, key, text string) (content, []Fault) {
	if trimmed, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(trimmed, "\r")
	}
	return checkPairs([]pair{{path, 0, key, text}}, nil)
}

// parseKVJSON reads kv.json.
func parseKVJSON(path, text string) (content, []Fault) {
	root, fault := parseDocument(path, text)
	if fault != nil {
		return content{}, []Fault{*fault}
	}
	if _, ok := root.data.(object); !ok {
		return content{}, []Fault{{path, root.line, fmt.Errorf("want an object of keys and values, not %s", root.kind())}}
	}
	k := kvReader{path: path}
	k.read("", member{"", root.line, root})
	return checkPairs(k.pairs, k.faults)
}

// kvReader flattens nested objects into pairs.
type kvReader struct {
	path   string
	pairs  []pair
	faults []Fault
}

func (k *kvReader) read(folder string, m member) {
	key := folder + m.key
	text := ""
	switch data := m.data.(type) {
	case object:
		if key != "" {
			key += "/"
		}
		for _, inner := range data {
			k.read(key, inner)
		}
		return
	case []value:
		k.faults = append(k.faults, Fault{k.path, m.line, fmt.Errorf("key %q: a list cannot be a value; quote it to store its text", key)})
		return
	case string:
		text = data
	case number:
		text = string(data)
	case bool:
		text = strconv.FormatBool(data)
	}
	k.pairs = append(k.pairs, pair{k.path, m.line, key, text})
}

// parseKVYAML reads kv.yaml.
func parseKVYAML(path, text string) (content, []Fault) {
	var root map[string]yamlValue
	if err := yaml.UnmarshalStrict([]byte(text), &root); err != nil {
		return content{}, []Fault{yamlFault(path, err)}
	}
	pairs := yamlValue{folder: root}.flatten(path, "", nil)
	return checkPairs(pairs, nil)
}

// yamlValue is a folder of values, or one scalar as it is spelled: 1.10 stays
// 1.10 and yes stays yes.
type yamlValue struct {
	folder map[string]yamlValue
	text   string
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (v *yamlValue) UnmarshalYAML(unmarshal func(any) error) error {
	err := unmarshal(&v.folder)
	if err == nil {
		return nil
	}
	v.folder = nil
	if typed, ok := errors.AsType[*yaml.TypeError](err); ok {
		// The library writes the next attempt's errors over these.
		err = &yaml.TypeError{Errors: slices.Clone(typed.Errors)}
	}
	if unmarshal(&v.text) == nil {
		return nil
	}
	return err
}

func (v yamlValue) flatten(path, key string, pairs []pair) []pair {
	if v.folder == nil && key != "" {
		return append(pairs, pair{path, 0, key, v.text})
	}
	if key != "" {
		key += "/"
	}
	for _, name := range slices.Sorted(maps.Keys(v.folder)) {
		pairs = v.folder[name].flatten(path, key+name, pairs)
	}
	return pairs
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// yamlFault rewords the library's errors about types, because they quote
// values.
func yamlFault(path string, err error) Fault {
	at := yamlLine.FindStringSubmatch(err.Error())
	if at == nil {
		return Fault{Path: path, Err: fmt.Errorf("parsing YAML: %w", err)}
	}
	line, _ := strconv.Atoi(at[1]) // digits, by the expression
	_, isType := errors.AsType[*yaml.TypeError](err)
	switch {
	case !isType:
		return Fault{path, line, fmt.Errorf("parsing YAML: %s", at[2])}
	case strings.HasSuffix(at[2], "already set in map"):
		return Fault{path, line, errors.New("a key is set twice")}
	case strings.Contains(at[2], "unmarshal !!seq into"):
		return Fault{path, line, errors.New("a list cannot be a value; quote it to store its text")}
	}
	return Fault{path, line, errors.New("want a mapping of keys to texts or to further mappings")}
}

// checkPairs finds what Consul would refuse, and sorts.
func checkPairs(pairs []pair, faults []Fault) (content, []Fault) {
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
	for i, p := range pairs {
		switch {
		case p.key == "" || strings.HasPrefix(p.key, "/"):
			faults = append(faults, Fault{p.path, p.line, fmt.Errorf("key %q: a key must not be empty or begin with a slash", p.key)})
		case len(p.value) > maxValue:
			faults = append(faults, Fault{p.path, p.line, fmt.Errorf("key %q: the value has %d bytes; Consul's limit is %d", p.key, len(p.value), maxValue)})
		case i > 0 && p.key == pairs[i-1].key:
			faults = append(faults, Fault{p.path, p.line, fmt.Errorf("key %q is set twice", p.key)})
		}
	}
	return content{pairs: pairs}, faults
}
