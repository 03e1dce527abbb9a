package lb

import (
	"iter"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// Header is a header or trailer section: fields in the order they came, with
// names that compare without regard to case (RFC 9110 §5.1). The zero value is
// empty and ready to use. It is not safe for concurrent use.
type Header struct {
	fields []h1.Field
}

// Get returns the first value of the field, or "".
func (h *Header) Get(name string) string {
	for i := range h.fields {
		if h1.EqualNames(h.fields[i].Name, name) {
			return h.fields[i].Value
		}
	}
	return ""
}

// Has reports whether the field is there, with whatever value.
func (h *Header) Has(name string) bool {
	return slices.ContainsFunc(h.fields, func(f h1.Field) bool { return h1.EqualNames(f.Name, name) })
}

// Values yields the values of all lines of the field.
func (h *Header) Values(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, f := range h.fields {
			if h1.EqualNames(f.Name, name) && !yield(f.Value) {
				return
			}
		}
	}
}

// Tokens yields the elements of a comma-separated field over all its lines
// (RFC 9110 §5.6.1), without the white space round them and without empty ones.
func (h *Header) Tokens(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range h.Values(name) {
			for token := range strings.SplitSeq(line, ",") {
				if token = strings.Trim(token, " \t"); token != "" && !yield(token) {
					return
				}
			}
		}
	}
}

// HasToken reports whether token, in any case, is an element of the field.
func (h *Header) HasToken(name, token string) bool {
	for t := range h.Tokens(name) {
		if h1.EqualNames(t, token) {
			return true
		}
	}
	return false
}

// All yields every line.
func (h *Header) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, f := range h.fields {
			if !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

// Len is the number of lines.
func (h *Header) Len() int { return len(h.fields) }

// Add appends a line.
func (h *Header) Add(name, value string) {
	h.fields = append(h.fields, h1.Field{Name: name, Value: value})
}

// Set replaces all lines of the field by one.
func (h *Header) Set(name, value string) {
	h.Del(name)
	h.Add(name, value)
}

// Append makes one line of the field's lines and the value, as a list (RFC 9110
// §5.6.1).
func (h *Header) Append(name, value string) {
	if !h.Has(name) {
		h.Add(name, value)
		return
	}
	list := append(slices.Collect(h.Values(name)), value)
	h.Set(name, strings.Join(list, ", "))
}

// Clone returns a copy that shares nothing with h, not even the memory of
// strings, and may be kept.
func (h *Header) Clone() *Header {
	fields := make([]h1.Field, len(h.fields))
	for i, f := range h.fields {
		fields[i] = h1.Field{Name: strings.Clone(f.Name), Value: strings.Clone(f.Value)}
	}
	return &Header{fields}
}

// Del removes all lines of the field.
func (h *Header) Del(name string) {
	h.DelFunc(func(n string) bool { return h1.EqualNames(n, name) })
}

// DelFunc removes all lines of the fields whose name, as it came, del accepts.
func (h *Header) DelFunc(del func(name string) bool) {
	h.fields = slices.DeleteFunc(h.fields, func(f h1.Field) bool { return del(f.Name) })
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
