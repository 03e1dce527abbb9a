package migrate

import (
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// defaultEntrypoints1 takes over where frontends are that do not say: at "http".
func (m *migration) defaultEntrypoints1(t *tree) {
	m.isStatic = m.isStatic || t.has("consulCatalog") || t.has("file") || t.has("defaultEntryPoints")
	m.hasEntrypoints = m.hasEntrypoints || t.has("entryPoints")
	switch {
	case t.has("defaultEntryPoints"):
		m.Defaults.Entrypoints = t.list("defaultEntryPoints")
		m.comment("defaults", "%s", m.origin(t, "defaultEntryPoints"))
	case t.has("entryPoints.http"):
		m.Defaults.Entrypoints = []string{"http"}
		m.comment("defaults", "where Traefik has frontends that do not say")
	}
}

// web takes over the older form of the API. Its passwords have no equivalent, so
// that it is for this machine alone with them.
func (m *migration) web(t *tree) {
	if !t.has("web") {
		return
	}
	m.Admin.Listen = t.text("web.address")
	m.comment("admin.listen", "%s", m.origin(t, "web"))
	if t.has("web.auth") {
		m.note(t, "web.auth", "web.auth has no equivalent: the admin listener stays on "+config.DefaultAdminAddress+", for this machine alone")
		m.Admin.Listen = config.DefaultAdminAddress
		t.take("web.auth")
	}
	t.text("web")
	t.take("web.readOnly", "web.statistics", "web.metrics.prometheus")
}

// timeouts1 takes over what holds for all entry points and servers.
func (m *migration) timeouts1(t *tree) {
	into := m.LB.Timeouts
	for key, field := range map[string]*time.Duration{
		"respondingTimeouts.readTimeout": &into.Read, "respondingTimeouts.writeTimeout": &into.Write, "respondingTimeouts.idleTimeout": &into.Idle,
		"idleTimeout": &into.Idle, "forwardingTimeouts.dialTimeout": &into.Dial, "forwardingTimeouts.responseHeaderTimeout": &into.Response,
	} {
		if d := t.duration(key); d > 0 {
			*field = d
		}
	}
	m.LB.Timeouts = into
	m.drain = max(m.drain, t.duration("graceTimeOut"), t.duration("lifeCycle.graceTimeOut"))
	m.LB.DrainDelay = max(m.LB.DrainDelay, t.duration("lifeCycle.requestAcceptGraceTimeout"))
	m.idlePerTarget(t, "maxIdleConnsPerHost")
	if every := t.text("healthcheck.interval"); every != "" && t.has("consulCatalog") {
		m.note(t, "healthcheck.interval", "healthcheck.interval is taken over for backends of the file; services of the catalog are asked every "+
			spec.DefaultHealthCheck().Interval.String()+" unless their tags say traefik.backend.healthcheck.interval")
	}
	m.Tags.Traefik.KeepTrailingSlash = t.is("keepTrailingSlash")
}

// doors1 takes over what an entry point has in front of all frontends. The error says
// what cannot be, without which it would be open to more clients.
func (m *migration) doors1(t *tree, at, name string) (names []string, err error) {
	use := func(what string, s spec.Middleware) {
		if err == nil {
			err = s.Validate()
		}
		made := "entrypoint-" + name + "-" + what
		m.comment("middleware."+made, "%s", m.origin(t, at))
		m.Middlewares = append(m.Middlewares, config.Middleware{Name: made, Spec: s})
		names = append(names, made)
	}
	if ranges := append(t.list(at+".whiteList.sourceRange"), t.list(at+".whiteListSourceRange")...); len(ranges) > 0 {
		use("allow", &spec.IPAllowList{SourceRange: ranges})
		t.usual(at, "whiteList.useXForwardedFor=false")
	}
	if auth := m.auth1(t, at+".auth"); auth != nil {
		use("auth", auth)
	}
	if to := t.text(at + ".redirect.regex"); to != "" {
		use("redirect", spec.RedirectRegex{Regex: to, Replacement: t.text(at + ".redirect.replacement"), Permanent: t.is(at + ".redirect.permanent")})
	}
	if t.is(at + ".compress") {
		use("compress", &spec.Compress{})
	}
	for _, key := range []string{"auth", "whiteList", "whiteListSourceRange"} {
		if err == nil {
			err = t.nothingLeft(hcl.Join(at, key))
		}
	}
	if err != nil {
		m.disown(names)
	}
	return names, err
}

// auth1 takes over an authentication.
func (m *migration) auth1(t *tree, at string) spec.Middleware {
	field := strings.TrimSpace(t.text(at + ".headerField"))
	users, file := t.list(at+".basic.users"), t.text(at+".basic.usersFile")
	if len(users) > 0 || file != "" {
		return &spec.BasicAuth{Users: users, UsersFile: file, RemoveHeader: t.is(at + ".basic.removeHeader"), HeaderField: field}
	}
	users, file = t.list(at+".digest.users"), t.text(at+".digest.usersFile")
	if len(users) > 0 || file != "" {
		return &spec.DigestAuth{Users: users, UsersFile: file, RemoveHeader: t.is(at + ".digest.removeHeader"), HeaderField: field}
	}
	if address := t.text(at + ".forward.address"); address != "" {
		forward := spec.DefaultForwardAuth()
		forward.Address, forward.TrustForwardHeader = address, t.is(at+".forward.trustForwardHeader")
		forward.AuthResponseHeaders = t.list(at + ".forward.authResponseHeaders")
		return forward
	}
	return nil
}
