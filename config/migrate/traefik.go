package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// isTraefik1 tells a configuration of Traefik 1 from those of its successors.
func (t *tree) isTraefik1() bool {
	if t.has("providers") || t.has("http") || t.has("tcp") || t.has("certificatesResolvers") {
		return false
	}
	for _, name := range t.names("entryPoints") {
		if at := "entryPoints." + name; t.has(at+".tls") || t.has(at+".redirect") || t.has(at+".compress") {
			return true
		}
	}
	return slices.ContainsFunc([]string{"frontends", "backends", "defaultEntryPoints", "consulCatalog", "logLevel", "traefikLog", "file", "retry", "rootCAs"}, t.has)
}

// isTraefik reports whether anything at the top is a word of Traefik 2 or 3.
func (t *tree) isTraefik() bool {
	return slices.ContainsFunc([]string{
		"entryPoints", "providers", "http", "tcp", "udp", "tls", "api", "log", "accessLog", "certificatesResolvers", "metrics", "ping",
		"tracing", "global", "serversTransport", "tcpServersTransport", "experimental", "core", "hostResolver", "pilot", "spiffe",
	}, t.has)
}

// migrated is the name of the source of certificates.
const migrated = "migrated"

// traefik takes over static and dynamic configuration of Traefik 2 and 3.
func (m *migration) traefik(t *tree) {
	for _, name := range t.names("certificatesResolvers") {
		m.resolver(t, name)
	}
	for _, name := range t.names("entryPoints") {
		m.entrypoint(t, name)
	}
	m.isStatic = m.isStatic || t.has("providers")
	t.text("providers")
	m.hasEntrypoints = m.hasEntrypoints || t.has("entryPoints")
	m.catalog(t, "providers.consulCatalog", "traefik")
	m.Catalog.None = (m.isStatic || m.isRunning) && !t.has("providers.consulCatalog")
	m.fileProvider(t, "providers.file")
	t.take("providers.providersThrottleDuration", "global")
	if at := "experimental.fastProxy"; t.has(at) {
		m.note(t, at, at+" is left out: there is one way to pass requests on, which is the fast one")
		t.take(at)
	}
	for _, name := range t.names(serversTransports) {
		m.serversTransport(t, name)
	}
	for _, name := range t.names(tcpServersTransports) {
		m.tcpServersTransport(t, tcpServersTransports+"."+name, name)
	}
	m.transport(t)
	if m.rules = cmp.Or(t.text("core.defaultRuleSyntax"), m.rules); m.rules == "v3" {
		m.rules = "" // as is without
	}
	m.Tags.Traefik.RuleSyntax = m.rules
	m.logs(t, "log.level", "log.filePath", "log.format")
	m.accessLog(t, "traefik", "traefik-json")
	if t.has("accessLog") {
		m.LB.AccessLog.DropInternal = !t.is("accessLog.addInternals")
	}
	m.tracing(t)
	m.api(t)
	for _, name := range t.names("http.middlewares") {
		m.middleware(t, name)
	}
	for _, name := range t.names("http.routers") {
		m.router(t, name)
	}
	m.otherServices(t)
	for _, name := range t.names("tcp.middlewares") {
		m.tcpMiddleware(t, name)
	}
	m.streams(t, "tcp")
	m.streams(t, "udp")
	for _, name := range t.names("tls.options") {
		m.tlsOptions(t, name)
	}
	for i := range t.count("tls.certificates") {
		m.certificate(t, fmt.Sprintf("tls.certificates[%d]", i), false)
	}
	m.certificate(t, "tls.stores.default.defaultCertificate", true)
}

func (m *migration) origin(t *tree, at string) string {
	return t.origin(at) + ": " + at
}

func (m *migration) entrypoint(t *tree, name string) {
	at := "entryPoints." + name
	address, proto, _ := strings.Cut(t.text(at+".address"), "/")
	if address == "" {
		only := ""
		if names := t.names(at); len(names) > 0 { // one of which may be misspelt
			only = ", only " + strings.Join(names, ", ") + ","
		}
		m.note(t, at, at+" has no address"+only+" and is left out")
		t.take(at)
		return
	}
	text := address + ";name=" + name
	if proto == "udp" {
		m.datagrams(t, at, text)
		return
	}
	if m.isAdmin(t, name, address) {
		return
	}
	if to := t.text(at + ".http.redirections.entryPoint.to"); to != "" {
		text += ";redirect=" + to
		m.redirection(t, at+".http.redirections.entryPoint")
	}
	switch {
	case m.speaksTLS(t, name, address):
		text += ";proto=" + listener.ProtoHTTPSAndSNI + ";cs=" + migrated
		t.taken(at+".http.tls", nil)
		if options := fileName(t.text(at + ".http.tls.options")); options != "" {
			text += ";tlsoptions=" + options
		}
		m.certResolver(t, at, &text)
		m.selfSigned()
	case m.speaksTCP(t, name):
		text += ";proto=" + listener.ProtoTCP
	}
	for _, timeout := range []struct{ key, option string }{{"readTimeout", "rt"}, {"writeTimeout", "wt"}, {"idleTimeout", "it"}} {
		if d := t.duration(at + ".transport.respondingTimeouts." + timeout.key); d > 0 {
			text += fmt.Sprintf(";%s=%v", timeout.option, d)
		}
	}
	if names := fileNames(t.list(at + ".http.middlewares")); len(names) > 0 {
		text += ";middlewares=" + strings.Join(names, ",")
	}
	m.bounds(t, at, &text)
	m.proxied(t, at, &text)
	m.http3(t, at, &text)
	if t.is(at + ".asDefault") {
		m.Defaults.Entrypoints = append(m.Defaults.Entrypoints, name)
	}
	m.listener(t, at, text)
}

func (m *migration) listener(t *tree, at, text string) {
	m.comment(listenerPath(len(m.LB.Listeners)), "%s", m.origin(t, at))
	m.LB.Listeners = append(m.LB.Listeners, config.Listener{Origin: t.origin(at), Text: text})
}

// listenerPath is where the comments of a listener are kept.
func listenerPath(i int) string { return fmt.Sprintf("lb.listener[%d]", i) }

// proxied takes over whom an entry point believes. Trusted proxies are the same
// for all listeners here.
func (m *migration) proxied(t *tree, at string, text *string) {
	trusted := t.list(at + ".forwardedHeaders.trustedIPs")
	if t.is(at + ".forwardedHeaders.insecure") {
		trusted = []string{"0.0.0.0/0", "::/0"}
	}
	for _, ip := range trusted {
		if !slices.Contains(m.LB.TrustedProxies, ip) {
			m.LB.TrustedProxies = append(m.LB.TrustedProxies, ip)
		}
	}
	from := t.list(at + ".proxyProtocol.trustedIPs")
	if t.is(at + ".proxyProtocol.insecure") {
		from = []string{"0.0.0.0/0", "::/0"}
	}
	if len(from) > 0 {
		*text += ";pxyproto=true;pxyfrom=" + strings.Join(from, ",")
	}
}

// taken takes only what is empty or one of the keys below a path.
func (t *tree) taken(at string, keys []string) {
	t.text(at)
	for _, key := range keys {
		t.text(at + "." + key)
	}
}

// selfSigned sees to it that there is a source of certificates: Traefik makes
// one itself without.
func (m *migration) selfSigned() {
	if len(m.LB.Certificates) == 0 {
		m.LB.Certificates = []config.Certificates{{Name: migrated, Type: "selfsigned", Cert: []string{"localhost"}}}
	}
}

// certificate takes over a certificate. The first is for names that none is for.
func (m *migration) certificate(t *tree, at string, first bool) {
	cert, key := t.text(at+".certFile"), t.text(at+".keyFile")
	switch {
	case cert == "":
		return
	case isPEM(cert) || isPEM(key):
		m.note(t, at, at+" has the certificate itself: write it and its key to files, and name them in certificates \""+migrated+"\"")
		return
	case strings.Contains(cert+key, ","):
		m.note(t, at, at+" has a comma in the name of a file: rename it")
		return
	}
	m.selfSigned()
	c := &m.LB.Certificates[0]
	if c.Type != "file" {
		*c = config.Certificates{Name: migrated, Type: "file"}
	}
	m.comment("lb.certificates."+migrated, "%s", m.origin(t, at))
	place := slices.Index(c.Cert, cert)
	switch {
	case place >= 0 && first:
		c.Cert, c.Key = slices.Delete(c.Cert, place, place+1), slices.Delete(c.Key, place, place+1)
	case place >= 0:
		return
	}
	if place = len(c.Cert); first {
		place = 0
	}
	c.Cert, c.Key = slices.Insert(c.Cert, place, cert), slices.Insert(c.Key, place, cmp.Or(key, cert))
}

// isPEM tells a certificate or a key from the name of a file.
func isPEM(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN") }

// middleware takes over one of the middlewares of http.middlewares.
func (m *migration) middleware(t *tree, name string) {
	at := "http.middlewares." + name
	for _, kind := range t.names(at) {
		o := hcl.Object{{Key: kind, Value: hcl.Node{Value: t.object(hcl.Join(at, kind))}}}
		made := config.Middleware{Origin: m.origin(t, at), Name: name}
		err := made.UnmarshalObject(o)
		if err == nil {
			err = made.Spec.Validate()
		}
		if pages, ok := made.Spec.(*spec.Errors); ok && err == nil {
			err = m.part(t, &pages.Service)
		}
		if err != nil {
			text := err.Error()
			if f, ok := errors.AsType[*hcl.Fault](err); ok {
				text = f.Text
			}
			m.note(t, at, fmt.Sprintf("middleware %s of kind %s: %s; routes that use it are left out", name, kind, text))
			continue
		}
		m.comment("middleware."+name, "%s", m.origin(t, at))
		m.Middlewares = append(m.Middlewares, made)
	}
}

// router takes over one of http.routers, with its service.
func (m *migration) router(t *tree, name string) {
	at := "http.routers." + name
	r := config.StaticRoute{Origin: t.origin(at), Name: name, Rule: t.text(at + ".rule"), Entrypoints: t.list(at + ".entryPoints"), Middlewares: fileNames(t.list(at + ".middlewares"))}
	r.RuleSyntax = cmp.Or(t.text(at+".ruleSyntax"), m.rules)
	if t.has(at + ".tls") {
		r.TLS, r.TLSOptions = t.text(at+".tls") != "false", fileName(t.text(at+".tls.options"))
		r.CertResolver = m.routersResolver(t, at+".tls")
	}
	r.Priority, _ = strconv.Atoi(cmp.Or(t.text(at+".priority"), "0"))
	r.Tracing = t.traced(at)
	err := m.service(t, &r, fileName(t.text(at+".service")))
	if err == nil {
		_, _, err = tags.Static{Routes: []tags.StaticRoute{r.Static(nil)}}.Definition(nil)
	}
	if err != nil {
		m.note(t, at, fmt.Sprintf("router %s is left out: %v", name, err))
		t.take(at)
		return
	}
	m.comment("route."+name, "%s", m.origin(t, at))
	m.Routes = append(m.Routes, r)
}

func fileNames(names []string) (all []string) {
	for _, name := range names {
		all = append(all, fileName(name))
	}
	return all
}
