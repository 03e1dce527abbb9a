package match

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Method holds for one request method.
type Method struct{ Name string }

// TLS holds on encrypted connections.
type TLS struct{}

// Entrypoint holds on the listeners named.
type Entrypoint struct{ Names []string }

// ClientIP holds for peers of a range of addresses; see [Request.Remote].
type ClientIP struct{ Range netip.Prefix }

// Match implements [Expr].
func (e Method) Match(r *Request) bool { return r.Method == e.Name }

// Match implements [Expr].
func (e TLS) Match(r *Request) bool { return r.TLS }

// Match implements [Expr].
func (e Entrypoint) Match(r *Request) bool { return slices.Contains(e.Names, r.Entrypoint) }

// Match implements [Expr].
func (e ClientIP) Match(r *Request) bool {
	// A socket for both families gives IPv4 peers as IPv6 ones, and link-local
	// peers with the interface, which no range has.
	return e.Range.Contains(r.Remote.Unmap().WithZone(""))
}

func (e Method) String() string     { return call("Method", e.Name) }
func (e TLS) String() string        { return "TLS()" }
func (e Entrypoint) String() string { return call("Entrypoint", e.Names...) }
func (e ClientIP) String() string   { return call("ClientIP", e.Range.String()) }

// call is the notation of a condition with literal arguments.
func call(name string, args ...string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = quote(a)
	}
	return name + "(" + strings.Join(quoted, ", ") + ")"
}

// quote prefers back quotes, as the users' rules do.
func quote(s string) string {
	if strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}
