package accesslog

import "strings"

// value gets one thing out of an entry, as text or as something that needs no
// escaping.
type value struct {
	// word returns text that may hold anything, and text words that are written
	// one behind the other. Empty is no value.
	word func(e *Entry) string
	text func(e *Entry) words
	// plain appends printable ASCII without quotes and backslashes; nothing is no
	// value. Beside word, it is for when that is empty.
	plain func(dst []byte, e *Entry) []byte
	// number says that plain appends a JSON number.
	number bool
	// spaced says that spaces in the text are ours, not the client's.
	spaced bool
	// header is the name of a field of the request's header. The value is that of
	// the field, and none of the functions is set.
	header string
}

type words [6]string

// one is the value of a single word.
func one(get func(e *Entry) string) value { return value{word: get} }

// style is how values are written down.
type style uint8

const (
	inText style = iota // outside of quotes
	inQuotes
	inJSON // inside a JSON string
)

// append writes the value. Nothing is appended if there is none.
func (v *value) append(dst []byte, e *Entry, s style) []byte {
	switch {
	case v.word != nil:
		if word := v.word(e); word != "" {
			dst, _ = appendWord(dst, word, maxValue, s)
			return dst
		}
		if v.plain == nil {
			return dst
		}
		return v.plain(dst, e)
	case v.plain != nil:
		return v.plain(dst, e)
	case v.header != "":
		return appendHeader(dst, e.Header, v.header, s)
	}
	w := v.text(e)
	if v.spaced && s == inText {
		s = inQuotes
	}
	left := maxValue
	for i := range w {
		if w[i] != "" && left >= 0 {
			dst, left = appendWord(dst, w[i], left, s)
		}
	}
	return dst
}

// appendWord appends s, or what fits of it.
func appendWord(dst []byte, s string, left int, how style) ([]byte, int) {
	s, left = cutValue(s, left)
	if how == inJSON {
		dst = appendJSON(dst, s)
	} else {
		dst = appendText(dst, s, how == inQuotes)
	}
	if left < 0 {
		dst = append(dst, ellipsis...)
	}
	return dst, left
}

// appendHeader appends the values of all lines of a field, joined by commas.
func appendHeader(dst []byte, h Header, name string, how style) []byte {
	if h == nil {
		return dst
	}
	left, found := maxValue, false
	for i := range h.Len() {
		n, text := h.Line(i)
		if len(n) != len(name) || !strings.EqualFold(n, name) || left < 0 {
			continue
		}
		if found {
			dst, left = appendWord(dst, ",", left, how)
		}
		if found = true; text != "" && left >= 0 {
			dst, left = appendWord(dst, text, left, how)
		}
	}
	return dst
}
