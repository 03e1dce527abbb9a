package compat

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// metrics answers the metrics of a port whose names begin with a prefix, and which
// hold a text: with their labels, and with values that are no matter of chance. What
// is counted when a request is over is waited for: until nothing changes.
func (a asker) metrics(port, prefix, text string) (string, error) {
	before := ""
	for deadline := time.Now().Add(patience / 4); ; time.Sleep(100 * time.Millisecond) {
		all, err := scrape(net.JoinHostPort(a.ip, port))
		if err != nil {
			return "", err
		}
		all = slices.DeleteFunc(all, func(series string) bool { return !strings.HasPrefix(series, prefix) || !strings.Contains(series, text) })
		slices.Sort(all)
		now := strings.Join(all, ", ")
		if now != "" && now == before || time.Now().After(deadline) {
			return cmp.Or(now, "nothing"), nil
		}
		before = now
	}
}

// api answers the status, the number of the next page and the JSON at a path of a
// port, in a form that does not depend on the order of members.
func (a asker) api(port, path string) (string, error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + net.JoinHostPort(a.ip, port) + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var value any
	if err := json.NewDecoder(resp.Body).Decode(&value); err != nil {
		return "", err
	}
	text, err := json.Marshal(value)
	next := resp.Header.Get("X-Next-Page")
	if next != "" {
		next = "next page " + next + " "
	}
	return fmt.Sprintf("%d %s%s", resp.StatusCode, next, text), err
}

// scrape reads all metrics.
func scrape(address string) (all []string, err error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	for name, f := range families {
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			value := fmt.Sprint(m.GetCounter().GetValue() + m.GetGauge().GetValue())
			switch h := m.GetHistogram(); {
			case h != nil:
				var bounds []string
				for _, b := range h.GetBucket() {
					bounds = append(bounds, fmt.Sprint(b.GetUpperBound()))
				}
				value = fmt.Sprintf("%d up to %s", h.GetSampleCount(), strings.Join(bounds, " "))
			case m.GetGauge().GetValue() > 1e9:
				value = "a time"
			}
			all = append(all, name+labelsOf(labels)+" "+value)
		}
	}
	return all, err
}

func labelsOf(of map[string]string) string {
	var labels []string
	for name, value := range of {
		if name == "serial" {
			value = "…" // of a certificate that is made anew
		}
		labels = append(labels, fmt.Sprintf("%s=%q", name, value))
	}
	if len(labels) == 0 {
		return ""
	}
	slices.Sort(labels)
	return "{" + strings.Join(labels, ",") + "}"
}
