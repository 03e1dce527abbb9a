package match

import (
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

// Match implements [Expr].
func (e Method) Match(r *Request) bool { return r.Method == e.Name }

// Match implements [Expr].
func (e TLS) Match(r *Request) bool { return r.TLS }

// Match implements [Expr].
func (e Entrypoint) Match(r *Request) bool { return slices.Contains(e.Names, r.Entrypoint) }

func (e Method) String() string     { return call("Method", e.Name) }
func (e TLS) String() string        { return "TLS()" }
func (e Entrypoint) String() string { return call("Entrypoint", e.Names...) }

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
