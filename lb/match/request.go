package match

import "net/netip"

// Request is what rules look at. It holds no reference to a wire protocol, and
// its strings may point into a buffer of the caller: nothing here keeps them.
type Request struct {
	// Host is the name the client asked for, in lower case, without port and
	// without a trailing dot. IPv6 literals keep their brackets.
	Host string
	// Dotted is set when Host was sent with a trailing dot, which some dialects
	// do not accept.
	Dotted bool
	// Port is the port written in the Host field, or empty when there was none or
	// it is the default of the scheme.
	Port string

	// Path is clean (no dot segments, no repeated slashes) and fully decoded.
	Path string
	// RoutingPath is clean too, but reserved characters that were sent as
	// escapes stay escaped: "%2F" in it is not a separator.
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
}

// Fields looks up repeated values by position, so that asking allocates
// nothing: i counts from 0, and ok is false behind the last value.
type Fields interface {
	// Header returns the i-th value of the header field name, whatever its case.
	Header(name string, i int) (value string, ok bool)
	// Query returns the i-th value of a decoded query parameter.
	Query(name string, i int) (value string, ok bool)
}
