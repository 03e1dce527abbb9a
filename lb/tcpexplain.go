package lb

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
)

// TCPExplanation tells why a connection goes where it goes; see [Explanation].
type TCPExplanation struct {
	Route      *TCPRoute
	Candidates []TCPCandidate
}

// TCPCandidate is a route that came into question for a connection.
type TCPCandidate struct {
	Route   *TCPRoute
	Matched bool
	Reason  string
}

// IsTCPQuestion reports whether a question is one for AskTCP.
func IsTCPQuestion(text string) bool {
	scheme, _, _ := strings.Cut(text, "://")
	return scheme == "tcp" || scheme == "tls" || scheme == "udp"
}

// AskTCP explains where a connection would be passed on to: "tcp://:5432" or
// "tcp://10.0.0.1:5432", by what it connects to, "tls://db.example.com:443", by
// the name it asks for and, if there is one, the port, or "udp://:53" for
// datagrams. It takes the first listener by name at which there is a route.
func (t *Table) AskTCP(text string) (e TCPExplanation, err error) {
	scheme, rest, _ := strings.Cut(text, "://")
	host, port, err := splitTCP(rest)
	if err != nil {
		return e, fmt.Errorf("%q: %w", text, err)
	}
	if host == "" && port == 0 {
		return e, fmt.Errorf("%q: it says neither a name nor a port, as in tls://db.example.com or tcp://:5432", text)
	}
	r := &match.Request{Remote: netip.AddrFrom4([4]byte{127, 0, 0, 1}), TLS: scheme == "tls", Conn: &match.Conn{}}
	if r.TLS {
		r.Host = strings.ToLower(strings.TrimSuffix(host, "."))
	}
	ip, _ := netip.ParseAddr(host) // a name is none that a client connects to
	if !ip.IsValid() {
		ip = netip.IPv4Unspecified()
	}
	r.Conn.Local = netip.AddrPortFrom(ip, port)
	index := t.tcp.conns
	if scheme == "udp" {
		index = t.tcp.datagrams
	}
	if index == nil {
		return e, nil
	}
	for _, r.Entrypoint = range t.tcpEntrypoints() {
		if index.Lookup(r) != nil {
			break
		}
	}
	for _, c := range index.Explain(r) {
		e.add(c)
	}
	return e, nil
}

func splitTCP(text string) (host string, port uint16, err error) {
	if !strings.Contains(text, ":") {
		return text, 0, nil
	}
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port %q is not a number from 0 to 65535", digits)
	}
	return host, uint16(n), nil
}

// tcpEntrypoints are the listeners that routes are served on, sorted.
func (t *Table) tcpEntrypoints() []string {
	names := []string{""}
	for _, r := range t.tcp.routes {
		names = append(names, r.Entrypoints...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (e *TCPExplanation) add(c match.Candidate) {
	candidate := TCPCandidate{Route: c.Route.Value.(*TCPRoute), Matched: c.Matched} //nolint:errcheck,forcetypeassert // of tcpRules
	switch {
	case !c.Matched:
		candidate.Reason = c.Failed.String() + " does not hold"
	case e.Route == nil:
		e.Route, candidate.Reason = candidate.Route, "wins"
	default:
		candidate.Reason = e.Route.Name + " goes before it"
	}
	e.Candidates = append(e.Candidates, candidate)
}
