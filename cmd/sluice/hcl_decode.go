package main

import (
	"encoding"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// decodeConfig sets the fields of *into from a parsed file, and leaves those
// the file does not name as they are. Struct tags name the keys:
//
//	`hcl:"name"`             the key
//	`hcl:"name,alias=other"` another key for the same field
//	`hcl:"name,accumulate"`  a list to which each file adds; others are replaced
//
// A stanza given twice in one file counts as given the last time only, unless
// the field is a list of stanzas. Every fault is reported, in file order.
func decodeConfig(o object, into any) error {
	var d decoder
	d.object(o, reflect.ValueOf(into).Elem(), "")
	return joinFaults(d.faults)
}

// Besides the kinds of reflect, the decoder knows time.Duration and types with
// these methods. A string goes to encoding.TextUnmarshaler.
type (
	// slotted wraps a value; slot returns a pointer to it and marks it as given.
	slotted interface{ slot() any }
	// numbered takes a whole number in place of a string.
	numbered interface{ unmarshalNumber(int64) error }
	// structured reads a stanza by itself.
	structured interface{ unmarshalObject(object) error }
	// expecting says what the values of a type look like, for messages.
	expecting interface{ expects() string }
	// labelled is an element of a list that stands under a name.
	labelled interface{ setLabel(string) }
	// defaulted is an element of a list that starts from defaults and may
	// remember where it stood.
	defaulted interface{ setDefaults(at position) }
)

type decoder struct{ faults []*fault }

func (d *decoder) fault(at position, format string, args ...any) {
	d.faults = append(d.faults, &fault{at, fmt.Sprintf(format, args...)})
}

func (d *decoder) object(o object, v reflect.Value, path string) {
	keys := keysOf(v.Type())
	given := map[int][]node{}
	for _, m := range o {
		k, ok := keys[strings.ToLower(m.key)]
		switch {
		case !ok:
			d.fault(m.pos, "unknown key %q%s%s", m.key, inside(path), nearest.Hint(m.key, "", maps.Keys(keys)))
		case m.value.value != nil: // null says nothing
			given[k.field] = append(given[k.field], m.value)
		}
	}
	for _, k := range keys {
		if nodes := given[k.field]; len(nodes) > 0 {
			d.field(nodes, v.Field(k.field), join(path, k.name), k.accumulate)
			delete(given, k.field) // an alias names the same field again
		}
	}
}

// field sets a field from all that one file says about it.
func (d *decoder) field(nodes []node, v reflect.Value, path string, accumulate bool) {
	switch kind := v.Type(); {
	case kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct:
		list := reflect.MakeSlice(kind, 0, len(nodes))
		if accumulate {
			list = reflect.AppendSlice(list, v)
		}
		for _, n := range flatten(nodes, true) {
			for label, n := range d.unlabel(n, kind.Elem(), path) {
				element := reflect.New(kind.Elem())
				if e, ok := reflect.TypeAssert[defaulted](element); ok {
					e.setDefaults(n.pos)
				}
				if e, ok := reflect.TypeAssert[labelled](element); ok {
					e.setLabel(label)
				}
				d.value(n, element.Elem(), path)
				list = reflect.Append(list, element.Elem())
			}
		}
		v.Set(list)
	case kind.Kind() == reflect.Slice && accumulate:
		for _, n := range nodes {
			more := reflect.New(kind).Elem()
			d.value(n, more, path)
			v.Set(reflect.AppendSlice(v, more))
		}
	case kind.Kind() == reflect.Struct:
		nodes = flatten(nodes, false)
		fallthrough
	default:
		before := reflect.New(kind).Elem()
		before.Set(v)
		for _, n := range nodes {
			v.Set(before)
			d.value(n, v, path)
		}
	}
}

// unlabel yields n or, for a kind of stanza that has labels, what stands under
// each of them.
func (d *decoder) unlabel(n node, kind reflect.Type, path string) iter.Seq2[string, node] {
	return func(yield func(string, node) bool) {
		if !reflect.PointerTo(kind).Implements(reflect.TypeFor[labelled]()) {
			yield("", n)
			return
		}
		o, ok := n.value.(object)
		if !ok {
			d.fault(n.pos, "%s must be a stanza with a name, not %s", path, n.describe())
		}
		for _, m := range o {
			if _, ok := m.value.value.(object); !ok {
				d.fault(n.pos, "%s must have a name: %s \"NAME\" { … }", path, path)
				return
			}
			if !yield(m.key, m.value) {
				return
			}
		}
	}
}

// flatten puts the elements of lists in the place of the lists and, if asked,
// cuts strings at commas.
func flatten(nodes []node, cut bool) []node {
	var flat []node
	for _, n := range nodes {
		switch value := n.value.(type) {
		case []node:
			flat = append(flat, flatten(value, cut)...)
		case string:
			if !cut {
				flat = append(flat, n)
				continue
			}
			for part := range strings.SplitSeq(value, ",") {
				flat = append(flat, node{n.pos, strings.TrimSpace(part)})
			}
		default:
			flat = append(flat, n)
		}
	}
	return flat
}

func (d *decoder) value(n node, v reflect.Value, path string) {
	target := v.Addr().Interface()
	switch t := target.(type) {
	case slotted:
		d.value(n, reflect.ValueOf(t.slot()).Elem(), path)
		return
	case *time.Duration:
		d.duration(n, t, path)
		return
	}
	switch value := n.value.(type) {
	case string:
		d.text(n, value, v, path)
		return
	case int64:
		if t, ok := target.(numbered); ok {
			d.check(n, path, t.unmarshalNumber(value))
			return
		}
		switch v.Kind() {
		case reflect.Int:
			v.SetInt(value)
			return
		case reflect.Float64:
			v.SetFloat(float64(value))
			return
		}
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(value)
			return
		}
	case float64:
		if v.Kind() == reflect.Float64 {
			v.SetFloat(value)
			return
		}
	case []node:
		switch {
		case v.Type() == reflect.TypeFor[[]float64]():
			d.numbers(value, v, path)
			return
		case v.Kind() == reflect.Slice:
			d.strings(value, v, path)
			return
		}
	case object:
		if t, ok := target.(structured); ok {
			d.check(n, path, t.unmarshalObject(value))
			return
		}
		if v.Kind() == reflect.Struct {
			d.object(value, v, path)
			return
		}
	}
	d.mismatch(n, v, path)
}

func (d *decoder) text(n node, text string, v reflect.Value, path string) {
	if t, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		d.check(n, path, t.UnmarshalText([]byte(text)))
		return
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		d.strings(flatten([]node{n}, true), v, path)
	default:
		d.mismatch(n, v, path)
	}
}

// numbers sets a list of numbers.
func (d *decoder) numbers(nodes []node, v reflect.Value, path string) {
	list := []float64{}
	for _, n := range nodes {
		switch value := n.value.(type) {
		case float64:
			list = append(list, value)
		case int64:
			list = append(list, float64(value))
		default:
			d.fault(n.pos, "%s must hold numbers, not %s", path, n.describe())
		}
	}
	v.Set(reflect.ValueOf(list))
}

// strings sets a list of strings; lists of stanzas are set by field.
func (d *decoder) strings(nodes []node, v reflect.Value, path string) {
	list := reflect.MakeSlice(v.Type(), 0, len(nodes))
	for _, n := range nodes {
		text, ok := n.value.(string)
		if !ok {
			d.fault(n.pos, "%s must hold strings, not %s", path, n.describe())
			continue
		}
		list = reflect.Append(list, reflect.ValueOf(text).Convert(v.Type().Elem()))
	}
	v.Set(list)
}

func (d *decoder) duration(n node, into *time.Duration, path string) {
	switch value := n.value.(type) {
	case int64: // consul-template's meaning of a bare number: nanoseconds
		*into = time.Duration(value)
	case string:
		parsed, err := time.ParseDuration(value)
		if err != nil {
			d.fault(n.pos, "%s: %q is not a duration such as \"250ms\" or \"1m30s\"", path, value)
			return
		}
		*into = parsed
	default:
		d.mismatch(n, reflect.ValueOf(into).Elem(), path)
	}
}

func (d *decoder) check(n node, path string, err error) {
	if err == nil {
		return
	}
	if f, ok := errors.AsType[*fault](err); ok { // knows its place
		d.faults = append(d.faults, &fault{f.pos, path + ": " + f.text})
		return
	}
	d.fault(n.pos, "%s: %v", path, err)
}

func (d *decoder) mismatch(n node, v reflect.Value, path string) {
	d.fault(n.pos, "%s must be %s, not %s", path, expected(v), n.describe())
}

// expected says what a value must look like.
func expected(v reflect.Value) string {
	if e, ok := reflect.TypeAssert[expecting](v.Addr()); ok {
		return e.expects()
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		return `a duration such as "5s"`
	case v.Kind() == reflect.Bool:
		return "true or false"
	case v.Kind() == reflect.Int:
		return "a whole number"
	case v.Kind() == reflect.Float64:
		return "a number such as 0.9"
	case v.Type() == reflect.TypeFor[[]float64]():
		return "a list of numbers such as [0.1, 0.5]"
	case v.Kind() == reflect.Slice:
		return "a list of strings"
	case v.Kind() == reflect.Struct:
		return "a stanza"
	}
	return "a string"
}

// configKey is one key a stanza may have.
type configKey struct {
	name       string // the main one, where the key is an alias
	field      int
	accumulate bool
}

// keysOf reads the tags of a struct, by key.
func keysOf(t reflect.Type) map[string]configKey {
	keys := map[string]configKey{}
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("hcl")
		if !ok {
			continue
		}
		options := strings.Split(tag, ",")
		k := configKey{name: options[0], field: i, accumulate: slices.Contains(options, "accumulate")}
		keys[k.name] = k
		for _, option := range options[1:] {
			if alias, ok := strings.CutPrefix(option, "alias="); ok {
				keys[alias] = k
			}
		}
	}
	return keys
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func inside(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}
