package migrate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// catalog takes over the provider of Consul's catalog.
func (m *migration) catalog(t *tree, at, dialect string) {
	if !t.has(at) {
		return
	}
	t.text(at)
	m.comment("tags", "%s", m.origin(t, at))
	m.Tags.Dialects = []string{dialect}
	m.Tags.ExposedByDefault = config.Some(t.text(at+".exposedByDefault") != "false")
	m.Tags.TraefikPrefix = cmp.Or(t.text(at+".prefix"), m.Tags.TraefikPrefix)
	m.Tags.Traefik.DefaultRule, m.Tags.Traefik.DefaultDialect = t.text(at+".defaultRule"), dialect
	address := t.text(at + ".endpoint.address")
	if scheme := t.text(at + ".endpoint.scheme"); scheme == "https" && address != "" {
		address = "https://" + strings.TrimPrefix(address, "https://")
	}
	if address != "" {
		m.comment("consul", "%s", m.origin(t, at+".endpoint"))
		m.Consul.Address = strings.TrimPrefix(address, "http://")
	}
	m.Consul.Datacenter, m.Consul.Token = t.text(at+".endpoint.datacenter"), dial.Secret(t.text(at+".endpoint.token"))
	if dialect == "traefik" {
		m.Tags.Traefik.Constraints = t.text(at + ".constraints")
	} else {
		m.Tags.Traefik.ConstraintsV1 = append(t.list("constraints"), t.list(at+".constraints")...)
	}
	m.Consul.Auth.Username = t.text(at + ".endpoint.httpAuth.username")
	m.Consul.Auth.Password = dial.Secret(t.text(at + ".endpoint.httpAuth.password"))
	if m.Consul.Auth.Username != "" {
		m.Consul.Auth.Enabled = config.Some(true)
	}
	if namespaces := t.list(at + ".namespaces"); len(namespaces) > 0 {
		m.Consul.Namespace = namespaces[0]
		if len(namespaces) > 1 {
			m.note(t, at+".namespaces", at+".namespaces: only "+namespaces[0]+" is taken over: one sluice reads one namespace")
		}
	}
	m.LB.Health.Statuses = healthy(t.list(at+".strictChecks"), dialect)
	m.comment("lb.health", "%s", m.origin(t, at))
	ssl := &m.Consul.SSL
	secure := at + ".endpoint.tls"
	if dialect == "traefik1" {
		if secure = at + ".tls"; t.has(secure) {
			ssl.Enabled = config.Some(true)
		}
	}
	ssl.CACert, ssl.Cert, ssl.Key = t.text(secure+".ca"), t.text(secure+".cert"), t.text(secure+".key")
	if t.is(secure + ".insecureSkipVerify") {
		ssl.Verify = config.Some(false)
	}
	if t.is(at + ".requireConsistent") {
		m.Consul.Mode = "consistent"
	}
	t.take(at+".refreshInterval", at+".stale", at+".watch", at+".cache", at+".endpoint.endpointWaitTime")
}

// healthy are the statuses of instances that get requests: Traefik 1 says
// whether checks are strict, its successors which statuses count.
func healthy(checks []string, dialect string) []string {
	lenient := []string{"passing", "warning"}
	switch {
	case dialect == "traefik1" && slices.Equal(checks, []string{"false"}):
		return lenient
	case dialect == "traefik1":
		return nil // passing alone, as is our default
	case len(checks) == 0:
		return lenient
	case slices.Contains(checks, "any"):
		return []string{"passing", "warning", "critical"}
	}
	return checks
}

func (m *migration) logs(t *tree, level, path, format string) {
	switch text := strings.ToLower(t.text(level)); text {
	case "":
	case "fatal", "panic", "error":
		m.LogLevel = config.Some(config.LevelError)
	default:
		if err := config.Assign(&m.LogLevel, text); err != nil {
			m.note(t, level, err.Error())
		}
	}
	m.LogFile.Path = t.text(path)
	if t.text(format) == "json" {
		m.LogFormat = "json"
	}
}

// fileProvider takes over the provider of files, which are read beside this one.
func (m *migration) fileProvider(t *tree, at string) {
	file := cmp.Or(t.text(at+".filename"), t.text(at+".directory"))
	if file != "" && !m.isRunning && !m.isNamed(file) {
		m.note(t, at, "routes in "+file+" are taken over if that is named beside this file")
	}
	t.text(at)
	t.take(at+".watch", at+".debugLogGeneratedTemplate")
}
