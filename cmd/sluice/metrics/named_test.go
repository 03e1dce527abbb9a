package metrics

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/config/fabio"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/count"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// namedScrape collects what a view of the load balancer is under the names that the
// text, of an admin stanza, asks for.
type namedScrape struct {
	named []namedCollector
	b     *Balancer
	view  lb.Metrics
}

func (c *namedScrape) Describe(chan<- *prometheus.Desc) {}

func (c *namedScrape) Collect(metrics chan<- prometheus.Metric) {
	for _, n := range c.named {
		n.collect(c.b, &c.view, metrics)
	}
}

func scrapeNamed(t *testing.T, stanza string, view lb.Metrics) string {
	t.Helper()
	c := configtest.Text(t, "admin {\n"+stanza+"\n}")
	o := lb.DefaultServerOptions()
	o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "http"}}
	server, err := lb.New(o, watch.New(watch.DefaultOptions()))
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(&namedScrape{newNamedCollectors(&c), &Balancer{Server: server}, view})
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// What is two things here may be one to another load balancer: it is one series
// then, of which the buckets are those that were asked for.
func TestNamedMetricsAddUp(t *testing.T) {
	detail := func(k count.Kind, counts ...uint64) count.Detail {
		return count.Detail{Kind: k, Buckets: counts, Sent: 2}
	}
	web := count.Kind{Status: 200, Method: "GET", Protocol: "http"}
	secure := count.Kind{Status: 200, Method: "GET", Protocol: "http", TLSVersion: 0x0304, TLSCipher: 0x1301}
	call := count.Kind{Status: 200, Method: "POST", Protocol: "grpc", GRPC: 14}
	to := func(scheme string) target.Key { return target.Key{Scheme: scheme, Address: "10.0.0.1:80"} }
	view := lb.Metrics{
		Services: []lb.ServiceMetrics{
			{Dialect: "traefik", Service: "web", Retries: 1, Details: []count.Detail{detail(web, 1, 2, 4), detail(secure, 8, 0, 0)}},
			{Dialect: "traefik1", Service: "web", Retries: 1, Details: []count.Detail{detail(web, 16, 0, 0)}},
			{Dialect: "fabio", Service: "we\xffb", Details: []count.Detail{detail(web, 1, 0, 0), detail(call, 0, 1, 0)}},
		},
		RouteTargets: []lb.RouteTargetMetrics{
			{Route: "h/x strip=/x", Service: "web", Target: to("http"), Detail: detail(count.Kind{}, 1, 0, 0)},
			{Route: "h/x", Service: "web", Target: to("http"), Detail: detail(count.Kind{}, 1, 0, 0)},
			{Route: "h/x", Service: "web", Target: to("h2c"), Detail: detail(count.Kind{}, 1, 0, 0)},
		},
		TCPTargets: []lb.TCPTargetMetrics{
			{Route: ":9000/ proto=tcp", Service: "db", Target: to("tcp"), Received: 1, Sent: 2},
			{Route: ":9000/x proto=tcp", Service: "db", Target: to("tcp"), Received: 10, Sent: 20},
		},
		Checked: []lb.CheckedMetrics{
			{Dialect: "traefik", Service: "web", Target: to("http"), Up: true}, {Dialect: "traefik1", Service: "web", Target: to("http")},
			{Dialect: "file", Service: "x", Target: to("https")},
		},
	}
	text := scrapeNamed(t, `metrics "traefik" { buckets = [0.5] backends = true }`+"\n"+`metrics "fabio" { prefix = "my-Host.lb" buckets = [0.25, 0.5] }`, view)
	for _, want := range []string{
		`traefik_service_requests_total{code="200",method="GET",protocol="http",service="web@consulcatalog"} 31`,
		`traefik_service_responses_bytes_total{code="200",method="GET",protocol="http",service="web@consulcatalog"} 6`,
		`traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="web@consulcatalog",le="0.5"} 27`,
		`traefik_service_request_duration_seconds_bucket{code="200",method="GET",protocol="http",service="web@consulcatalog",le="+Inf"} 31`,
		`traefik_service_requests_tls_total{service="web@consulcatalog",tls_cipher="TLS_AES_128_GCM_SHA256",tls_version="1.3"} 8`,
		`traefik_service_requests_total{code="14",method="POST",protocol="grpc",service="we` + "\uFFFD" + `b@fabio"} 1`,
		`traefik_service_retries_total{service="web@consulcatalog"} 2`,
		`traefik_service_server_up{service="web@consulcatalog",url="http://10.0.0.1:80"} 1`,
		`traefik_service_server_up{service="x@file",url="https://10.0.0.1:80"} 0`,
		`traefik_backend_requests_total{backend="web",code="200",method="GET",protocol="http"} 31`,
		`traefik_backend_request_duration_seconds_count{backend="web",code="200",method="GET",protocol="http"} 31`,
		`traefik_backend_retries_total{backend="web"} 2`,
		`traefik_backend_server_up{backend="web",url="http://10.0.0.1:80"} 1`,
		`my_host_lb_requests_bucket{service="web",le="0.25"} 25`,
		`my_host_lb_http_status_count{code="200",service="web"} 31`,
		`my_host_lb_route_count{host="h",path="/x",service="web",target="http://10.0.0.1:80/"} 2`,
		`my_host_lb_route_count{host="h",path="/x",service="web",target="grpc://10.0.0.1:80"} 1`,
		`my_host_lb_grep_status_count{code="Unavailable"} 1`,
		`my_host_lb_grpc_requests_count 1`,
		`my_host_lb_ws_conn 0`,
		`my_host_lb_route_rx{host=":9000",path="",service="db",target="tcp://10.0.0.1:80"} 22`,
		`my_host_lb_route_tx{host=":9000",path="",service="db",target="tcp://10.0.0.1:80"} 11`,
	} {
		if !slices.Contains(strings.Split(text, "\n"), want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	for _, absent := range []string{`le="0.25"} 17`, "traefik_service_request_duration_seconds_bucket{code=\"200\",method=\"GET\",protocol=\"http\",service=\"web@consulcatalog\",le=\"0.25\"}", "my_host_lb_notfound", "sluice_"} {
		if strings.Contains(text, absent) {
			t.Errorf("%s is in\n%s", absent, text)
		}
	}
	if text := scrapeNamed(t, "", view); text != "" {
		t.Errorf("nobody asked for\n%s", text)
	}
}

// Names that owners of services choose are bounded in metrics, and still told apart.
func TestLongNamesInMetrics(t *testing.T) {
	long := strings.Repeat("ä", 4000)
	values := labelValues([]string{"short", long + "1", long + "2", "\xff"})
	if values[0] != "short" || values[1] == values[2] || values[3] != "\uFFFD" {
		t.Errorf("the values are %q", values)
	}
	for _, v := range values {
		if len(v) > maxLabel+10 || !utf8.ValidString(v) {
			t.Errorf("%q has %d bytes", v, len(v))
		}
	}
}

// Fabio's properties switch its metrics on if there is somebody to read them.
func TestFabioMetricSettings(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"metrics.prefix = x":                "",
		"metrics.target = stdout, graphite": "",
		"metrics.target = statsd_raw , prometheus": `metrics "fabio" {}`,
		"metrics.target = prometheus\nmetrics.prefix = lb\nmetrics.prometheus.subsystem = s\nmetrics.prometheus.buckets = .1, 2\nmetrics.prometheus.path = /m": `
			metrics "fabio" { prefix = "lb" subsystem = "s" buckets = [0.1, 2] }
			metrics_path = "/m"`,
		"metrics.target = prometheus\nmetrics.prometheus.buckets = .005,.01,.025,.05,.1,.25,.5,1,2.5,5,10": `metrics "fabio" {}`,
	} {
		c := config.DefaultConfig()
		if err := (&fabio.Settings{Path: "fabio.properties"}).Take(&c, text, configtest.NoEnv); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		of := configtest.Text(t, "admin {\n"+strings.ReplaceAll(want, `" {`, "\" {\n")+"\n}").Admin
		for i := range of.Metrics {
			of.Metrics[i].Origin = c.Admin.Metrics[i].Origin
		}
		if !slices.EqualFunc(c.Admin.Metrics, of.Metrics, func(a, b config.NamedMetrics) bool {
			return a.Name == b.Name && a.Prefix == b.Prefix && a.Subsystem == b.Subsystem && slices.Equal(a.Buckets, b.Buckets)
		}) || c.Admin.MetricsPath != of.MetricsPath {
			t.Errorf("%s: %+v, want %+v", text, c.Admin, of)
		}
	}
	for _, text := range []string{"metrics.prefix = {{", "metrics.prometheus.buckets = 1,x"} {
		c := config.DefaultConfig()
		if err := (&fabio.Settings{Path: "fabio.properties"}).Take(&c, text, configtest.NoEnv); err == nil || !strings.Contains(err.Error(), strings.Fields(text)[0]) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
