package h1

import (
	"iter"
	"strings"
)

// Field is one line of a head or trailer section.
type Field struct{ Name, Value string }

// Fields are the lines of a section that was parsed, in the order they came.
type Fields struct {
	buf   []byte
	lines []line
	seen  uint32 // kinds that are there, as bits
	twice uint32 // kinds that are there more than once
}

// line holds offsets into the buffer; a buffer may move until the head is
// complete.
type line struct {
	name, nameEnd, value, valueEnd uint32
	kind                           kind
}

// kind tells the fields apart that the wire itself has to know.
type kind uint8

const (
	other kind = iota
	kindHost
	kindLength
	kindCoding
	kindConnection
	kindKeepAlive
	kindProxyConnection
	kindProxyAuthenticate
	kindProxyAuthorization
	kindTE
	kindTrailer
	kindUpgrade
	kindHTTP2Settings
	kindExpect
	kindDate
	lookalike
)

// endToEnd are the kinds that are passed on: the others concern one connection,
// or are made anew by whoever sends the message.
const endToEnd = 1<<other | 1<<kindDate

// kindOf finds the kind of a name, by its length first: nearly all names are
// told apart by that alone.
func kindOf(name string) kind {
	switch len(name) {
	case len("TE"):
		return kindIf(name, "te", kindTE)
	case len("Host"):
		return kindIf(name, "host", kindHost) + kindIf(name, "date", kindDate)
	case len("Expect"):
		return kindIf(name, "expect", kindExpect)
	case len("Upgrade"):
		return kindIf(name, "upgrade", kindUpgrade) + kindIf(name, "trailer", kindTrailer)
	case len("Connection"):
		return kindIf(name, "connection", kindConnection) + kindIf(name, "keep-alive", kindKeepAlive)
	case len("Content-Length"):
		return kindIf(name, "content-length", kindLength) + kindIf(name, "http2-settings", kindHTTP2Settings) +
			// To a CGI upstream this is the same field.
			kindIf(name, "content_length", lookalike)
	case len("Proxy-Connection"):
		return kindIf(name, "proxy-connection", kindProxyConnection)
	case len("Transfer-Encoding"):
		return kindIf(name, "transfer-encoding", kindCoding) + kindIf(name, "transfer_encoding", lookalike)
	case len("Proxy-Authenticate"):
		return kindIf(name, "proxy-authenticate", kindProxyAuthenticate)
	case len("Proxy-Authorization"):
		return kindIf(name, "proxy-authorization", kindProxyAuthorization)
	}
	return other
}

// IsEndToEnd reports whether a field is for the other end: not one that concerns
// a connection (RFC 9110 §7.6.1), nor one that the sender of a message makes
// anew: Host, Expect, Trailer and the framing.
func IsEndToEnd(name string) bool { return name != "" && endToEnd&(1<<kindOf(name)) != 0 }

// kindIf is k if name is want, which is in lower case, and other, the zero, if
// it is not.
func kindIf(name, want string, k kind) kind {
	// The last letter rules out nearly everything that has the same length.
	if lower(name[len(name)-1]) == want[len(want)-1] && EqualNames(name, want) {
		return k
	}
	return other
}

func (f *Fields) reset() { *f = Fields{lines: f.lines[:0]} }

// parseLine takes a field line apart, which is b[start:end] without its end, and
// appends it.
func (f *Fields) parseLine(b []byte, start, end int) *Refusal {
	if isBlank(b[start]) {
		return errFold
	}
	colon := start
	for colon < end && classes[b[colon]]&isToken != 0 {
		colon++
	}
	if colon == start || colon == end || b[colon] != ':' {
		return errFieldName
	}
	value, valueEnd := colon+1, end
	for value < valueEnd && isBlank(b[value]) {
		value++
	}
	for value < valueEnd && isBlank(b[valueEnd-1]) {
		valueEnd--
	}
	if !isValue(b[value:valueEnd]) {
		return errFieldValue
	}
	k := kindOf(view(b[start:colon]))
	if k == lookalike {
		return errLookalike
	}
	f.twice |= f.seen & (1 << k)
	f.seen |= 1 << k
	f.lines = append(f.lines, line{uint32(start), uint32(colon), uint32(value), uint32(valueEnd), k})
	return nil
}

func (f *Fields) has(k kind) bool { return f.seen&(1<<k) != 0 }

// first is the line of a kind that is there.
func (f *Fields) first(k kind) *line {
	for i := range f.lines {
		if f.lines[i].kind == k {
			return &f.lines[i]
		}
	}
	return nil
}

func (f *Fields) name(l *line) string  { return view(f.buf[l.name:l.nameEnd]) }
func (f *Fields) value(l *line) string { return view(f.buf[l.value:l.valueEnd]) }

// Len is the number of lines.
func (f *Fields) Len() int { return len(f.lines) }

// All yields every line.
func (f *Fields) All() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for i := range f.lines {
			if l := &f.lines[i]; !yield(f.name(l), f.value(l)) {
				return
			}
		}
	}
}

// Get returns the first value of the field, or "".
func (f *Fields) Get(name string) string {
	for i := range f.lines {
		if l := &f.lines[i]; int(l.nameEnd-l.name) == len(name) && EqualNames(f.name(l), name) {
			return f.value(l)
		}
	}
	return ""
}

// Append adds every line to dst.
func (f *Fields) Append(dst []Field) []Field {
	for i := range f.lines {
		l := &f.lines[i]
		dst = append(dst, Field{f.name(l), f.value(l)})
	}
	return dst
}

// AppendEndToEnd adds to dst the lines that are for the other end (RFC 9110
// §7.6.1): not those that concern this connection, known ones and those that
// Connection nominates, and not those the next sender makes anew: Host, Expect,
// Trailer and the framing.
func (f *Fields) AppendEndToEnd(dst []Field) []Field {
	nominations := f.has(kindConnection) && f.nominates()
	for i := range f.lines {
		l := &f.lines[i]
		if endToEnd&(1<<l.kind) == 0 || nominations && f.hasToken(kindConnection, f.name(l)) {
			continue
		}
		dst = append(dst, Field{f.name(l), f.value(l)})
	}
	return dst
}

// nominates reports whether Connection names anything but the usual, which
// spares most messages a comparison for each field.
func (f *Fields) nominates() bool {
	for token := range f.tokens(kindConnection) {
		if !EqualNames(token, "close") && !EqualNames(token, "keep-alive") && !EqualNames(token, "upgrade") {
			return true
		}
	}
	return false
}

// tokens yields the elements of all lines of a kind (RFC 9110 §5.6.1), without
// empty ones.
func (f *Fields) tokens(k kind) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range f.lines {
			l := &f.lines[i]
			if l.kind != k {
				continue
			}
			for rest, more := f.value(l), true; more; {
				var token string
				token, rest, more = strings.Cut(rest, ",")
				if token = trimBlank(token); token != "" && !yield(token) {
					return
				}
			}
		}
	}
}

func (f *Fields) hasToken(k kind, want string) bool {
	if !f.has(k) {
		return false
	}
	for token := range f.tokens(k) {
		if EqualNames(token, want) {
			return true
		}
	}
	return false
}
