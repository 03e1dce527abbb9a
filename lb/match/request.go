package match

import (
	"net/netip"
	"strconv"
	"strings"
)

// Request is what rules look at. It holds no reference to a wire protocol, and
// its strings may point into a buffer of the caller: nothing here keeps them.
type Request struct {
	// Host is the name the client asked for, in lower case, without port and
	// without a trailing dot. IPv6 literals keep their brackets.
	Host string
	// Dotted is set when Host was sent with a trailing dot, which some dialects
	// do not accept.
	Dotted bool
	// Port is the port written in the Host field, or 0.
	Port uint16

	// Path is clean (no dot segments, no repeated slashes) and fully decoded.
	Path string
	// RoutingPath is clean too, but reserved characters that were sent as
	// escapes stay escaped: "%2F" in it is not a separator. Empty means that
	// it is the same as Path. See [RoutingPath].
	RoutingPath string

	Method string
	// TLS is set when the client's connection is encrypted.
	TLS bool
	// Remote is the peer of the connection, never taken from a header.
	Remote netip.Addr
	// Entrypoint is the name of the listener, or empty if it has none.
	Entrypoint string

	// Fields gives the header fields and query parameters; nil has none.
	Fields Fields
	// Conn is nil unless it is not a request, but a connection, that is routed.
	Conn *Conn
}

// Fields looks up repeated values by position, so that asking allocates
// nothing: i counts from 0, and ok is false behind the last value.
type Fields interface {
	// Header returns the i-th value of the header field name, whatever its case.
	Header(name string, i int) (value string, ok bool)
	// Query returns the i-th value of a decoded query parameter.
	Query(name string, i int) (value string, ok bool)
}

// RoutingPath makes [Request.RoutingPath] of a clean path as sent: escapes are
// decoded, except those of the characters RFC 3986 §2.2 reserves and of "%".
// It allocates only if there is something to decode.
func RoutingPath(raw string) string {
	i := strings.IndexByte(raw, '%')
	if i < 0 {
		return raw
	}
	b := make([]byte, 0, len(raw))
	for b = append(b, raw[:i]...); i < len(raw); i++ {
		c, ok := unescape(raw[i:])
		switch {
		case !ok:
			b = append(b, raw[i])
			continue
		case strings.IndexByte(":/?#[]@!$&'()*+,;=%", c) >= 0:
			// The hex digits may come in either case and mean the same.
			b = append(b, strings.ToUpper(raw[i:i+len("%XX")])...)
		default:
			b = append(b, c)
		}
		i += len("%XX") - 1
	}
	return string(b)
}

// unescape decodes the escape at the start of s, if there is one.
func unescape(s string) (c byte, ok bool) {
	if len(s) < len("%XX") || s[0] != '%' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	return byte(n), err == nil
}
