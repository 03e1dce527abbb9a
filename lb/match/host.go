package match

import (
	"strconv"
	"strings"
)

// Host holds for one host name: lower case, without port and trailing dot.
type Host struct{ Name string }

// HostWildcard holds for host names that end in Suffix (".example.com", lower
// case). An empty Suffix holds for every host.
type HostWildcard struct {
	Suffix string
	// OneLabel allows exactly one label in front of Suffix. Otherwise anything
	// is, nothing at all and several labels too.
	OneLabel bool
}

// HostGlob holds for host names that match a pattern (lower case) as a whole:
// "*" stands for any run of characters, dots too, "?" for one, "[a-z]" for one
// of a class, "[!a]" or "[^a]" for one outside it; "\" quotes. It is for whoever
// writes the rule to see that it is well formed, as [path.Match] tells.
type HostGlob struct{ Pattern string }

// HostRegexp holds for host names that match.
type HostRegexp struct{ Pattern *Pattern }

// Undotted holds when the host was sent without a trailing dot.
type Undotted struct{}

// Port holds when the port in the Host field is Number. 0, or the default port
// of the scheme in use, is the same as no port.
type Port struct{ Number uint16 }

// PortGlob holds when the Host field has a port that is not the default one, and
// its number matches a pattern as that of [HostGlob].
type PortGlob struct{ Pattern string }

// Match implements [Expr].
func (e Host) Match(r *Request) bool { return r.Host == e.Name }

// Match implements [Expr].
func (e HostWildcard) Match(r *Request) bool {
	front, ok := strings.CutSuffix(r.Host, e.Suffix)
	if !ok || !e.OneLabel {
		return ok
	}
	return front != "" && strings.IndexByte(front, '.') < 0
}

// Match implements [Expr].
func (e HostGlob) Match(r *Request) bool { return globMatch(e.Pattern, r.Host) }

// Match implements [Expr].
func (e HostRegexp) Match(r *Request) bool { return e.Pattern.Match(r.Host) }

// Match implements [Expr].
func (e Undotted) Match(r *Request) bool { return !r.Dotted }

// Match implements [Expr].
func (e Port) Match(r *Request) bool {
	return withoutDefault(r.Port, r.TLS) == withoutDefault(e.Number, r.TLS)
}

// Match implements [Expr].
func (e PortGlob) Match(r *Request) bool {
	port := withoutDefault(r.Port, r.TLS)
	if port == 0 {
		return false
	}
	var digits [5]byte
	return globMatch(e.Pattern, string(strconv.AppendUint(digits[:0], uint64(port), 10)))
}

func (e Host) String() string { return call("Host", e.Name) }

func (e HostWildcard) String() string {
	if e.OneLabel || e.Suffix == "" {
		return call("Host", "*"+e.Suffix)
	}
	return call("HostGlob", "*"+e.Suffix)
}

func (e HostGlob) String() string   { return call("HostGlob", e.Pattern) }
func (e HostRegexp) String() string { return call("HostRegexp", e.Pattern.String()) }
func (e Undotted) String() string   { return "HostWithoutTrailingDot()" }

func (e Port) String() string {
	if e.Number == 0 {
		return "HostWithoutPort()"
	}
	return call("HostPort", strconv.Itoa(int(e.Number)))
}

func (e PortGlob) String() string { return call("HostPortGlob", e.Pattern) }

// withoutDefault is the port, or 0 if the scheme implies it.
func withoutDefault(port uint16, tls bool) uint16 {
	if port == 80 && !tls || port == 443 && tls {
		return 0
	}
	return port
}
