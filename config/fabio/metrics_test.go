package fabio

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
)

// Fabio's properties say whom its metrics are sent to.
func TestFabioMetricsThatAreSent(t *testing.T) {
	for text, want := range map[string]string{
		"metrics.target = graphite\nmetrics.graphite.addr = 10.0.0.1:2003\nmetrics.interval = 5s\nmetrics.prefix = lb.": `
			metrics_push "graphite" {
			address = "10.0.0.1:2003"
			interval = "5s"
			names = "fabio"
			prefix = "lb."
			}`,
		"metrics.target = stdout, statsd_raw,flat, label,dogstatsd\nmetrics.statsd.addr = :8125\nmetrics.dogstatsd.addr = h:1": `
			metrics_push "stdout" {
			names = "fabio"
			}
			metrics_push "statsd" {
			address = ":8125"
			names = "fabio"
			}
			metrics_push "label" {
			names = "fabio"
			}
			metrics_push "dogstatsd" {
			address = "h:1"
			names = "fabio"
			}`,
		"metrics.graphite.addr = 10.0.0.1:2003\nmetrics.timeout = 3s": "",
	} {
		c, err := readFabio(t, text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		of := configtest.Text(t, "admin {\n"+want+"\n}").Admin
		for i := range of.MetricsPush {
			of.MetricsPush[i].Origin = ""
		}
		if got, want := configtest.Dump(config.Config{Admin: config.Admin{MetricsPush: c.Admin.MetricsPush}}), configtest.Dump(config.Config{Admin: config.Admin{MetricsPush: of.MetricsPush}}); got != want {
			t.Errorf("%s\n%s\nwant\n%s", text, got, want)
		}
		if len(c.Warnings) > 0 {
			t.Errorf("%s: %q", text, c.Warnings)
		}
	}
}

func TestFabioMetricsThatAreNotSent(t *testing.T) {
	for text, want := range map[string]string{
		"metrics.target = graphite":                                    `metrics.target: nothing is sent to graphite: the address "" is not HOST:PORT`,
		"metrics.target = stdout\nmetrics.interval = 0s":               "metrics.target: nothing is sent to stdout: the interval 0s is not above 0",
		"metrics.target = circonus\nmetrics.circonus.apikey = planted": "not sent to Circonus",
	} {
		c, err := readFabio(t, strings.Split(text, "\n")...)
		if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], want) || strings.Contains(c.Warnings[0], "planted") || len(c.Admin.MetricsPush) > 0 {
			t.Errorf("%s: %q, %v, want %s", text, c.Warnings, err, want)
		}
	}
	if _, err := readFabio(t, "metrics.target = statsd"); err == nil || !strings.Contains(err.Error(), `"statsd" is none of`) {
		t.Errorf("%v", err)
	}
}
