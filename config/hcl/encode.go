package hcl

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// writer writes a configuration as a file that says the same.
type writer struct {
	strings.Builder
	comments map[string][]string
	depth    int
}

// Encode writes what differs between a configuration and base, a struct of the
// same type. Comments stand before settings, by their paths ("lb.no_route_status"),
// those of stanzas with names with the name ("route.web").
func Encode(c, base any, comments map[string][]string) string {
	w := &writer{comments: comments}
	w.object("", reflect.ValueOf(c), reflect.ValueOf(base))
	return strings.TrimLeft(w.String(), "\n")
}

// Written is a stanza that its type writes by itself, as it reads it: labels, the first
// of which is its name, and a struct of package spec or settings.
type Written interface {
	Stanza() (labels []string, body any)
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(w, "%s%s\n", strings.Repeat("  ", w.depth), fmt.Sprintf(format, args...))
}

func (w *writer) comment(path string) {
	for _, text := range w.comments[path] {
		w.line("# %s", text)
	}
}

// stanza writes a head, what is inside, and the brace.
func (w *writer) stanza(path, head string, inside func()) {
	if w.depth == 0 {
		w.WriteByte('\n')
	}
	w.comment(path)
	w.line("%s {", head)
	w.depth++
	inside()
	w.depth--
	w.line("}")
}

func (w *writer) object(path string, v, base reflect.Value) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		tag, ok := f.Tag.Lookup("hcl")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		w.field(Join(path, name), name, v.FieldByIndex(f.Index), base.FieldByIndex(f.Index))
	}
}

func (w *writer) field(path, name string, v, base reflect.Value) {
	if reflect.DeepEqual(v.Interface(), base.Interface()) {
		return
	}
	if set := v.Kind() == reflect.Struct && v.NumField() == 2 && v.Type().Field(1).Name == "Set"; set { // an Optional
		v = v.Field(0)
		base = reflect.Zero(v.Type())
	}
	if value, ok := reflect.TypeAssert[Written](v); ok {
		w.written(path, name, value)
		return
	}
	switch {
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		w.labelled(path, name, v)
	case v.Kind() == reflect.Struct:
		w.stanza(path, name, func() { w.object(path, v, base) })
	case v.Kind() == reflect.Map:
		w.stanza(path, name, func() {
			for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }) {
				w.line("%s = %s", quote(key.String()), scalar(v.MapIndex(key)))
			}
		})
	default:
		w.comment(path)
		w.line("%s = %s", name, scalar(v))
	}
}

// labelled writes a stanza for each element, by its label.
func (w *writer) labelled(path, name string, v reflect.Value) {
	for i := range v.Len() {
		element := v.Index(i)
		if value, ok := reflect.TypeAssert[Written](element); ok {
			at := fmt.Sprintf("%s[%d]", path, i)
			if labels, _ := value.Stanza(); len(labels) > 0 {
				at = Join(path, labels[0])
			}
			w.written(at, name, value)
			continue
		}
		base := reflect.New(element.Type())
		if d, ok := reflect.TypeAssert[Defaulted](base); ok {
			d.SetDefaults(Position{})
		}
		label := ""
		for _, field := range []string{"Name", "Host"} {
			if f := element.FieldByName(field); f.IsValid() && f.Kind() == reflect.String {
				label = f.String()
				break
			}
		}
		w.stanza(Join(path, label), fmt.Sprintf("%s %s", name, quote(label)), func() {
			w.object(Join(path, label), element, base.Elem())
		})
	}
}

// written writes a stanza as its type wants it.
func (w *writer) written(path, name string, s Written) {
	labels, body := s.Stanza()
	for _, label := range labels {
		name += " " + quote(label)
	}
	w.stanza(path, name, func() {
		settings, ok := body.(Object)
		if !ok {
			w.spec(reflect.Indirect(reflect.ValueOf(body)))
		}
		for _, m := range settings {
			w.line("%s = %s", m.Key, scalar(reflect.ValueOf(m.Value.Value)))
		}
	})
}

// spec writes a struct of package spec by its keys.
func (w *writer) spec(v reflect.Value) {
	base := spec.New(v.Type()).Elem()
	for i := range v.NumField() {
		key, f := v.Type().Field(i).Tag.Get("key"), v.Field(i)
		if key == "" || reflect.DeepEqual(f.Interface(), base.Field(i).Interface()) {
			continue
		}
		isStructs := f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct
		switch {
		case isStructs:
			for i := range f.Len() {
				w.stanza("", key, func() { w.spec(f.Index(i)) })
			}
		case f.Kind() == reflect.Pointer:
			w.stanza("", key, func() { w.spec(f.Elem()) })
		case f.Kind() == reflect.Map:
			w.stanza("", key, func() {
				entries, _ := reflect.TypeAssert[map[string]string](f)
				for _, name := range slices.Sorted(maps.Keys(entries)) {
					w.line("%s = %s", quote(name), quote(entries[name]))
				}
			})
		default:
			w.line("%s = %s", key, scalar(f))
		}
	}
}

// scalar is a value that takes one line.
func scalar(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case dial.Secret:
		return quote(value.Reveal())
	case time.Duration:
		return quote(value.String())
	case []string:
		texts := make([]string, len(value))
		for i, text := range value {
			texts[i] = quote(text)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case []dial.Secret:
		texts := make([]string, len(value))
		for i, secret := range value {
			texts[i] = quote(secret.Reveal())
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case []float64:
		texts := make([]string, len(value))
		for i, number := range value {
			texts[i] = strconv.FormatFloat(number, 'g', -1, 64)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case fmt.Stringer:
		if _, ok := reflect.TypeAssert[encoding.TextUnmarshaler](reflect.New(v.Type())); ok {
			return quote(value.String())
		}
	}
	switch v.Kind() {
	case reflect.String:
		return quote(v.String())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	}
	return fmt.Sprint(v.Interface())
}

// quote is a string of HCL 1, in which ${ would begin an expression.
func quote(text string) string { return strings.ReplaceAll(strconv.Quote(text), "${", "$\\x7b") }
