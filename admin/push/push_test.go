package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	*prometheus.Registry
	requests  *prometheus.CounterVec
	open      prometheus.Gauge
	durations *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		Registry:  prometheus.NewRegistry(),
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, []string{"code", "route"}),
		open:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "open"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "took", Buckets: testBounds}, []string{"service"}),
	}
	m.MustRegister(m.requests, m.open, m.durations)
	return m
}

func newPusher(m *metrics, kind Kind) (*Pusher, *bytes.Buffer) {
	var log bytes.Buffer
	return New(Options{Kind: kind, Interval: time.Hour, Gatherer: m, Names: Names{Prefix: "p."}, Logger: slog.New(slog.NewTextHandler(&log, nil))}), &log
}

// lines are those of the pusher's next push, which succeeds.
func (p *Pusher) next(t *testing.T) []string {
	t.Helper()
	families, err := p.Gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	current := p.Names.collect(families, p.Kind.tagged())
	lines, _ := p.Kind.lines(current, p.told, time.Unix(42, 0))
	p.told = current
	var texts []string
	for _, line := range lines {
		texts = append(texts, strings.TrimSuffix(string(line), "\n"))
	}
	return texts
}

func TestLines(t *testing.T) {
	for kind, want := range map[Kind][]string{
		Graphite: {
			"p.open 3.000000 42", "p.requests_total.code.200.route.a_b_c 2.000000 42",
			"p.took.service.web.p50 30.000000 42", "p.took.service.web.p90 30.000000 42",
			"p.took.service.web.p95 30.000000 42", "p.took.service.web.p99 30.000000 42",
		},
		StatsD:      {"p.open:3.000000|g", "p.requests_total.code.200.route.a_b_c:2.000000|c", "p.took.service.web:30.000000|ms"},
		Print:       {"p.open:3.000000|g", "p.requests_total.code.200.route.a_b_c:2.000000|c", "p.took.service.web:30.000000|ms"},
		DogStatsD:   {"p.open:3.000000|g", "p.requests_total:2.000000|c|#code:200,route:a.b/c", "p.took:0.030000|h|#service:web"},
		PrintTagged: {"p.open:3.000000|g", "p.requests_total:2.000000|c|#code:200,route:a.b/c", "p.took:30.000000|ms|#service:web"},
	} {
		m := newMetrics()
		p, _ := newPusher(m, kind)
		m.requests.WithLabelValues("200", "a.b/c").Add(2)
		m.open.Set(3)
		m.durations.WithLabelValues("web").Observe(0.03)
		if got := p.next(t); !slices.Equal(got, want) {
			t.Errorf("%s tells\n%q, want\n%q", kind, got, want)
		}
	}
}

func TestOnlyWhatIsNewIsTold(t *testing.T) {
	m := newMetrics()
	p, _ := newPusher(m, StatsD)
	m.requests.WithLabelValues("200", "a").Add(5)
	m.durations.WithLabelValues("web").Observe(0.03)
	p.next(t)
	m.requests.WithLabelValues("200", "a").Add(2)
	m.requests.WithLabelValues("500", "a").Inc()
	if got, want := p.next(t), []string{"p.open:0.000000|g", "p.requests_total.code.200.route.a:2.000000|c", "p.requests_total.code.500.route.a:1.000000|c"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	m.requests.Reset() // the route was gone in between
	m.requests.WithLabelValues("200", "a").Add(3)
	if got, want := p.next(t), []string{"p.open:0.000000|g", "p.requests_total.code.200.route.a:3.000000|c"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestMetricsOfOneNameAreAddedUp(t *testing.T) {
	m := newMetrics()
	p, _ := newPusher(m, StatsD)
	p.Names.Flat = func(name string, _ Labels) string { return name }
	m.requests.WithLabelValues("200", "a").Add(5)
	m.requests.WithLabelValues("500", "b").Add(2)
	m.durations.WithLabelValues("web").Observe(0.03)
	m.durations.WithLabelValues("api").Observe(0.05)
	got := p.next(t)
	if len(got) != 4 || got[1] != "p.requests_total:7.000000|c" {
		t.Errorf("told %q", got)
	}
}

func TestSignsThatEndNamesAreReplaced(t *testing.T) {
	m := newMetrics()
	m.requests.WithLabelValues("200", "a b:c|d,e\nf;g").Inc()
	for kind, want := range map[Kind]string{
		Graphite:  "p.requests_total.code.200.route.a_b_c_d,e_f_g 1.000000 42",
		StatsD:    "p.requests_total.code.200.route.a_b_c_d,e_f_g:1.000000|c",
		DogStatsD: "p.requests_total:1.000000|c|#code:200,route:a_b:c_d_e_f;g",
	} {
		p, _ := newPusher(m, kind)
		if got := p.next(t); got[1] != want {
			t.Errorf("%s tells %q, want %q", kind, got[1], want)
		}
	}
}

func TestReceiverThatIsDownIsToldOfOnce(t *testing.T) {
	m := newMetrics()
	p, log := newPusher(m, DogStatsD)
	path := filepath.Join(t.TempDir(), "dsd")
	p.Address = "unix://" + path
	for range 3 {
		m.requests.WithLabelValues("200", "a").Inc()
		p.push(time.Minute)
	}
	if n := strings.Count(log.String(), "metrics cannot be sent"); n != 1 {
		t.Fatalf("told %d times:\n%s", n, log)
	}
	receiver := listenDatagrams(t, path)
	p.push(time.Minute)
	if got := receive(t, receiver); !strings.Contains(got, "p.requests_total:3.000000|c|#code:200,route:a\n") {
		t.Errorf("received %q: what was counted meanwhile is not in it", got)
	}
	if !strings.Contains(log.String(), "metrics are sent again") {
		t.Errorf("nothing tells that it works again:\n%s", log)
	}
}

func TestSlowReceiverIsGivenUp(t *testing.T) {
	m := newMetrics()
	for i := range 25_000 { // more than sockets buffer
		m.requests.WithLabelValues(fmt.Sprint(i), strings.Repeat("x", 400)).Inc()
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p, log := newPusher(m, Graphite)
	p.Address = silent.Addr().String()
	if err := p.send(time.Now(), 200*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("err = %v\n%s", err, log)
	}
}

func TestOnePushIsBounded(t *testing.T) {
	current := map[string]*series{}
	for i := range maxLines + 7 {
		current[fmt.Sprint(i)] = &series{name: fmt.Sprint(i)}
	}
	if lines, left := StatsD.lines(current, nil, time.Now()); len(lines) != maxLines || left != 7 {
		t.Errorf("%d lines, %d left out", len(lines), left)
	}
}

func TestWhatIsLeftIsPushedAtTheEnd(t *testing.T) {
	m := newMetrics()
	p, _ := newPusher(m, StatsD)
	path := filepath.Join(t.TempDir(), "statsd")
	p.Address = "unix://" + path
	receiver := listenDatagrams(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	m.requests.WithLabelValues("200", "a").Inc()
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := receive(t, receiver); !strings.Contains(got, "p.requests_total.code.200.route.a:1.000000|c\n") {
		t.Errorf("received %q", got)
	}
}

func TestPackets(t *testing.T) {
	long := bytes.Repeat([]byte("x"), maxDatagram+1)
	lines := [][]byte{[]byte("a\n"), []byte("b\n"), long, bytes.Repeat([]byte("y"), maxDatagram-1), []byte("c\n")}
	var sizes []int
	for packet := range packets(lines) {
		sizes = append(sizes, len(packet))
	}
	if want := []int{4, maxDatagram + 1, maxDatagram - 1, 2}; !slices.Equal(sizes, want) {
		t.Errorf("packets of %v bytes, want %v", sizes, want)
	}
}

func TestPrinting(t *testing.T) {
	m := newMetrics()
	p, _ := newPusher(m, Print)
	var out bytes.Buffer
	p.Output = &out
	p.push(time.Minute)
	if got := out.String(); got != "p.open:0.000000|g\n" {
		t.Errorf("printed %q", got)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		Options
		want string
	}{
		{Options{Kind: Graphite, Address: "127.0.0.1:2003", Interval: 1}, ""},
		{Options{Kind: DogStatsD, Address: "unix:///run/dsd", Interval: 1}, ""},
		{Options{Kind: Print, Interval: 1}, ""},
		{Options{Kind: StatsD, Address: "127.0.0.1", Interval: 1}, `the address "127.0.0.1" is not HOST:PORT`},
		{Options{Kind: StatsD, Address: ":8125", Interval: 1}, ""},
		{Options{Kind: StatsD, Address: "host:0", Interval: 1}, `the address "host:0" is not HOST:PORT`},
		{Options{Kind: StatsD, Address: "unix://", Interval: 1}, `"unix://" is no address of statsd`},
		{Options{Kind: Graphite, Address: "unix:///run/c", Interval: 1}, `"unix:///run/c" is no address of graphite`},
		{Options{Kind: Print, Address: "x:1", Interval: 1}, "stdout has no address"},
		{Options{Kind: Print}, "the interval 0s is not above 0"},
	} {
		text := ""
		if err := c.Validate(); err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%s %q: %q, want %q", c.Kind, c.Address, text, c.want)
		}
	}
}

func listenDatagrams(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// receive reads one datagram, which was sent.
func receive(t *testing.T, conn io.Reader) string {
	t.Helper()
	packet := make([]byte, 1<<16)
	n, err := conn.Read(packet)
	if err != nil {
		t.Fatal(err)
	}
	return string(packet[:n])
}
