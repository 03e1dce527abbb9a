package h1

import (
	"encoding/binary"
	"unsafe"
)

// view is b as a string without a copy. It changes when b does: this is the only
// place where a buffer's bytes become strings, and their lifetime is part of the
// contract of what hands them out.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf is s as bytes without a copy, for reading only.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

const (
	isToken  = 1 << iota // RFC 9110 §5.6.2
	isTarget             // may stand in a request target: visible, no fragment, or above ASCII
	isHost               // may stand in a name or IPv4 address
	isHexDigit
)

var classes = func() (table [256]uint8) {
	for c := range 256 {
		b := byte(c)
		letter := 'a' <= b|0x20 && b|0x20 <= 'z'
		digit := '0' <= b && b <= '9'
		if letter || digit || contains("!#$%&'*+-.^_`|~", b) {
			table[c] |= isToken
		}
		if b > ' ' && b != 0x7f && b != '#' {
			table[c] |= isTarget
		}
		if letter || digit || contains("-._~", b) {
			table[c] |= isHost
		}
		if digit || 'a' <= b|0x20 && b|0x20 <= 'f' {
			table[c] |= isHexDigit
		}
	}
	return table
}()

func contains(set string, b byte) bool {
	for i := range len(set) {
		if set[i] == b {
			return true
		}
	}
	return false
}

// all reports whether every byte of b is of the class.
func all(b []byte, class uint8) bool {
	for _, c := range b {
		if classes[c]&class == 0 {
			return false
		}
	}
	return true
}

// isValue reports whether b may be a field's value: no control byte but tabs.
func isValue(b []byte) bool {
	// Eight bytes at once, as long as none is below the space or is DEL.
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		del := w ^ 0x7f*ones
		if ((w-0x20*ones)&^w|(del-ones)&^del)&highs != 0 {
			break
		}
		b = b[8:]
	}
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isName reports whether s may be a field's name.
func isName(s string) bool {
	for i := range len(s) {
		if classes[s[i]]&isToken == 0 {
			return false
		}
	}
	return s != ""
}

// EqualNames compares field names and tokens, which are ASCII, without regard to
// case: unlike strings.EqualFold it does not take the Kelvin sign for a k.
func EqualNames(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func trimBlank(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	for s != "" && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}
