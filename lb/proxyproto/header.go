package proxyproto

import (
	"errors"
	"fmt"
	"net/netip"
)

// Header is what a PROXY header says.
type Header struct {
	// Version is 1 or 2.
	Version int
	// Source is the client, and Destination what it connected to. Both are
	// invalid if the header names none: the connection is the proxy's own (a
	// health check) or of a kind that has no IP addresses. The addresses of the
	// connection count then.
	Source, Destination netip.AddrPort
}

// HasAddresses reports whether the header names the ends of a connection.
func (h Header) HasAddresses() bool { return h.Source.IsValid() && h.Destination.IsValid() }

// ErrNoHeader is what [ReadHeader] returns if the connection starts with
// something else.
var ErrNoHeader = errors.New("the connection does not start with a PROXY header")

// ErrMalformed is wrapped by all errors about a header that is none.
var ErrMalformed = errors.New("malformed PROXY header")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
