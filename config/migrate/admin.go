package migrate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/admin/push"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
)

// What Traefik has for administration, unless an entry point of that name says
// where it is.
const (
	traefikEntrypoint = "traefik"
	traefikAddress    = ":8080"
)

// isAdmin takes over the entry points that are for administration: the one that has
// this name if nobody says more, and one for metrics that is called so.
func (m *migration) isAdmin(t *tree, name, address string) bool {
	at := "entryPoints." + name
	switch {
	case name == traefikEntrypoint:
		m.internalAddress = address
		m.comment("admin", "%s", m.origin(t, at))
	case slices.Contains(t.untaken("metrics.prometheus.entryPoint"), name) && (strings.Contains(name, "metrics") || strings.Contains(name, "prometheus")):
		m.Admin.MetricsListen = append(m.Admin.MetricsListen, address)
		m.comment("admin.metrics_listen", "%s", m.origin(t, at))
	default:
		return false
	}
	t.take(at)
	return true
}

// api takes over the API, the metrics and /ping: the admin listener has what stands for
// them. All of it is open to others only where Traefik's API is.
func (m *migration) api(t *tree) {
	isOpen := t.is("api.insecure") || m.ofTraefik1 == t && m.isInternal(t, "api")
	hasMetrics, hasPing := m.isInternal(t, "metrics.prometheus"), m.isInternal(t, "ping")
	if isOpen || hasMetrics || hasPing {
		m.comment("admin", "it answers to its addresses, to localhost and to the names in hosts")
	}
	switch address := cmp.Or(m.internalAddress, traefikAddress); {
	case isOpen:
		m.Admin.Listen = cmp.Or(m.Admin.Listen, address)
		m.comment("admin.listen", "what the API tells, metrics and /ping; to be kept from strangers")
	case hasMetrics || hasPing:
		m.Admin.MetricsListen = append(m.Admin.MetricsListen, address)
		m.comment("admin.metrics_listen", "metrics and /ping; all else is at %s", config.DefaultAdminAddress)
	}
	if at := t.text("api.entryPoint"); at != "" && at != traefikEntrypoint {
		m.note(t, "api.entryPoint", "api.entryPoint: what the API tells is at the admin listener, not at "+at)
	}
	m.namedMetrics(t)
	m.pushedMetrics(t, "metrics.statsD", push.StatsD)
	m.pushedMetrics(t, "metrics.datadog", push.DogStatsD)
	m.Admin.TraefikAPI = m.Admin.TraefikAPI || t.has("api") && m.ofTraefik1 != t
	m.ping(t)
	if t.text("ping.terminatingStatusCode") != "" {
		m.note(t, "ping.terminatingStatusCode", "ping.terminatingStatusCode is left out: /ping is 503 while it drains")
	}
	if t.is("api.dashboard") {
		m.note(t, "api.dashboard", "api.dashboard is left out: the admin listener tells the same in text and JSON")
	}
	if t.is("api.debug") {
		m.note(t, "api.debug", "api.debug is left out")
	}
	t.take("api.dashboard", "api.debug", "api.disableDashboardAd", "metrics.prometheus.entryPoint", "ping")
	t.text("api")
}

// isInternal reports whether something is there, and at the entry point for
// administration: not if routers say where.
func (m *migration) isInternal(t *tree, at string) bool {
	v, manual := t.find(at+".entryPoint"), t.find(at+".manualRouting")
	return t.has(at) && (v == nil || v.value == traefikEntrypoint) && (manual == nil || fmt.Sprint(manual.value) != "true")
}

// ping takes over /ping at an entry point for requests. At that for administration it
// is there anyway.
func (m *migration) ping(t *tree) {
	at := t.text("ping.entryPoint")
	if at == "" || at == traefikEntrypoint || t.is("ping.manualRouting") {
		return
	}
	m.comment("route.ping-internal", "%s", m.origin(t, "ping"))
	m.Routes = append(m.Routes, config.StaticRoute{
		Origin: t.origin("ping"), Name: "ping-internal", Rule: "PathPrefix(`/ping`)", Entrypoints: []string{at}, Priority: math.MaxInt32,
		Defaults: config.Some(false), Servers: config.Servers{Service: "ping@internal"},
	})
}

// pushedMetrics takes over metrics that are sent under Traefik's names.
func (m *migration) pushedMetrics(t *tree, at string, kind push.Kind) {
	if !t.has(at) {
		return
	}
	var p config.MetricsPush
	p.SetDefaults(hcl.Position{})
	p.Name, p.Names, p.Interval = kind, config.TraefikNames, 10*time.Second
	p.Address = cmp.Or(t.text(at+".address"), "localhost:8125")
	p.Prefix = t.text(at + ".prefix")
	if t.has(at + ".pushInterval") {
		p.Interval = t.duration(at + ".pushInterval")
	}
	for key, field := range map[string]*bool{
		"addEntryPointsLabels": &p.Entrypoints, "addRoutersLabels": &p.Routers, "addServicesLabels": &p.Services,
	} {
		if t.has(hcl.Join(at, key)) {
			*field = t.is(hcl.Join(at, key))
		}
	}
	t.text(at)
	o := push.Options{Kind: kind, Address: p.Address, Interval: p.Interval}
	if err := o.Validate(); err != nil {
		m.note(t, at, at+" is left out: "+err.Error())
		return
	}
	if m.ofTraefik1 == t {
		m.note(t, at, at+": the metrics have the names of Traefik 2 and later: service.… in place of backend.…")
	}
	m.comment("admin.metrics_push."+string(kind), "%s", m.origin(t, at))
	m.Admin.MetricsPush = append(m.Admin.MetricsPush, p)
}

// namedMetrics takes over metrics under Traefik's names. An entry point of their
// own is a listener for them alone.
func (m *migration) namedMetrics(t *tree) {
	const at = "metrics.prometheus"
	if !t.has(at) {
		return
	}
	var named config.NamedMetrics
	named.SetDefaults(hcl.Position{})
	named.Name = config.TraefikNames
	for key, field := range map[string]*bool{
		"addEntryPointsLabels": &named.Entrypoints, "addRoutersLabels": &named.Routers, "addServicesLabels": &named.Services,
	} {
		if t.has(hcl.Join(at, key)) {
			*field = t.is(hcl.Join(at, key))
		}
	}
	for _, text := range t.list(at + ".buckets") {
		bound, err := strconv.ParseFloat(text, 64)
		if err != nil {
			m.note(t, at+".buckets", at+".buckets: "+strconv.Quote(text)+" is no number and is left out")
			continue
		}
		named.Buckets = append(named.Buckets, bound)
	}
	if slices.Equal(named.Buckets, config.TraefikBuckets) {
		named.Buckets = nil
	}
	if m.ofTraefik1 == t {
		named.Backends, named.Services = true, false
	}
	if t.is(at + ".manualRouting") {
		m.note(t, at+".manualRouting", at+".manualRouting: metrics are at the admin listener; routers of prometheus@internal are off")
	}
	t.text(at)
	if to := t.text(at + ".entryPoint"); to != "" && to != traefikEntrypoint && len(m.Admin.MetricsListen) == 0 {
		m.note(t, at+".entryPoint", at+".entryPoint: metrics are at the admin listener, not at "+to)
	}
	m.comment("admin.metrics."+config.TraefikNames, "%s", m.origin(t, at))
	m.Admin.Metrics = append(m.Admin.Metrics, named)
}
