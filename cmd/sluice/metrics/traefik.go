package metrics

import (
	"crypto/tls"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sluiceproxy/sluice/cmd/sluice/traefikapi"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/target"
)

// traefikMetrics are the load balancer's metrics as Traefik has them:
// https://doc.traefik.io/traefik/reference/install-configuration/observability/metrics/.
type traefikMetrics struct {
	config.NamedMetrics
	counted []float64 // the bounds that there are

	reloads, lastReload, openConnections, certificates *prometheus.Desc
	entrypoint, router, service                        traefikCounts
	retries, serverUp                                  *prometheus.Desc

	// Those of Traefik 1.7, for what are services now.
	backend                    traefikCounts
	backendRetries, backendsUp *prometheus.Desc
}

// traefikCounts are what is told of listeners, of routes and of services alike.
type traefikCounts struct{ requests, requestsTLS, duration, received, sent *prometheus.Desc }

func newTraefikMetrics(m config.NamedMetrics, counted []float64) *traefikMetrics {
	router := []string{"router", "service"}
	return &traefikMetrics{
		NamedMetrics: m, counted: counted,
		reloads:         traefikDesc("config_reloads_total", "Tables put in force."),
		lastReload:      traefikDesc("config_last_reload_success", "When the last table was put in force."),
		openConnections: traefikDesc("open_connections", "Connections open.", "entrypoint", "protocol"),
		certificates:    traefikDesc("tls_certs_not_after", "When the certificate expires.", "cn", "serial", "sans"),
		entrypoint:      newTraefikCounts("entrypoint_", "entrypoint"),
		router:          newTraefikCounts("router_", router...),
		service:         newTraefikCounts("service_", "service"),
		retries:         traefikDesc("service_retries_total", "Second tries.", "service"),
		serverUp:        traefikDesc("service_server_up", "Whether the health checks of the target succeed.", "service", "url"),
		backend:         newTraefikCounts("backend_", "backend"),
		backendRetries:  traefikDesc("backend_retries_total", "Second tries.", "backend"),
		backendsUp:      traefikDesc("backend_server_up", "Whether the health checks of the target succeed.", "backend", "url"),
	}
}

func newTraefikCounts(prefix string, labels ...string) traefikCounts {
	kind := append([]string{"code", "method", "protocol"}, labels...)
	return traefikCounts{
		requests:    traefikDesc(prefix+"requests_total", "Requests.", kind...),
		requestsTLS: traefikDesc(prefix+"requests_tls_total", "Requests over TLS.", append([]string{"tls_version", "tls_cipher"}, labels...)...),
		duration:    traefikDesc(prefix+"request_duration_seconds", "From the request's head to the answer's end.", kind...),
		received:    traefikDesc(prefix+"requests_bytes_total", "Bytes of the bodies of requests.", kind...),
		sent:        traefikDesc(prefix+"responses_bytes_total", "Bytes of the bodies of answers.", kind...),
	}
}

func traefikDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("traefik_"+name, help, labels, nil)
}

func (m *traefikMetrics) collect(b *Balancer, view *lb.Metrics, out sink) {
	out.counter(m.reloads, view.Rebuilds)
	if !view.Rebuilt.IsZero() {
		out.gauge(m.lastReload, float64(view.Rebuilt.Unix()))
	}
	m.collectCertificates(b.Certificates(), out)
	entrypoints, routers, services := traefikSums{}, traefikSums{}, traefikSums{}
	for _, e := range view.Entrypoints {
		if e.Proto != listener.ProtoUDP {
			out.gauge(m.openConnections, float64(e.Connections), e.Entrypoint, "TCP")
		}
		entrypoints.add(e.Details, e.Entrypoint)
	}
	pools := poolNames(b.Table())
	for _, r := range view.Routes {
		if r.Route != "" {
			routers.add(r.Details, traefikapi.Qualified(r.Dialect, r.Route), traefikapi.Qualified(r.Dialect, pools[[2]string{r.Dialect, r.Route}]))
		}
	}
	for _, s := range view.Services {
		services.add(s.Details, traefikapi.Qualified(s.Dialect, s.Service))
	}
	if m.Entrypoints {
		entrypoints.collect(&m.entrypoint, m, out)
	}
	if m.Routers {
		routers.collect(&m.router, m, out)
	}
	if m.Services {
		services.collect(&m.service, m, out)
		collectRetries(view.Services, traefikapi.Qualified, m.retries, out)
		collectServers(view.Checked, traefikapi.Qualified, m.serverUp, out)
	}
	if m.Backends {
		m.collectBackends(view, out)
	}
}

// collectBackends tells of services what Traefik 1.7 does, by their names alone.
func (m *traefikMetrics) collectBackends(view *lb.Metrics, out sink) {
	plain := func(_, name string) string { return name }
	backends := traefikSums{}
	for _, s := range view.Services {
		backends.add(s.Details, s.Service)
	}
	backends.kinds.counts(out, m.backend.requests)
	backends.kinds.durations(out, m.backend.duration, m.counted, m.Bounds())
	collectRetries(view.Services, plain, m.backendRetries, out)
	collectServers(view.Checked, plain, m.backendsUp, out)
}

func collectRetries(services []lb.ServiceMetrics, named func(dialect, name string) string, as *prometheus.Desc, out sink) {
	retries := map[string]uint64{}
	for _, s := range services {
		retries[named(s.Dialect, s.Service)] += s.Retries
	}
	for name, n := range retries {
		out.positive(as, n, name)
	}
}

func (m *traefikMetrics) collectCertificates(all []certs.Info, out sink) {
	seen := map[[3]string]bool{}
	for _, c := range all {
		names := slices.Sorted(slices.Values(c.Leaf.DNSNames))
		labels := [3]string{c.Leaf.Subject.CommonName, c.Leaf.SerialNumber.String(), strings.Join(names, ",")}
		if !seen[labels] { // another listener may have it, too
			out.gauge(m.certificates, float64(c.Until.Unix()), labels[:]...)
		}
		seen[labels] = true
	}
}

func collectServers(all []lb.CheckedMetrics, named func(dialect, name string) string, as *prometheus.Desc, out sink) {
	up := map[[2]string]float64{}
	for _, c := range all {
		key := [2]string{named(c.Dialect, c.Service), serverURL(c.Target)}
		if up[key] += 0; c.Up {
			up[key] = 1
		}
	}
	for key, is := range up {
		out.gauge(as, is, key[:]...)
	}
}

// serverURL is a target as Traefik names it.
func serverURL(k target.Key) string { return k.Scheme + "://" + k.Address + k.Path }

// poolNames are the services of routes, by dialect and route.
func poolNames(t *lb.Table) map[[2]string]string {
	names := map[[2]string]string{}
	for _, r := range t.Routes() {
		names[[2]string{string(r.Dialect), r.Name}] = r.ServiceName()
	}
	return names
}

// traefikSums are what is counted of some things, by the labels Traefik gives it.
type traefikSums struct{ kinds, tls detailSums }

func (s *traefikSums) add(details []count.Detail, of ...string) {
	if s.kinds == nil {
		s.kinds, s.tls = detailSums{}, detailSums{}
	}
	for i := range details {
		d := &details[i]
		method, status := d.Method, d.Status
		if method == "" {
			method = "EXTENSION_METHOD"
		}
		if strings.HasPrefix(d.Protocol, "grpc") {
			status = d.GRPC
		}
		s.kinds.add(d, append([]string{strconv.Itoa(status), method, d.Protocol}, of...)...)
		if d.TLSVersion != 0 {
			s.tls.add(d, append([]string{tlsVersionNumber(d.TLSVersion), tls.CipherSuiteName(d.TLSCipher)}, of...)...)
		}
	}
}

func (s *traefikSums) collect(as *traefikCounts, m *traefikMetrics, out sink) {
	s.tls.counts(out, as.requestsTLS)
	s.kinds.counts(out, as.requests)
	s.kinds.durations(out, as.duration, m.counted, m.Bounds())
	for _, sum := range s.kinds {
		out.counter(as.received, sum.Received, sum.labels...)
		out.counter(as.sent, sum.Sent, sum.labels...)
	}
}

// tlsVersionNumber is "1.3" for TLS 1.3.
func tlsVersionNumber(version uint16) string {
	if number, ok := strings.CutPrefix(tls.VersionName(version), "TLS "); ok {
		return number
	}
	return "unknown"
}
