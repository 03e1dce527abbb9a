package lb

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/probe"
	"github.com/sluiceproxy/sluice/lb/sorted"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// TCPRoute is one entry of a Table for connections, or for datagrams, that are
// passed on as they are. It is immutable, apart from what is counted.
type TCPRoute struct {
	// TCPRoute is the definition that counts.
	*tags.TCPRoute
	Linked
	// Steps are the route's middlewares, in order.
	Steps []Step

	certificates []certs.Need

	end        passageEnding
	probed     []probe.Pool   // its pools that have a health check
	parts      []*passagePool // the pools of a composed service
	variants   *tcpVariants   // as in [Route]
	access     []*spec.AccessRules
	limits     []*tcp.ConnLimit
	precedence match.Precedence
	rule       match.Route
	counters   *tcpCounters
}

// allow adds access rules, nil for none.
func (r *TCPRoute) allow(rules *spec.AccessRules) {
	if rules != nil {
		r.access = append(r.access, rules)
		r.Steps = append(r.Steps, Step{Spec: rules})
	}
}

// admits reports whether all access rules let a client in. They let in nobody of
// whom no address is known: who came by a socket.
func (r *TCPRoute) admits(client netip.Addr) bool {
	contains := func(ranges []netip.Prefix) bool {
		return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(client) })
	}
	return !slices.ContainsFunc(r.access, func(a *spec.AccessRules) bool {
		return !client.IsValid() || len(a.Allow) > 0 && !contains(a.Allow) || contains(a.Deny)
	})
}

// enter counts a connection of a client, if it may have one more; leave takes it
// off again.
func (r *TCPRoute) enter(client netip.Addr) bool {
	for i, l := range r.limits {
		if !l.Enter(client) {
			for _, l := range r.limits[:i] {
				l.Leave(client)
			}
			return false
		}
	}
	return true
}

func (r *TCPRoute) leave(client netip.Addr) {
	for _, l := range r.limits {
		l.Leave(client)
	}
}

// needsHello reports whether only what a TLS client says first can tell whether
// the route is its. Routes of Fabio are for listeners that always read it.
func (r *TCPRoute) needsHello() bool {
	return r.Dialect == tags.Traefik && asksForTLS(r.TCPRoute.Match)
}

func asksForTLS(e match.Expr) bool {
	and, _ := e.(match.And)
	return slices.Contains(and, match.Expr(match.TLS{}))
}

func compareTCPRoutes(a, b *TCPRoute) int {
	return cmp.Or(compareBools(a.UDP, b.UDP), a.precedence.Compare(&b.precedence))
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// tcpTable is the part of a table for connections and datagrams. It is
// immutable; the zero value is empty.
type tcpTable struct {
	routes           []*TCPRoute // by precedence
	conns, datagrams *match.Index
	// hellos counts the routes of each entry point that need a hello; those for
	// all are counted under "".
	hellos map[string]int
}

// change returns the table without some routes and with others.
func (t *tcpTable) change(gone, come []*TCPRoute) tcpTable {
	if len(gone)+len(come) == 0 && t.conns != nil {
		return *t
	}
	next := tcpTable{conns: t.conns, datagrams: t.datagrams, hellos: maps.Clone(t.hellos)}
	if next.conns == nil {
		next.conns, next.datagrams, next.hellos = match.NewIndex(nil), match.NewIndex(nil), map[string]int{}
	}
	next.routes = sorted.Patch(t.routes, gone, come, compareTCPRoutes)
	next.conns = next.conns.Change(tcpRules(gone, false), tcpRules(come, false))
	next.datagrams = next.datagrams.Change(tcpRules(gone, true), tcpRules(come, true))
	count := func(routes []*TCPRoute, n int) {
		for _, r := range routes {
			if r.UDP || !r.needsHello() {
				continue
			}
			next.hellos[""] += n
			for _, e := range r.Entrypoints {
				next.hellos[e] += n
			}
		}
	}
	count(gone, -1)
	count(come, 1)
	return next
}

func tcpRules(routes []*TCPRoute, udp bool) (rules []*match.Route) {
	for _, r := range routes {
		if r.UDP == udp {
			rules = append(rules, &r.rule)
		}
	}
	return rules
}

// TCPRoutes returns the routes of connections, and behind them those of
// datagrams, in the order of their classes. The slice is shared and must not be
// changed. A nil table has none.
func (t *Table) TCPRoutes() []*TCPRoute {
	if t == nil {
		return nil
	}
	return t.tcp.routes
}

// LookupTCP finds the route of a connection: its host is the server name it asks
// for, and it has a [match.Conn].
func (t *Table) LookupTCP(r *match.Request) (*TCPRoute, bool) { return found(t.tcp.conns, r) }

// LookupUDP finds the route of the datagrams of a listener.
func (t *Table) LookupUDP(r *match.Request) (*TCPRoute, bool) { return found(t.tcp.datagrams, r) }

func found(in *match.Index, r *match.Request) (*TCPRoute, bool) {
	if in == nil {
		return nil, false
	}
	route := in.Lookup(r)
	if route == nil {
		return nil, false
	}
	return route.Value.(*TCPRoute), true
}

// needsHello reports whether the routes of a listener can be told apart only by
// what a TLS client says first.
func (t *Table) needsHello(entrypoint string) bool {
	if t == nil {
		return false
	}
	return t.tcp.hellos[entrypoint] > 0
}

// dynamicPorts are those that routes ask for at listeners of that kind.
func (t *Table) dynamicPorts(entrypoint string) map[uint16]bool {
	ports := map[uint16]bool{}
	for _, r := range t.TCPRoutes() {
		if _, port, ok := parseLocal(r.Address); ok && !r.UDP && (len(r.Entrypoints) == 0 || slices.Contains(r.Entrypoints, entrypoint)) {
			ports[port] = true
		}
	}
	return ports
}

// parseLocal reads ":port" or "ip:port".
func parseLocal(address string) (ip netip.Addr, port uint16, ok bool) {
	if rest, any := strings.CutPrefix(address, ":"); any {
		address = "0.0.0.0:" + rest
		to, err := netip.ParseAddrPort(address)
		return netip.Addr{}, to.Port(), err == nil && to.Port() > 0
	}
	to, err := netip.ParseAddrPort(address)
	return to.Addr().Unmap(), to.Port(), err == nil && to.Port() > 0
}
