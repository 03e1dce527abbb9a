package metrics

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/watch"
)

// What is exported for a load balancer parses, is as metrics should be, and
// tells what happened.
func TestMetricsOfTheLoadBalancer(t *testing.T) {
	o := lb.DefaultServerOptions()
	o.Listeners = []listener.Listener{{Name: "we\"b", Address: "127.0.0.1:0", Proto: "http"}}
	server, err := lb.New(o, watch.New(watch.DefaultOptions()))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()
	defer func() {
		cancel()
		<-ended
	}()
	resp, err := http.Get("http://" + server.Addrs()["we\"b"].String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()

	want := `sluice_lb_entrypoint_responses_total{class="5xx",entrypoint="we\"b"} 1`
	var text string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && !strings.Contains(text, want); time.Sleep(10 * time.Millisecond) {
		text = scrape(t, &Balancer{Server: server})
	}
	if !strings.Contains(text, want) {
		t.Errorf("%s is not in\n%s", want, text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for name, f := range families {
		if !strings.HasPrefix(name, "sluice_") || f.GetHelp() == "" {
			t.Errorf("%s: %s", name, f.GetHelp())
		}
	}
	h := families["sluice_lb_entrypoint_request_duration_seconds"].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 1 || len(h.GetBucket()) == 0 {
		t.Errorf("%v", h)
	}
	problems, err := promlint.New(bytes.NewReader([]byte(text))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, error %v", problems, err)
	}
}

// lbCollector collects the load balancer's alone.
type lbCollector struct {
	lbMetrics
	b *Balancer
}

func (c *lbCollector) Describe(chan<- *prometheus.Desc) {}
func (c *lbCollector) Collect(metrics chan<- prometheus.Metric) {
	view := c.b.Metrics()
	c.collect(c.b, &view, metrics)
}

func scrape(t *testing.T, b *Balancer) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(&lbCollector{newLBMetrics(), b})
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}
