package migrate

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// finish is for what depends on all files: routes without a middleware they
// name, and routes for TLS on listeners without certificates.
func (m *migration) finish() {
	m.finishMiddlewares()
	m.finishServices()
	m.finishMiddlewares() // without the pages of services that are left out
	m.keepListeners(func(l config.Listener) (reason string) {
		for _, name := range spec.List(l.Option("middlewares")) {
			if !m.hasMiddleware(name) {
				return "there is no middleware " + name
			}
		}
		return ""
	})
	m.finishTLS()
	m.finishACME()
	m.finishRedirects()
	if m.isStatic && !m.hasEntrypoints {
		m.comment("lb.listener[0]", "what Traefik listens on if there are no entry points")
		m.LB.Listeners = []config.Listener{{Text: ":80;name=http"}}
	}
	m.secureRoutes()
	m.finishStreams()
	m.streamListeners()
	if m.isStatic || m.hasEntrypoints || m.drain > 0 {
		const grace = 10 * time.Second // as Traefik gives without another word
		m.LB.DrainTimeout = cmp.Or(m.drain, grace)
	}
}

// hasMiddleware reports whether there is one of that name; what tags declare may be.
func (m *migration) hasMiddleware(name string) bool {
	return strings.Contains(name, "@") || slices.ContainsFunc(m.Middlewares, func(w config.Middleware) bool { return strings.EqualFold(w.Name, name) })
}

func (m *migration) drop(missing bool, origin, what, name string) bool {
	if missing {
		m.notes = append(m.notes, note{path: origin, text: what + " is left out: there is no middleware " + name})
	}
	return missing
}

// finishMiddlewares leaves out routes, services and chains without a middleware they
// name.
func (m *migration) finishMiddlewares() {
	missing := func(names []string) (string, bool) {
		i := slices.IndexFunc(names, func(name string) bool { return !m.hasMiddleware(name) })
		if i < 0 {
			return "", false
		}
		return names[i], true
	}
	for before := -1; before != len(m.Middlewares); { // chains may be in chains
		before = len(m.Middlewares)
		m.Middlewares = slices.DeleteFunc(m.Middlewares, func(w config.Middleware) bool {
			chain, ok := w.Spec.(spec.Chain)
			name, isMissing := missing(chain.Middlewares)
			return ok && m.drop(isMissing, w.Origin, "middleware "+w.Name, name)
		})
	}
	m.Routes = slices.DeleteFunc(m.Routes, func(r config.StaticRoute) bool {
		name, isMissing := missing(r.Middlewares)
		return m.drop(isMissing, r.Origin, "route "+r.Name, name)
	})
	m.Services = slices.DeleteFunc(m.Services, func(s config.StaticService) bool {
		name, isMissing := missing(s.Middlewares)
		if m.drop(isMissing, s.Origin, "service "+s.Name, name) {
			m.dropped = append(m.dropped, strings.ToLower(s.Name))
		}
		return isMissing
	})
}

// finishServices leaves out what needs a service that is left out.
func (m *migration) finishServices() {
	isDropped := func(name string) bool { return slices.Contains(m.dropped, strings.ToLower(name)) }
	for before := -1; before != len(m.dropped); {
		before = len(m.dropped)
		m.Services = slices.DeleteFunc(m.Services, func(s config.StaticService) bool {
			whole := s.Composition()
			if whole == nil || !slices.ContainsFunc(whole.Names(), func(name *string) bool { return isDropped(*name) }) {
				return false
			}
			m.notes = append(m.notes, note{path: s.Origin, text: "service " + s.Name + " is left out, as a part of it is"})
			m.dropped = append(m.dropped, strings.ToLower(s.Name))
			return true
		})
	}
	m.Routes = slices.DeleteFunc(m.Routes, func(r config.StaticRoute) bool {
		if isDropped(r.Service) {
			m.notes = append(m.notes, note{path: r.Origin, text: "route " + r.Name + " is left out, as its service " + r.Service + " is"})
		}
		return isDropped(r.Service)
	})
	m.Middlewares = slices.DeleteFunc(m.Middlewares, func(w config.Middleware) bool {
		pages, ok := w.Spec.(*spec.Errors)
		return ok && isDropped(pages.Service) && m.drop(true, w.Origin, "middleware "+w.Name, "for pages, as its service "+pages.Service+" is left out")
	})
}
