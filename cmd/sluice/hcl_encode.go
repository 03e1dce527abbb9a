package main

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

// hclWriter writes a configuration as a file that says the same. What is as it
// is without a file is left out.
type hclWriter struct {
	strings.Builder
	// comments are for settings, by their paths ("lb.no_route_status"), those of
	// stanzas with names with the name ("route.web").
	comments map[string][]string
	depth    int
}

// encodeConfig writes a configuration, with comments by path.
func encodeConfig(c Config, comments map[string][]string) string {
	w := &hclWriter{comments: comments}
	w.object("", reflect.ValueOf(c), reflect.ValueOf(DefaultConfig()))
	return strings.TrimLeft(w.String(), "\n")
}

func (w *hclWriter) line(format string, args ...any) {
	fmt.Fprintf(w, "%s%s\n", strings.Repeat("  ", w.depth), fmt.Sprintf(format, args...))
}

func (w *hclWriter) comment(path string) {
	for _, text := range w.comments[path] {
		w.line("# %s", text)
	}
}

// stanza writes a head, what is inside, and the brace.
func (w *hclWriter) stanza(path, head string, inside func()) {
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

func (w *hclWriter) object(path string, v, base reflect.Value) {
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("hcl")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		w.field(join(path, name), name, v.Field(i), base.Field(i))
	}
}

func (w *hclWriter) field(path, name string, v, base reflect.Value) {
	if reflect.DeepEqual(v.Interface(), base.Interface()) {
		return
	}
	if set := v.Kind() == reflect.Struct && v.NumField() == 2 && v.Type().Field(1).Name == "Set"; set { // an Optional
		v = v.Field(0)
		base = reflect.Zero(v.Type())
	}
	switch value := v.Interface().(type) {
	case LoadBalancer:
		w.stanza(path, name, func() { w.spec(reflect.ValueOf(value.spec).Elem()) })
		return
	case Composed:
		w.stanza(path, name, func() { w.spec(reflect.ValueOf(value.spec.Target()).Elem()) })
		return
	case []Middleware:
		for _, m := range value {
			w.stanza(join(path, m.Name), fmt.Sprintf("%s %q %q", name, m.Name, m.spec.Kind()), func() {
				w.spec(reflect.Indirect(reflect.ValueOf(m.spec)))
			})
		}
		return
	case []TCPMiddleware:
		for _, m := range value {
			w.stanza(join(path, m.Name), fmt.Sprintf("%s %q %q", name, m.Name, m.spec.Kind()), func() {
				w.spec(reflect.Indirect(reflect.ValueOf(m.spec)))
			})
		}
		return
	case StreamHealth:
		w.stanza(path, name, func() { w.spec(reflect.ValueOf(value.keys())) })
		return
	case []Listener:
		for i, l := range value {
			w.listener(fmt.Sprintf("%s[%d]", path, i), l)
		}
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
				w.line("%s = %s", hclQuote(key.String()), hclScalar(v.MapIndex(key)))
			}
		})
	default:
		w.comment(path)
		w.line("%s = %s", name, hclScalar(v))
	}
}

// labelled writes a stanza for each element, by its label.
func (w *hclWriter) labelled(path, name string, v reflect.Value) {
	for i := range v.Len() {
		element := v.Index(i)
		base := reflect.New(element.Type())
		if d, ok := reflect.TypeAssert[defaulted](base); ok {
			d.setDefaults(position{})
		}
		label := ""
		for _, field := range []string{"Name", "Host"} {
			if f := element.FieldByName(field); f.IsValid() && f.Kind() == reflect.String {
				label = f.String()
				break
			}
		}
		w.stanza(join(path, label), fmt.Sprintf("%s %s", name, hclQuote(label)), func() {
			w.object(join(path, label), element, base.Elem())
		})
	}
}

// listener writes a listener as a stanza.
func (w *hclWriter) listener(path string, l Listener) {
	address, options, _ := strings.Cut(l.Text, ";")
	w.stanza(path, "listener", func() {
		w.line("address = %s", hclQuote(address))
		for option := range strings.SplitSeq(options, ";") {
			if key, value, ok := strings.Cut(option, "="); ok {
				w.line("%s = %s", spelledOut(strings.TrimSpace(key)), hclQuote(value))
			}
		}
	})
}

// spelledOut is the longer name of a listener's key.
func spelledOut(key string) string {
	for long, short := range listenerSpelling {
		if short == key {
			return long
		}
	}
	return key
}

// spec writes a struct of package spec by its keys.
func (w *hclWriter) spec(v reflect.Value) {
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
					w.line("%s = %s", hclQuote(name), hclQuote(entries[name]))
				}
			})
		default:
			w.line("%s = %s", key, hclScalar(f))
		}
	}
}

// hclScalar is a value that takes one line.
func hclScalar(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case dial.Secret:
		return hclQuote(value.Reveal())
	case time.Duration:
		return hclQuote(value.String())
	case []string:
		texts := make([]string, len(value))
		for i, text := range value {
			texts[i] = hclQuote(text)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case []dial.Secret:
		texts := make([]string, len(value))
		for i, secret := range value {
			texts[i] = hclQuote(secret.Reveal())
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
			return hclQuote(value.String())
		}
	}
	switch v.Kind() {
	case reflect.String:
		return hclQuote(v.String())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	}
	return fmt.Sprint(v.Interface())
}

// hclQuote is a string of HCL 1, in which ${ would begin an expression.
func hclQuote(text string) string { return strings.ReplaceAll(strconv.Quote(text), "${", "$\\x7b") }
