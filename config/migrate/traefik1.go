package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// traefik1 takes over the configuration of Traefik 1: its entry points, the
// provider of Consul's catalog, and the frontends and backends of files.
func (m *migration) traefik1(t *tree) {
	for _, name := range t.names("entryPoints") {
		m.entrypoint1(t, name)
	}
	m.authority1(t)
	m.defaultEntrypoints1(t)
	m.catalog(t, "consulCatalog", "traefik1")
	if t.has("consulCatalog") {
		m.Tags.Traefik.DefaultRuleV1 = t.text("consulCatalog.frontEndRule")
		m.Tags.Traefik.Domain = cmp.Or(t.text("consulCatalog.domain"), t.text("domain"))
		if address := t.text("consulCatalog.endpoint"); address != "" {
			m.Consul.Address = address
		}
	}
	m.Catalog.None = (m.isStatic || m.isRunning) && !t.has("consulCatalog")
	m.fileProvider(t, "file")
	t.take("sendAnonymousUsage", "checkNewVersion", "providersThrottleDuration", "allowMinWeightZero")
	if t.is("debug") {
		m.LogLevel = config.Some(config.LevelDebug)
	}
	m.logs(t, "logLevel", "traefikLog.filePath", "traefikLog.format")
	m.LogFile.Path = cmp.Or(m.LogFile.Path, t.text("traefikLogsFile"))
	m.accessLog(t, "traefik1", "traefik1-json")
	m.tracing(t)
	if path := t.text("accessLogsFile"); path != "" && m.LB.AccessLog.Target == "" {
		m.LB.AccessLog.Target, m.LB.AccessLog.Format = path, "traefik1"
	}
	if l := &m.LB.AccessLog; l.IsOn() {
		l.Headers.Default = cmp.Or(l.Headers.Default, "keep") // as there
	}
	m.api(t)
	m.web(t)
	m.timeouts1(t)
	m.ofAllServers(t, "")
	if t.has("retry") {
		t.text("retry")
		attempts, _ := strconv.Atoi(cmp.Or(t.text("retry.attempts"), "2"))
		m.defaultMiddleware(t, "retry", &spec.Retry{Attempts: attempts})
	}
	for _, name := range t.names("frontends") {
		m.frontend(t, name)
	}
	for _, name := range t.names("backends") {
		at := "backends." + name
		if !slices.ContainsFunc(t.values, func(v treeValue) bool { return v.taken && v.isAt(at) }) {
			m.note(t, at, at+" is left out: nothing here uses it")
			t.take(at)
		}
	}
	for i := range t.count("tls") {
		m.certificate(t, fmt.Sprintf("tls[%d].certificate", i), false)
	}
}

// defaultMiddleware adds one that every route has.
func (m *migration) defaultMiddleware(t *tree, name string, s spec.Middleware) {
	m.comment("middleware."+name, "%s", m.origin(t, name))
	m.Middlewares = append(m.Middlewares, config.Middleware{Name: name, Spec: s})
	m.Defaults.Middlewares = append(m.Defaults.Middlewares, name)
}

func (m *migration) entrypoint1(t *tree, name string) {
	at := "entryPoints." + name
	text := t.text(at+".address") + ";name=" + name
	if to := t.text(at + ".redirect.entryPoint"); to != "" {
		text += ";redirect=" + to
		if !t.is(at + ".redirect.permanent") {
			m.note(t, at+".redirect", at+".redirect is permanent here: redirects of a listener are")
		}
	}
	if t.has(at + ".tls") {
		t.text(at + ".tls")
		text += ";cs=" + migrated
		m.selfSigned()
		for i := range t.count(at + ".tls.certificates") {
			m.certificate(t, fmt.Sprintf("%s.tls.certificates[%d]", at, i), false)
		}
		m.certificate(t, at+".tls.defaultCertificate", true)
		if version, ok := strings.CutPrefix(t.text(at+".tls.minVersion"), "VersionTLS"); ok {
			text += ";tlsmin=tls" + version
		}
		m.clientAuthority1(t, at, name, &text)
		if suites := t.list(at + ".tls.cipherSuites"); len(suites) > 0 {
			text += ";tlsciphers=" + strings.Join(suites, ",")
		}
		if t.is(at + ".tls.sniStrict") {
			text += ";strictmatch=true"
		}
	}
	names, err := m.doors1(t, at, name)
	if err != nil {
		m.note(t, at, "the listener is left out, so that it is not open to all: "+err.Error())
		t.take(at)
		return
	}
	if len(names) > 0 {
		text += ";middlewares=" + strings.Join(names, ",")
	}
	m.proxied(t, at, &text)
	m.listener(t, at, text)
}

// frontend takes over a frontend of a file, with its backend.
func (m *migration) frontend(t *tree, name string) {
	at := "frontends." + name
	r := config.StaticRoute{Origin: t.origin(at), Name: name, RuleSyntax: "v1", Entrypoints: t.list(at + ".entryPoints")}
	var rules []string
	for _, route := range t.names(at + ".routes") {
		rules = append(rules, t.text(at+".routes."+route+".rule"))
	}
	r.Rule = strings.Join(rules, ";")
	r.Priority, _ = strconv.Atoi(cmp.Or(t.text(at+".priority"), "0"))
	if t.text(at+".passHostHeader") == "false" {
		r.PassHost = config.Some(false)
	}
	services := len(m.Services)
	err := m.frontendSteps(t, &r, at)
	backend := t.text(at + ".backend")
	if err == nil {
		err = m.backend(t, &r, backend)
	}
	if err == nil {
		err = m.rates1(t, &r, at)
	}
	if err == nil { // what is left would make it another route: who may use it, for one
		err = t.nothingLeft(at)
	}
	if err != nil {
		m.disown(r.Middlewares)
		m.Services = m.Services[:services]
		m.note(t, at, fmt.Sprintf("frontend %s is left out: %v", name, err))
		t.take(at)
		return
	}
	m.comment("route."+name, "%s", m.origin(t, at))
	m.Routes = append(m.Routes, r)
}

// own adds a middleware of a frontend's own and returns its name.
func (m *migration) own(t *tree, frontend, what string, s spec.Middleware) string {
	name := frontend + "-" + what
	m.comment("middleware."+name, "%s", m.origin(t, "frontends."+frontend))
	m.Middlewares = append(m.Middlewares, config.Middleware{Name: name, Spec: s})
	return name
}

// disown takes them away again.
func (m *migration) disown(names []string) {
	m.Middlewares = slices.DeleteFunc(m.Middlewares, func(w config.Middleware) bool { return slices.Contains(names, w.Name) })
}

func (m *migration) backend(t *tree, r *config.StaticRoute, name string) error {
	at := "backends." + name
	if r.Targets = t.servers1(at); len(r.Targets) == 0 {
		return fmt.Errorf("there is no backend %q with servers", name)
	}
	t.take(at+".loadBalancer.method", at+".responseForwarding") // wrr and drr are the same for servers that do not change
	t.text(at)
	b := &spec.LoadBalancer{}
	if t.has(at + ".loadBalancer.stickiness") {
		b.Sticky = &spec.Sticky{Cookie: &spec.Cookie{Name: t.text(at + ".loadBalancer.stickiness.cookieName")}}
	}
	if path := t.text(at + ".healthCheck.path"); path != "" {
		b.Health = spec.DefaultHealthCheck()
		b.Health.Path = path
		if d, err := spec.ParseDuration(cmp.Or(t.text(at+".healthCheck.interval"), t.text("healthcheck.interval"))); err == nil && d > 0 {
			b.Health.Interval = d
		}
		b.Health.Port, _ = strconv.Atoi(cmp.Or(t.text(at+".healthCheck.port"), "0"))
		b.Health.Timeout = cmp.Or(t.duration(at+".healthCheck.timeout"), b.Health.Timeout)
		for _, name := range t.names(at + ".healthCheck.headers") {
			if b.Health.Headers == nil {
				b.Health.Headers = map[string]string{}
			}
			b.Health.Headers[name] = t.text(at + ".healthCheck.headers." + name)
		}
		b.Health.Scheme, b.Health.Hostname = t.text(at+".healthCheck.scheme"), t.text(at+".healthCheck.hostname")
	}
	if b.Sticky != nil || b.Health != nil {
		r.LoadBalancer.Spec = b
	}
	if path := at + ".buffering"; t.has(path) {
		buffering := &spec.Buffering{}
		if err := t.decode(path, buffering); err != nil {
			return err
		}
		r.Middlewares = append(r.Middlewares, m.own(t, r.Name, "buffering", buffering))
	}
	if expression := t.text(at + ".circuitBreaker.expression"); expression != "" {
		r.Middlewares = append(r.Middlewares, m.own(t, r.Name, "breaker", &spec.CircuitBreaker{Expression: expression}))
	}
	if amount, _ := strconv.ParseInt(t.text(at+".maxConn.amount"), 10, 64); amount > 0 {
		source, err := source1(t.text(at + ".maxConn.extractorFunc"))
		if err != nil {
			return err
		}
		r.Middlewares = append(r.Middlewares, m.own(t, r.Name, "limit", &spec.InFlight{Amount: amount, Source: source}))
	}
	return nil
}

// source1 is whose requests Traefik 1 counts together.
func source1(text string) (*spec.SourceCriterion, error) {
	switch header, isHeader := strings.CutPrefix(text, "request.header."); {
	case isHeader:
		return &spec.SourceCriterion{RequestHeader: header}, nil
	case text == "" || text == "request.host":
		return &spec.SourceCriterion{RequestHost: true}, nil
	case text == "client.ip":
		return &spec.SourceCriterion{IPStrategy: &spec.IPStrategy{}}, nil
	}
	return nil, fmt.Errorf("extractorFunc %s is none of client.ip, request.host, request.header.NAME", text)
}
