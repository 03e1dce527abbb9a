package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// result holds the figures of one run. Times are milliseconds, memory bytes.
type result struct {
	Subject         string   `json:"subject"`
	Services        int      `json:"services"`
	Changes         int      `json:"changes"`
	BootMS          float64  `json:"boot_ms"`
	RoutedBooted    int      `json:"routed_booted"`
	RoutedEnd       int      `json:"routed_end"`
	Series          []series `json:"series"`
	Change          cost     `json:"cpu_per_change"`
	Idle            cost     `json:"cpu_per_idle_second"`
	RSSBooted       int64    `json:"rss_booted"`
	RSSEnd          int64    `json:"rss_end"`
	RSSPeak         int64    `json:"rss_peak"`
	ConnectionsMost int      `json:"connections_most"`
	ConnectionsEnd  int      `json:"connections_end"`
	ConnectionsBySS *int     `json:"connections_by_ss,omitempty"` // at the end too
	OtherClient     probes   `json:"other_client"`
	OtherWork       float64  `json:"other_work"` // share of the machine's processors busy with anything else
}

// series is how long one kind of change took to be seen in the traffic.
type series struct {
	Name          string `json:"name"`
	SinceAnswered spread `json:"since_answered"`
	SinceSent     spread `json:"since_sent"`
	Missed        int    `json:"missed"`
}

// cost is processor time, user and system.
type cost struct {
	SubjectMS float64 `json:"subject_ms"`
	ConsulMS  float64 `json:"consul_ms"`
}

// spread sums up a set of durations, in milliseconds.
type spread struct {
	Count  int     `json:"count"`
	Median float64 `json:"median_ms"`
	P90    float64 `json:"p90_ms"`
	Max    float64 `json:"max_ms"`
}

func spreadOf(durations []time.Duration) spread {
	sorted := slices.Sorted(slices.Values(durations))
	return spread{
		Count:  len(sorted),
		Median: milliseconds(percentile(sorted, 50)),
		P90:    milliseconds(percentile(sorted, 90)),
		Max:    milliseconds(percentile(sorted, 100)),
	}
}

// percentile returns the smallest value that at least p percent of the sorted
// values do not exceed (the nearest-rank method), so always one of them; of
// none it is 0.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func writeJSON(w io.Writer, results []result) error {
	lines := json.NewEncoder(w)
	for _, r := range results {
		if err := lines.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// writeTable writes a column for each run and a row for each figure.
func writeTable(w io.Writer, results []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row := func(label string, cell func(result) string) {
		fmt.Fprint(t, label)
		for _, r := range results {
			fmt.Fprint(t, "\t", cell(r))
		}
		fmt.Fprintln(t)
	}
	row("", func(r result) string { return fmt.Sprintf("%s, %d services", r.Subject, r.Services) })
	row("boot to all routed", func(r result) string { return shortMS(r.BootMS) })
	row("services answering, after boot and at the end", func(r result) string {
		return fmt.Sprintf("%d, %d", r.RoutedBooted, r.RoutedEnd)
	})
	for i, s := range results[0].Series {
		row(s.Name+": median / p90 / max", func(r result) string { return r.Series[i].cell(r.Series[i].SinceAnswered) })
		row("  since the request was sent", func(r result) string { return r.Series[i].cell(r.Series[i].SinceSent) })
	}
	row("CPU per change: its own + Consul's", func(r result) string { return r.Change.cell() })
	row("CPU per idle second: its own + Consul's", func(r result) string { return r.Idle.cell() })
	row("RSS after boot / at the end / peak", func(r result) string {
		return fmt.Sprintf("%d / %d / %d MiB", mebibytes(r.RSSBooted), mebibytes(r.RSSEnd), mebibytes(r.RSSPeak))
	})
	row("connections to the agent, most / at the end", func(r result) string { return r.connections() })
	row("another client: requests / 429s / failures", func(r result) string {
		return fmt.Sprintf("%d / %d / %d", r.OtherClient.Requests, r.OtherClient.Limited, r.OtherClient.Failed)
	})
	row("another client: slowest answer", func(r result) string { return shortMS(r.OtherClient.SlowestMS) })
	row("the machine's processors busy with other work", func(r result) string {
		return strconv.FormatFloat(100*r.OtherWork, 'f', 0, 64) + " %"
	})
	return t.Flush()
}

func (s series) cell(times spread) string {
	if times.Count == 0 {
		return fmt.Sprintf("not seen (%d tried)", s.Missed)
	}
	text := strings.Join([]string{shortMS(times.Median), shortMS(times.P90), shortMS(times.Max)}, " / ")
	if s.Missed > 0 {
		text += fmt.Sprintf(" (%d not seen)", s.Missed)
	}
	return text
}

func (r result) connections() string {
	text := fmt.Sprintf("%d / %d", r.ConnectionsMost, r.ConnectionsEnd)
	if r.ConnectionsBySS != nil {
		text += fmt.Sprintf(" (ss: %d)", *r.ConnectionsBySS)
	}
	return text
}

func (c cost) cell() string { return shortMS(c.SubjectMS) + " + " + shortMS(c.ConsulMS) }

// shortMS formats milliseconds to about three digits.
func shortMS(ms float64) string {
	switch {
	case ms >= 1000:
		return strconv.FormatFloat(ms/1000, 'f', 2, 64) + " s"
	case ms >= 100:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	default:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	}
}

func mebibytes(bytes int64) int64 { return (bytes + 1<<19) >> 20 }
