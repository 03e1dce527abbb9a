package main

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
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
		m.Admin.Listen = address
		m.comment("admin.listen", "%s", m.origin(t, at))
	case slices.Contains(t.untaken("metrics.prometheus.entryPoint"), name) && (strings.Contains(name, "metrics") || strings.Contains(name, "prometheus")):
		m.Admin.MetricsListen = append(m.Admin.MetricsListen, address)
		m.comment("admin.metrics_listen", "%s", m.origin(t, at))
	default:
		return false
	}
	t.take(at)
	return true
}

// api takes over that there are an API and metrics: the admin listener has
// them.
func (m *migration) api(t *tree) {
	if t.is("api.insecure") {
		m.Admin.Listen = cmp.Or(m.Admin.Listen, traefikAddress)
	}
	m.namedMetrics(t)
	if t.has("api") || t.has("metrics.prometheus") {
		m.comment("admin", "the admin listener has metrics under /metrics and what the API tells; it is to be kept from strangers,")
		m.comment("admin", "and answers to its address, to localhost and to the names in hosts")
		m.Admin.Listen = cmp.Or(m.Admin.Listen, defaultAdminAddress)
	}
	if t.has("ping") {
		m.note(t, "ping", "ping: who asks /ping is to ask /readyz of the admin listener, which is 503 while it drains as well")
	}
	t.take("api", "metrics.prometheus.entryPoint", "ping")
}

// namedMetrics takes over metrics under Traefik's names. An entry point of their
// own is a listener for them alone.
func (m *migration) namedMetrics(t *tree) {
	const at = "metrics.prometheus"
	if !t.has(at) {
		return
	}
	var named NamedMetrics
	named.setDefaults(position{})
	named.Name = traefikNames
	for key, field := range map[string]*bool{
		"addEntryPointsLabels": &named.Entrypoints, "addRoutersLabels": &named.Routers, "addServicesLabels": &named.Services,
	} {
		if t.has(join(at, key)) {
			*field = t.is(join(at, key))
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
	if slices.Equal(named.Buckets, traefikBuckets) {
		named.Buckets = nil
	}
	t.usual(at, "manualRouting=false")
	t.text(at)
	if at := at + ".entryPoint"; m.Admin.Listen == "" && len(m.Admin.MetricsListen) == 0 && cmp.Or(t.text(at), traefikEntrypoint) == traefikEntrypoint {
		m.Admin.MetricsListen = []string{traefikAddress}
	}
	m.comment("admin.metrics."+traefikNames, "%s", m.origin(t, at))
	m.Admin.Metrics = append(m.Admin.Metrics, named)
}
