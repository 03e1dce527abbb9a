package migrate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// frontendSteps takes over what a frontend has in front of its backend, in the
// order in which Traefik 1 goes through it; but for rate limits, which come last.
func (m *migration) frontendSteps(t *tree, r *config.StaticRoute, at string) error {
	use := func(what string, s spec.Middleware) { r.Middlewares = append(r.Middlewares, m.own(t, r.Name, what, s)) }
	if err := m.errorPages1(t, at, use); err != nil {
		return err
	}
	if ranges := t.list(at + ".whiteList.sourceRange"); len(ranges) > 0 {
		use("allow", &spec.IPAllowList{SourceRange: ranges})
		t.usual(at, "whiteList.useXForwardedFor=false")
	}
	if to := t.text(at + ".redirect.regex"); to != "" {
		use("redirect", spec.RedirectRegex{Regex: to, Replacement: t.text(at + ".redirect.replacement"), Permanent: t.is(at + ".redirect.permanent")})
	}
	if t.has(at + ".headers") {
		headers := &spec.Headers{}
		if err := t.decode(at+".headers", headers); err != nil {
			return err
		}
		use("headers", headers)
	}
	if auth := m.auth1(t, at+".auth"); auth != nil {
		use("auth", auth)
	} else if users := t.list(at + ".basicAuth"); len(users) > 0 {
		use("auth", &spec.BasicAuth{Users: users})
	}
	return nil
}

// decode takes what is below a path as the keys of a middleware, which is checked.
func (t *tree) decode(at string, into spec.Middleware) error {
	err := hcl.DecodeSpec(t.object(at), into, "")
	if err == nil {
		err = into.Validate()
	}
	if f, ok := errors.AsType[*hcl.Fault](err); ok {
		err = errors.New(f.Text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

// errorPages1 takes over error pages, whose backends become services. The
// frontend's own, which has just failed, is not asked for any.
func (m *migration) errorPages1(t *tree, frontend string, use func(what string, s spec.Middleware)) error {
	names := t.names(frontend + ".errors")
	slices.Sort(names)
	for _, name := range names {
		at := hcl.Join(frontend+".errors", name)
		backend := t.text(at + ".backend")
		if strings.EqualFold(backend, t.text(frontend+".backend")) {
			t.take(at)
			continue
		}
		pages := &spec.Errors{Status: t.list(at + ".status"), Query: t.text(at + ".query"), Service: backend}
		if err := pages.Validate(); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if err := m.pagesBackend(t, backend); err != nil {
			return err
		}
		use("errors-"+name, pages)
	}
	return nil
}

// pagesBackend has a service stanza stand for a backend that error pages come from.
func (m *migration) pagesBackend(t *tree, name string) error {
	if slices.ContainsFunc(m.Services, func(s config.StaticService) bool { return strings.EqualFold(s.Name, name) }) {
		return nil
	}
	at := "backends." + name
	var s config.StaticService
	s.SetDefaults(t.place(at))
	s.Name, s.Targets = name, t.servers1(at)
	if len(s.Targets) == 0 {
		return fmt.Errorf("there is no backend %q with servers", name)
	}
	m.comment("service."+name, "%s", m.origin(t, at))
	m.Services = append(m.Services, s)
	return nil
}

// servers1 are the servers of a backend.
func (t *tree) servers1(at string) (targets []string) {
	for _, server := range t.names(at + ".servers") {
		target := strings.TrimRight(t.text(at+".servers."+server+".url"), "/")
		if weight := t.text(at + ".servers." + server + ".weight"); weight != "" && weight != "1" {
			target += " weight=" + weight
		}
		targets = append(targets, target)
	}
	return targets
}

// rates1 takes over the rate limits of a frontend: a middleware for each set.
func (m *migration) rates1(t *tree, r *config.StaticRoute, at string) error {
	at += ".rateLimit"
	if !t.has(at) {
		return nil
	}
	of := t.text(at + ".extractorFunc")
	if of == "" {
		return fmt.Errorf("%s has no extractorFunc", at)
	}
	source, err := source1(of)
	if err != nil {
		return err
	}
	names := t.names(at + ".rateSet")
	slices.Sort(names)
	for _, name := range names {
		limit := &spec.RateLimit{}
		if err := t.decode(at+".rateSet."+name, limit); err != nil {
			return err
		}
		limit.Source = source
		r.Middlewares = append(r.Middlewares, m.own(t, r.Name, "rate-"+name, limit))
	}
	return nil
}
