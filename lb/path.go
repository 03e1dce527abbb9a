package lb

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// A request path exists in two forms that are made together and never drift
// apart: raw, which is forwarded, and path, which is matched.
//
// raw is what the client sent, with dot segments resolved and repeated slashes
// merged; all else, percent-encodings above all, stays byte for byte. path is
// raw decoded once, with the slashes that decoding brought to light merged as
// well. Both start with a slash and neither has a dot segment. (Some rules look
// at a third, [match.RoutingPath].)
//
// What an upstream could take for a dot segment although it is none here is
// refused: encoded slashes and backslashes beside dots ("..%2f"), dots with a
// path parameter ("..;x"), overlong UTF-8. So a path that means /admin/x to
// anyone has been matched as /admin/x.

var (
	errPathSlash   = errors.New("the path does not start with a slash")
	errPathByte    = errors.New("the path holds a byte that is not allowed in a URI")
	errPathPercent = errors.New("the path holds a percent sign without two hex digits")
	errPathNUL     = errors.New("the path holds an encoded NUL")
	errPathDots    = errors.New("the path hides a dot segment behind an encoding or a parameter")
	errPathLong    = errors.New("the path has become too long")
	errFragment    = errors.New("the target has a fragment")
	errPathUTF8    = errors.New("the path holds overlong UTF-8")
)

// cleanPath makes both forms of a path as sent.
func cleanPath(sent string) (path, raw string, err error) {
	if sent == "" || sent[0] != '/' {
		return "", "", errPathSlash
	}
	if isPlain(sent) {
		return sent, sent, nil
	}
	var segments []string // of raw
	trailing := false     // whether raw ends with a slash
	for segment := range strings.SplitSeq(sent[1:], "/") {
		decoded, err := unescape(segment)
		if err != nil {
			return "", "", err
		}
		trailing = decoded == "" || decoded == "." || decoded == ".."
		switch {
		case decoded == "..":
			segments = segments[:max(0, len(segments)-1)]
		case trailing: // nothing to keep
		case hidesDots(decoded):
			return "", "", errPathDots
		default:
			segments = append(segments, escapeHigh(segment))
		}
	}
	raw = "/" + strings.Join(segments, "/")
	if trailing && raw != "/" {
		raw += "/"
	}
	path, err = unescape(raw)
	return mergeSlashes(path), raw, err
}

// isPlain reports whether a path is in both forms at once, as nearly all are.
func isPlain(sent string) bool {
	for i := range len(sent) {
		switch c := sent[i]; {
		case c == '%' || c == '#' || c == '\\' || c == ';' || c <= ' ' || c >= 0x7f:
			return false
		case c == '/' && i+1 < len(sent) && (sent[i+1] == '/' || sent[i+1] == '.'):
			return false
		}
	}
	return true
}

// hidesDots reports whether a decoded segment, which is no dot segment itself,
// would be or contain one for a reader that splits it further.
func hidesDots(decoded string) bool {
	separator := func(r rune) bool { return r == '/' || r == '\\' }
	for part := range strings.FieldsFuncSeq(decoded, separator) {
		name, _, _ := strings.Cut(part, ";")
		if name == "." || name == ".." {
			return true
		}
	}
	return false
}

// unescape decodes once and refuses what has no place in a path.
func unescape(s string) (string, error) {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return "", errPathPercent
			}
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
			if c == 0 {
				return "", errPathNUL
			}
		case c <= ' ' || c == 0x7f || c == '#' || c == '\\':
			return "", errPathByte
		}
		b.WriteByte(c)
	}
	if isOverlong(b.String()) {
		return "", errPathUTF8
	}
	return b.String(), nil
}

// isOverlong looks for UTF-8 that spells a character with more bytes than it
// needs, a known way to smuggle slashes and dots. Other invalid UTF-8 is let
// through: there are still Latin-1 paths about.
func isOverlong(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		next := s[i+1]
		switch s[i] {
		case 0xc0, 0xc1:
			if 0x80 <= next && next < 0xc0 {
				return true
			}
		case 0xe0:
			if 0x80 <= next && next < 0xa0 {
				return true
			}
		case 0xf0:
			if 0x80 <= next && next < 0x90 {
				return true
			}
		}
	}
	return false
}

// escapeHigh encodes the bytes that do not belong in a URI unencoded but that
// clients send: those of UTF-8 text.
func escapeHigh(segment string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(segment) {
		if c := segment[i]; c >= 0x80 {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escapePath encodes what must not stand in a raw path as it is; path is plain
// text, and its slashes separate.
func escapePath(path string) string {
	return (&url.URL{Path: path}).EscapedPath()
}

// SafePath escapes what a path cannot hold: whoever wrote one for a middleware meant
// a path, and adds no query this way. Escapes stay as they are.
func SafePath(raw string) string { return escapeBytes(raw, "?#\"<>\\^`{|}") }

// safeQuery is the same for a query.
func safeQuery(raw string) string { return escapeBytes(raw, "#\"<>\\^`{|}") }

// escapeBytes escapes those bytes, blanks, and what is not ASCII.
func escapeBytes(raw, unsafe string) string {
	var b strings.Builder
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(unsafe, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// stripPrefix takes prefix, a part of path in its decoded form, off the front
// of both forms, and reports whether it was there. What is left starts with
// exactly one slash. It fails if that is no clean path: "/api../x" without
// "/api".
func stripPrefix(path, raw, prefix string) (newPath, newRaw string, cut bool, err error) {
	if !strings.HasPrefix(path, prefix) {
		return path, raw, false, nil
	}
	rest := trimSlashes(raw[rawLen(raw, len(prefix)):])
	left := raw[max(0, len(raw)-len(rest)-1):] // with the byte before it, which is a slash but for odd prefixes
	if left == rest || left[0] != '/' {
		left = "/" + rest
	}
	newPath, newRaw, err = cleanPath(left)
	if err == nil && newRaw != left {
		err = errPathDots
	}
	return newPath, newRaw, true, err
}

// rawLen is how many bytes of raw make the first n bytes of its path.
func rawLen(raw string, n int) int {
	i, slash := 0, false
	for n > 0 && i < len(raw) {
		c, size := decodeAt(raw, i)
		i += size
		// Slashes in a row are one in path.
		if c != '/' || !slash {
			n--
		}
		slash = c == '/'
	}
	return i
}

// trimSlashes takes slashes, encoded ones too, off the front of a raw path.
func trimSlashes(raw string) string {
	for raw != "" {
		c, size := decodeAt(raw, 0)
		if c != '/' {
			break
		}
		raw = raw[size:]
	}
	return raw
}

func decodeAt(raw string, i int) (c byte, size int) {
	if raw[i] == '%' {
		return unhex(raw[i+1])<<4 | unhex(raw[i+2]), 3
	}
	return raw[i], 1
}

func mergeSlashes(path string) string {
	if !strings.Contains(path, "//") {
		return path
	}
	b := make([]byte, 0, len(path))
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			b = append(b, path[i])
		}
	}
	return string(b)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= lower(c) && lower(c) <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return lower(c) - 'a' + 10
}

// pathOfAbsolute cuts scheme and authority off an absolute-form target.
func pathOfAbsolute(target string) string {
	_, rest, _ := strings.Cut(target, "://")
	at := strings.IndexAny(rest, "/?")
	switch {
	case at < 0:
		return "/"
	case rest[at] == '?':
		return "/" + rest[at:]
	}
	return rest[at:]
}
