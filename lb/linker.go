package lb

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// name identifies an object of one dialect. The text is in lower case, for names
// that differ in case alone are one; but not for Fabio, whose names are paths.
type name struct {
	dialect tags.Dialect
	text    string
}

func nameOf(d tags.Dialect, text string) name {
	if d == tags.Fabio {
		return name{d, text}
	}
	return name{d, strings.ToLower(text)}
}

// middlewareName is that of a declared middleware.
func middlewareName(m tags.Middleware) name { return nameOf(cmp.Or(m.Dialect, tags.Traefik), m.Name) }

// linker joins the definitions of all services: a route of one may use pools
// and middlewares of another, and several may ask for the same object. It knows
// which routes have looked at what, and when a definition changes it links
// those again and no others.
type linker struct {
	Options
	pools    Pools
	problems *problemSet

	routes      byName[wanted]
	middlewares byName[middleware]
	backends    byName[backend]

	// What has to be done again.
	staleRoutes      map[name]*wanted
	staleMiddlewares map[name]*middleware
	staleBackends    map[name]*backend

	tls tlsHosts

	// here is where the load balancer is, as far as that is known, and near is set once
	// a pool has asked for it, zoned once one has asked for the zone.
	here        here
	near, zoned bool

	// faulty are the middlewares of routes that may break or be mended.
	faulty map[*wanted][]faulty

	http changes[*Route] // of the update that is under way
	tcp  changes[*TCPRoute]
}

// changes are the routes that are gone and those that have come; one that changed is
// both.
type changes[R any] struct{ gone, come []R }

// wanted is a route by its name: who asks for it, and what it has become.
type wanted struct {
	name   name
	by     []*tags.Route // in the order of their services
	routes []*Route      // several if its declarations ask for different requests; none if it is not served
	uses   []used        // what was looked at when it was linked
	votes  []ballot
	tcp    *wantedTCP // nil unless it is a route of connections: by and routes are empty then
}

// ballot are the hosts for which the TLS options of a route are to count.
type ballot struct {
	voter *tags.Route
	hosts []tlsHost
}

func newLinker(o Options, pools Pools, problems *problemSet) *linker {
	return &linker{
		Options: o, pools: pools, problems: problems,
		routes: byName[wanted]{}, staleRoutes: map[name]*wanted{},
		middlewares: byName[middleware]{}, staleMiddlewares: map[name]*middleware{},
		backends: byName[backend]{}, staleBackends: map[name]*backend{},
		here: here{o.Locality.Node, o.Locality.Zone}, tls: newTLSHosts(o.EntrypointTLSOptions), faulty: map[*wanted][]faulty{},
	}
}

// replace takes in a definition in the place of the one before. Neither may
// change afterwards.
func (l *linker) replace(before, after tags.Definition) {
	for i := range before.Routes {
		r := &before.Routes[i]
		w := l.wanted(nameOf(r.Dialect, r.Name))
		w.by = without(w.by, r)
	}
	for i := range before.Middlewares {
		m := l.middleware(middlewareName(before.Middlewares[i]))
		m.by = without(m.by, &before.Middlewares[i])
		l.staleMiddlewares[m.name] = m
	}
	for i := range before.Pools {
		p := &before.Pools[i]
		b := l.backend(nameOf(p.Dialect, p.Name))
		b.by = without(b.by, p)
		l.staleBackends[b.name] = b
	}
	for i := range after.Routes {
		r := &after.Routes[i]
		w := l.wanted(nameOf(r.Dialect, r.Name))
		w.by = with(w.by, r, func(r *tags.Route) string { return r.Service })
	}
	for i := range after.Middlewares {
		m := l.middleware(middlewareName(after.Middlewares[i]))
		m.by = with(m.by, &after.Middlewares[i], func(m *tags.Middleware) string { return m.Service })
		l.staleMiddlewares[m.name] = m
	}
	for i := range after.Pools {
		p := &after.Pools[i]
		b := l.backend(nameOf(p.Dialect, p.Name))
		b.by = with(b.by, p, func(p *tags.Pool) string { return p.Service })
		l.staleBackends[b.name] = b
	}
	l.replaceTCP(before, after)
}

// without and with take an element out of a list and put it in, behind those of
// the same service.
func without[T any](list []*T, gone *T) []*T {
	i := slices.Index(list, gone)
	return slices.Delete(list, i, i+1)
}

func with[T any](list []*T, come *T, service func(*T) string) []*T {
	i := len(list)
	for i > 0 && service(list[i-1]) > service(come) {
		i--
	}
	return slices.Insert(list, i, come)
}

// wanted returns a route by name, to be linked again.
func (l *linker) wanted(n name) *wanted {
	w := l.routes.of(n)
	if w == nil {
		w = &wanted{name: n}
		l.routes.set(n, w)
	}
	l.staleRoutes[n] = w
	return w
}

func (l *linker) middleware(n name) *middleware {
	m := l.middlewares.of(n)
	if m == nil {
		m = &middleware{name: n}
		l.middlewares.set(n, m)
	}
	return m
}

func (l *linker) backend(n name) *backend {
	b := l.backends.of(n)
	if b == nil {
		b = &backend{name: n}
		l.backends.set(n, b)
	}
	return b
}

// update links what has changed, and what uses it.
func (l *linker) update() (http changes[*Route], tcp changes[*TCPRoute]) {
	for _, b := range l.staleBackends {
		b.merged, b.runtime = nil, nil
		l.problems.set(owner{"backend", b.name}, b.conflicts())
		b.users.each(l.mark)
	}
	for n, m := range l.staleMiddlewares {
		l.problems.set(owner{"middleware", n}, m.conflicts())
		m.users.each(l.mark)
	}
	for n, w := range l.staleRoutes {
		l.relink(w)
		if len(w.by) == 0 && (w.tcp == nil || len(w.tcp.by) == 0) {
			l.routes.remove(n)
		}
	}
	l.tidy()
	http, tcp = l.http, l.tcp
	l.http, l.tcp = changes[*Route]{}, changes[*TCPRoute]{}
	return http, tcp
}

// mark has a route linked again.
func (l *linker) mark(w *wanted) { l.staleRoutes[w.name] = w }

func (l *linker) relink(w *wanted) {
	for _, u := range w.uses {
		u.removeUser(l, w)
	}
	w.uses = nil
	relinked := l.linkHTTP
	if w.tcp != nil {
		relinked = l.linkTCP
	}
	var problems []tags.Problem
	for _, k := range relinked(w) {
		for _, u := range k.uses {
			if !slices.Contains(w.uses, u) {
				w.uses = append(w.uses, u)
			}
		}
		problems = append(problems, k.problems...)
	}
	for _, u := range w.uses {
		u.addUser(w)
	}
	l.problems.set(owner{"route", w.name}, problems)
}

// linkHTTP makes the routes of a name anew.
func (l *linker) linkHTTP(w *wanted) (links []*link) {
	l.http.gone = append(l.http.gone, w.routes...)
	for _, v := range w.votes {
		l.tls.withdraw(v.voter, v.hosts)
	}
	w.routes, w.votes = nil, nil
	delete(l.faulty, w)
	for _, k := range l.linked(w) {
		if links = append(links, &k.link); k.made != nil {
			w.routes = append(w.routes, k.made)
			if len(k.faulty) > 0 {
				l.faulty[w] = append(l.faulty[w], k.faulty...)
			}
		}
		if len(k.tlsHosts) > 0 {
			w.votes = append(w.votes, ballot{k.wanted, k.tlsHosts})
			l.tls.vote(k.wanted, k.tlsHosts)
		}
	}
	l.http.come = append(l.http.come, w.routes...)
	return links
}

// linked makes the routes of a name.
func (l *linker) linked(w *wanted) []*httpLink {
	switch {
	case len(w.by) == 0:
		return nil
	case w.name.dialect == tags.Traefik && len(w.by) > 1:
		return l.versions(w)
	}
	winner, problems := w.winner()
	k := l.newHTTPLink(winner)
	k.problems, k.variants = problems, sideBySide(winner, w.by)
	if !k.make() {
		k.letGo(nil)
	}
	return []*httpLink{k}
}

// tidy forgets what nobody declares and nobody uses.
func (l *linker) tidy() {
	for n, m := range l.staleMiddlewares {
		if len(m.by) == 0 && m.users.isEmpty() {
			l.middlewares.remove(n)
		}
	}
	for n, b := range l.staleBackends {
		if len(b.by) == 0 && b.users.isEmpty() {
			l.backends.remove(n)
		}
	}
	// A map that was cleared would be as large as it ever was.
	l.staleRoutes, l.staleMiddlewares, l.staleBackends = map[name]*wanted{}, map[name]*middleware{}, map[name]*backend{}
}
