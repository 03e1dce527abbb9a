package accesslog

import "unicode/utf8"

// maxValue bounds what one value adds to a line, in bytes before escaping; what
// is longer is cut and ends in [ellipsis].
const (
	maxValue = 8 << 10
	ellipsis = "..."
)

const hexDigits = "0123456789abcdef"

// plainText says of each byte whether it stands for itself in a text line:
// printable ASCII but for the quote and the backslash.
var plainText = func() (table [256]bool) {
	for c := ' '; c <= '~'; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// appendText escapes s for a text line as Apache does: a quote and a backslash
// by a backslash, every other byte outside printable ASCII as \xhh. A value that
// is not in quotes must not look like two: its spaces are escaped too.
func appendText(dst []byte, s string, quoted bool) []byte {
	plain := 0 // start of what needs no escape
	for i := range len(s) {
		c := s[i]
		if plainText[c] && (quoted || c != ' ') {
			continue
		}
		dst = append(dst, s[plain:i]...)
		plain = i + 1
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, s[plain:]...)
}

// appendJSON escapes s for the inside of a JSON string (RFC 8259 §7). Bytes that
// are not UTF-8 become U+FFFD. Beyond what JSON asks for, all that some program
// takes for a line's end or a terminal for a command is escaped.
func appendJSON(dst []byte, s string) []byte {
	plain := 0
	for i := 0; i < len(s); {
		if len(s)-i >= 8 && arePlain(s[i:i+8]) {
			i += 8
			continue
		}
		c := s[i]
		if plainText[c] {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if r > 0x9f && r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
		}
		dst = append(dst, s[plain:i]...)
		i += size
		plain = i
		if r == '"' || r == '\\' {
			dst = append(dst, '\\', byte(r))
		} else {
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		}
	}
	return append(dst, s[plain:]...)
}

// arePlain reports whether eight bytes are all plainText, looking at them as one
// number: a byte that is not sets the highest bit of its place, and no other one
// does but behind it, by a borrow.
func arePlain(s string) bool {
	const each = 0x0101010101010101
	_ = s[7]
	n := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	del, control := n+each, n-each*' '
	quote, backslash := n^each*'"'-each, n^each*'\\'-each
	return (n|del|control|quote|backslash)&(each*0x80) == 0
}

// cutValue returns as much of s as fits into left bytes, and what is left then,
// which is below 0 if s did not fit.
func cutValue(s string, left int) (string, int) {
	if len(s) > left {
		return s[:left], -1
	}
	return s, left - len(s)
}
