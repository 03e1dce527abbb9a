package hcl

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

// Decode sets the fields of *into from a parsed file, and leaves those
// the file does not name as they are. Struct tags name the keys:
//
//	`hcl:"name"`             the key
//	`hcl:"name,alias=other"` another key for the same field
//	`hcl:"name,accumulate"`  a list to which each file adds; others are replaced
//
// Those of an embedded struct are keys of the one around it. A stanza given twice in one file counts as given the last time only, unless
// the field is a list of stanzas. Every fault is reported, in file order.
func Decode(o Object, into any) error {
	var d decoder
	d.object(o, reflect.ValueOf(into).Elem(), "")
	return joinFaults(d.faults)
}

// Besides the kinds of reflect, the decoder knows time.Duration and types with
// these methods. A string goes to encoding.TextUnmarshaler.
type (
	// Slotted wraps a value; slot returns a pointer to it and marks it as given.
	Slotted interface{ Slot() any }
	// Numbered takes a whole number in place of a string.
	Numbered interface{ UnmarshalNumber(int64) error }
	// Structured reads a stanza by itself.
	Structured interface{ UnmarshalObject(Object) error }
	// Expecting says what the values of a type look like, for messages.
	Expecting interface{ Expects() string }
	// Labelled is an element of a list that stands under a name.
	Labelled interface{ SetLabel(string) }
	// Defaulted is an element of a list that starts from defaults and may
	// remember where it stood.
	Defaulted interface{ SetDefaults(at Position) }
)

type decoder struct{ faults []*Fault }

func (d *decoder) fault(at Position, format string, args ...any) {
	d.faults = append(d.faults, &Fault{at, fmt.Sprintf(format, args...)})
}

func (d *decoder) object(o Object, v reflect.Value, path string) {
	keys := keysOf(v.Type())
	given := map[string][]Node{}
	for _, m := range o {
		k, ok := keys[strings.ToLower(m.Key)]
		switch {
		case !ok:
			d.fault(m.Pos, "unknown key %q%s%s", m.Key, inside(path), nearest.Hint(m.Key, "", maps.Keys(keys)))
		case m.Value.Value != nil: // null says nothing
			given[k.name] = append(given[k.name], m.Value)
		}
	}
	for _, k := range keys {
		if nodes := given[k.name]; len(nodes) > 0 {
			d.field(nodes, v.FieldByIndex(k.field), Join(path, k.name), k.accumulate)
			delete(given, k.name) // an alias names the same field again
		}
	}
}

// field sets a field from all that one file says about it.
func (d *decoder) field(nodes []Node, v reflect.Value, path string, accumulate bool) {
	switch kind := v.Type(); {
	case kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct:
		list := reflect.MakeSlice(kind, 0, len(nodes))
		if accumulate {
			list = reflect.AppendSlice(list, v)
		}
		for _, n := range flatten(nodes, true) {
			for label, n := range d.unlabel(n, kind.Elem(), path) {
				element := reflect.New(kind.Elem())
				if e, ok := reflect.TypeAssert[Defaulted](element); ok {
					e.SetDefaults(n.Pos)
				}
				if e, ok := reflect.TypeAssert[Labelled](element); ok {
					e.SetLabel(label)
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
func (d *decoder) unlabel(n Node, kind reflect.Type, path string) iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		if !reflect.PointerTo(kind).Implements(reflect.TypeFor[Labelled]()) {
			yield("", n)
			return
		}
		o, ok := n.Value.(Object)
		if !ok {
			d.fault(n.Pos, "%s must be a stanza with a name, not %s", path, n.Describe())
		}
		for _, m := range o {
			if _, ok := m.Value.Value.(Object); !ok {
				d.fault(n.Pos, "%s must have a name: %s \"NAME\" { … }", path, path)
				return
			}
			if !yield(m.Key, m.Value) {
				return
			}
		}
	}
}

// flatten puts the elements of lists in the place of the lists and, if asked,
// cuts strings at commas.
func flatten(nodes []Node, cut bool) []Node {
	var flat []Node
	for _, n := range nodes {
		switch value := n.Value.(type) {
		case []Node:
			flat = append(flat, flatten(value, cut)...)
		case string:
			if !cut {
				flat = append(flat, n)
				continue
			}
			for part := range strings.SplitSeq(value, ",") {
				flat = append(flat, Node{n.Pos, strings.TrimSpace(part)})
			}
		default:
			flat = append(flat, n)
		}
	}
	return flat
}

func (d *decoder) value(n Node, v reflect.Value, path string) {
	target := v.Addr().Interface()
	switch t := target.(type) {
	case Slotted:
		d.value(n, reflect.ValueOf(t.Slot()).Elem(), path)
		return
	case *time.Duration:
		d.duration(n, t, path)
		return
	}
	switch value := n.Value.(type) {
	case string:
		d.text(n, value, v, path)
		return
	case int64:
		if t, ok := target.(Numbered); ok {
			d.check(n, path, t.UnmarshalNumber(value))
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
	case []Node:
		switch {
		case v.Type() == reflect.TypeFor[[]float64]():
			d.numbers(value, v, path)
			return
		case v.Kind() == reflect.Slice:
			d.strings(value, v, path)
			return
		}
	case Object:
		if t, ok := target.(Structured); ok {
			d.check(n, path, t.UnmarshalObject(value))
			return
		}
		if v.Kind() == reflect.Struct {
			d.object(value, v, path)
			return
		}
	}
	d.mismatch(n, v, path)
}

func (d *decoder) text(n Node, text string, v reflect.Value, path string) {
	if t, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		d.check(n, path, t.UnmarshalText([]byte(text)))
		return
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		d.strings(flatten([]Node{n}, true), v, path)
	default:
		d.mismatch(n, v, path)
	}
}

// numbers sets a list of numbers.
func (d *decoder) numbers(nodes []Node, v reflect.Value, path string) {
	list := []float64{}
	for _, n := range nodes {
		switch value := n.Value.(type) {
		case float64:
			list = append(list, value)
		case int64:
			list = append(list, float64(value))
		default:
			d.fault(n.Pos, "%s must hold numbers, not %s", path, n.Describe())
		}
	}
	v.Set(reflect.ValueOf(list))
}

// strings sets a list of strings; lists of stanzas are set by field.
func (d *decoder) strings(nodes []Node, v reflect.Value, path string) {
	list := reflect.MakeSlice(v.Type(), 0, len(nodes))
	for _, n := range nodes {
		text, ok := n.Value.(string)
		if !ok {
			d.fault(n.Pos, "%s must hold strings, not %s", path, n.Describe())
			continue
		}
		list = reflect.Append(list, reflect.ValueOf(text).Convert(v.Type().Elem()))
	}
	v.Set(list)
}

func (d *decoder) duration(n Node, into *time.Duration, path string) {
	switch value := n.Value.(type) {
	case int64: // consul-template's meaning of a bare number: nanoseconds
		*into = time.Duration(value)
	case string:
		parsed, err := time.ParseDuration(value)
		if err != nil {
			d.fault(n.Pos, "%s: %q is not a duration such as \"250ms\" or \"1m30s\"", path, value)
			return
		}
		*into = parsed
	default:
		d.mismatch(n, reflect.ValueOf(into).Elem(), path)
	}
}

func (d *decoder) check(n Node, path string, err error) {
	if err == nil {
		return
	}
	if f, ok := errors.AsType[*Fault](err); ok { // knows its place
		d.faults = append(d.faults, &Fault{f.Pos, path + ": " + f.Text})
		return
	}
	d.fault(n.Pos, "%s: %v", path, err)
}

func (d *decoder) mismatch(n Node, v reflect.Value, path string) {
	d.fault(n.Pos, "%s must be %s, not %s", path, expected(v), n.Describe())
}

// expected says what a value must look like.
func expected(v reflect.Value) string {
	if e, ok := reflect.TypeAssert[Expecting](v.Addr()); ok {
		return e.Expects()
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

// keyword is one key a stanza may have.
type keyword struct {
	name       string // the main one, where the key is an alias
	field      []int
	accumulate bool
}

// keysOf reads the tags of a struct, by key.
func keysOf(t reflect.Type) map[string]keyword {
	keys := map[string]keyword{}
	for _, f := range reflect.VisibleFields(t) {
		tag, ok := f.Tag.Lookup("hcl")
		if !ok {
			continue
		}
		options := strings.Split(tag, ",")
		k := keyword{name: options[0], field: f.Index, accumulate: slices.Contains(options, "accumulate")}
		keys[k.name] = k
		for _, option := range options[1:] {
			if alias, ok := strings.CutPrefix(option, "alias="); ok {
				keys[alias] = k
			}
		}
	}
	return keys
}

// Join is the path of a key.
func Join(path, key string) string {
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
