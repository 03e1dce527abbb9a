package lb

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// TCPEntrypoint is a listener that passes connections or datagrams on.
type TCPEntrypoint struct {
	Name string
	// Proto is one of the Proto constants.
	Proto string
	// Port is 0 if it is not known yet.
	Port uint16
	// HasTLS is set if it has certificates.
	HasTLS bool
}

// tcpEntrypoints are those of the listeners.
func tcpEntrypoints(listeners []listener.Listener) (all []TCPEntrypoint) {
	for i := range listeners {
		l := &listeners[i]
		if l.Proto == listener.ProtoHTTP || l.Proto == listener.ProtoHTTPS {
			continue
		}
		_, text, _ := net.SplitHostPort(l.Address)
		port, _ := strconv.ParseUint(text, 10, 16) // of a template, it is not known
		all = append(all, TCPEntrypoint{l.Entrypoint(), l.Proto, uint16(port), l.HasTLS()})
	}
	return all
}

// Names of routes of connections, of datagrams and of middlewares of connections
// are their own.
func tcpNameOf(r *tags.TCPRoute) name {
	if r.UDP {
		return nameOf("udp "+r.Dialect, r.Name)
	}
	return nameOf("tcp "+r.Dialect, r.Name)
}

const tcpMiddlewares tags.Dialect = "tcp " + tags.Traefik

// wantedTCP is what a wanted route has in the place of its own by and routes if it
// is one of connections.
type wantedTCP struct {
	by     []*tags.TCPRoute
	routes []*TCPRoute
}

// replaceTCP is the part of replace for connections.
func (l *linker) replaceTCP(before, after tags.Definition) {
	for i := range before.TCPRoutes {
		r := &before.TCPRoutes[i]
		w := l.wanted(tcpNameOf(r))
		w.tcp.by = without(w.tcp.by, r)
	}
	for i := range before.TCPMiddlewares {
		m := l.middleware(nameOf(tcpMiddlewares, before.TCPMiddlewares[i].Name))
		m.by = without(m.by, &before.TCPMiddlewares[i])
		l.staleMiddlewares[m.name] = m
	}
	for i := range after.TCPRoutes {
		r := &after.TCPRoutes[i]
		w := l.wanted(tcpNameOf(r))
		if w.tcp == nil {
			w.tcp = &wantedTCP{}
		}
		w.tcp.by = with(w.tcp.by, r, func(r *tags.TCPRoute) string { return r.Service })
	}
	for i := range after.TCPMiddlewares {
		m := l.middleware(nameOf(tcpMiddlewares, after.TCPMiddlewares[i].Name))
		m.by = with(m.by, &after.TCPMiddlewares[i], func(m *tags.Middleware) string { return m.Service })
		l.staleMiddlewares[m.name] = m
	}
}

// linkTCP makes the routes of a name anew.
func (l *linker) linkTCP(w *wanted) (links []*link) {
	l.tcp.gone = append(l.tcp.gone, w.tcp.routes...)
	w.tcp.routes = nil
	for _, k := range l.versionsTCP(w.tcp.by) {
		if links = append(links, &k.link); k.made != nil {
			w.tcp.routes = append(w.tcp.routes, k.made)
		}
	}
	l.tcp.come = append(l.tcp.come, w.tcp.routes...)
	return links
}

// tcpLink is the making of one route of connections.
type tcpLink struct {
	link
	wanted   *tags.TCPRoute   // the definition that counts, or a version of it; see [linker.versionsTCP]
	variants []*tags.TCPRoute // see [sideBySide]
	made     *TCPRoute
}

// make makes the route of the definition, unless one of its parts is not there.
func (k *tcpLink) make() bool {
	k.made = &TCPRoute{TCPRoute: k.wanted}
	if !k.tlsOptions() || !k.condition() || !k.listeners() || !k.middlewares() || !k.targets() {
		k.made = nil
		return false
	}
	if k.wanted.Terminate {
		k.made.certificates = k.certificates(k.made.Entrypoints)
	}
	k.made.rule = match.Route{Expr: k.made.Match, Precedence: &k.made.precedence, Value: k.made}
	return true
}

func (k *tcpLink) tlsOptions() bool {
	if name := certs.TLSOptionsName(k.wanted.TLSOptions()); name != "" && certs.FindTLSOptions(k.TLSOptions, name) == nil {
		return k.fail(certs.Undeclared(k.wanted.TLSOptions()))
	}
	return true
}

// sameTCP reports whether two routes of one name do the same.
func sameTCP(a, b *tags.TCPRoute) bool {
	return a.Rule == b.Rule && a.Pool == b.Pool && a.ProxyProtocol == b.ProxyProtocol && a.Priority == b.Priority &&
		a.Terminate == b.Terminate && a.TLSOptions() == b.TLSOptions() && a.CertResolver() == b.CertResolver() && slices.Equal(a.CertDomains(), b.CertDomains()) && slices.Equal(a.Entrypoints, b.Entrypoints) && slices.Equal(a.Middlewares, b.Middlewares) &&
		reflect.DeepEqual(a.Access, b.Access)
}

// condition is what the definition asks of a connection.
func (k *tcpLink) condition() bool {
	r := k.wanted
	k.made.precedence = match.Precedence{Name: r.Name, Family: family(r.Dialect), Priority: r.Priority}
	switch {
	case r.UDP && r.Address == "":
		k.made.Match = match.And{}
	case r.Match != nil:
		k.made.Match = r.Match
	case r.Address != "":
		ip, port, ok := parseLocal(r.Address)
		if !ok {
			return k.fail(r.Address+" is not of the form :port or ip:port", "names of hosts are for listeners with proto=tcp+sni")
		}
		k.made.Match = match.Local{Addr: ip, Port: port}
		k.specific("", strconv.Itoa(int(port)))
		if ip.IsValid() {
			k.specific(ip.String(), strconv.Itoa(int(port)))
		}
	default:
		k.made.Match = match.And{r.Names(), match.TLS{}}
		k.specific(r.ServerName, "")
	}
	return true
}

func (k *tcpLink) specific(host, port string) {
	k.made.precedence.Class, k.made.precedence.Host, k.made.precedence.Port = match.BySpecificity, host, port
}

// listeners binds the route to the listeners that can serve it.
func (k *tcpLink) listeners() bool {
	if len(k.TCPEntrypoints) == 0 {
		k.made.Entrypoints = k.wanted.Entrypoints
	}
	var wanted []string
	for _, e := range k.wanted.Entrypoints {
		wanted = append(wanted, cmp.Or(k.EntrypointAliases[e], e))
	}
	reason := k.wantedListener()
	for _, e := range k.TCPEntrypoints {
		if len(wanted) > 0 && !slices.Contains(wanted, e.Name) {
			continue
		}
		if why := k.refuses(e); why == "" {
			k.made.Entrypoints = append(k.made.Entrypoints, e.Name)
		} else if len(wanted) > 0 {
			reason = fmt.Sprintf("listener %s %s", e.Name, why)
		}
	}
	if len(k.TCPEntrypoints) > 0 && len(k.made.Entrypoints) == 0 {
		return k.fail(reason, "")
	}
	if len(k.made.Entrypoints) > 0 {
		k.made.limit(k.made.Entrypoints)
	}
	return true
}

// wantedListener says that there is no listener such as the route needs.
func (k *tcpLink) wantedListener() string {
	switch r := k.wanted; {
	case len(r.Entrypoints) > 0:
		return "no listener that passes on connections has one of the names " + strings.Join(r.Entrypoints, ", ")
	case r.UDP && r.Address != "":
		return "no listener is for " + r.Address + " with proto=udp"
	case r.UDP:
		return "no listener has proto=udp"
	case r.Address != "":
		return "no listener is for " + r.Address + ": it needs one on that port with proto=tcp, or one with proto=tcp-dynamic"
	case r.ServerName != "":
		return "no listener has proto=tcp+sni or proto=https+tcp+sni"
	}
	return "no listener has proto=tcp, proto=tcp+sni or proto=https+tcp+sni that can serve it"
}

// refuses says why a listener cannot serve the route.
func (k *tcpLink) refuses(e TCPEntrypoint) string {
	r := k.wanted
	named := e.Proto == listener.ProtoSNI || e.Proto == listener.ProtoHTTPSAndSNI
	switch {
	case r.UDP != (e.Proto == listener.ProtoUDP):
		return "has proto=" + e.Proto
	case r.Address != "":
		_, port, _ := parseLocal(r.Address)
		if e.Proto == listener.ProtoTCPDynamic || (e.Proto == listener.ProtoTCP || r.UDP) && (e.Port == 0 || e.Port == port) {
			return ""
		}
		return "is not for " + r.Address
	case r.UDP:
		return ""
	case r.ServerName != "" && !named, e.Proto == listener.ProtoTCPDynamic, r.Implied && e.Proto != listener.ProtoSNI:
		return "has proto=" + e.Proto
	case r.ServerName != "":
		return ""
	case r.Terminate && !e.HasTLS:
		return "has no certificates, with which TLS could be ended"
	case asksForTLS(r.Match) && !r.Terminate && e.Proto == listener.ProtoTCP && e.HasTLS:
		return "ends TLS itself, so that it cannot be passed on"
	}
	return ""
}

// middlewares finds those the route names.
func (k *tcpLink) middlewares() bool {
	if k.wanted.Access != nil && k.variants == nil { // else each has its own
		k.made.allow(k.wanted.Access)
	}
	for _, text := range k.wanted.Middlewares {
		object := k.linker.middleware(nameOf(tcpMiddlewares, text))
		k.use(object)
		if err := k.middleware(object); err != nil {
			return k.fail("TCP middleware "+text+": "+err.Error(), notWithout)
		}
	}
	return true
}

func (k *tcpLink) middleware(object *middleware) error {
	m := object.winnerFor(k.wanted.Service)
	if m == nil {
		return errors.New("there is none of this name")
	}
	if m.Broken != "" {
		return errors.New(m.Broken)
	}
	k.made.Steps = append(k.made.Steps, Step{Name: m.Name, Spec: m.Spec})
	switch s := m.Spec.(type) {
	case *spec.ConnAllowList:
		rules := &spec.AccessRules{}
		for _, text := range s.SourceRange {
			p, err := spec.ParseRange(text)
			if err != nil {
				return err
			}
			rules.Allow = append(rules.Allow, p)
		}
		k.made.access = append(k.made.access, rules)
	case *spec.InFlightConn:
		// The count stays with the middleware for as long as its amount does.
		if object.limit == nil || object.limit.Amount != s.Amount {
			object.limit = &tcp.ConnLimit{Amount: s.Amount}
		}
		k.made.limits = append(k.made.limits, object.limit)
	default:
		return fmt.Errorf("kind %s is none of connections", m.Spec.Kind())
	}
	return nil
}

// targets gives the route the pool it names.
func (k *tcpLink) targets() bool {
	if k.variants != nil {
		k.vary()
		return true
	}
	p, runtime, err := k.poolOf(k.wanted.Pool)
	if err != nil {
		return k.fail(err.Error(), "")
	}
	k.made.pooled(p, runtime, k.Defaults.Balance)
	if k.made.end, err = k.ending(k.wanted.Pool, nil); err != nil {
		return k.fail(err.Error(), "")
	}
	if p.Composed == nil {
		return true
	}
	var parts [][]tags.Endpoint
	for _, part := range k.made.parts {
		parts = append(parts, part.endpoints)
	}
	k.made.composed(k.made.end.outline(), parts...)
	return true
}
