package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// writeTable writes a row for each figure, a column for each subject, and the
// first subject's share of the second's.
func (s settings) writeTable(w io.Writer, size int, results []result) error {
	first, second := results[0], results[1]
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "%d services of %d on %d nodes\t%s\t%s\tratio\n", size, instances, s.nodes, first.subject.name, second.subject.name)
	row := func(label string, value func(result) float64, format func(float64) string) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", label, format(value(first)), format(value(second)), ratio(value(first), value(second)))
	}
	row("-once: wall", func(r result) float64 { return r.onceWall.Seconds() }, duration)
	row("-once: CPU", func(r result) float64 { return r.onceCPU.Seconds() }, duration)
	row("-once: peak RSS", func(r result) float64 { return float64(r.onceMemory) }, mebibytes)
	for _, kind := range s.kinds {
		row(string(kind)+": latency", func(r result) float64 { return r.latency[kind].Seconds() }, duration)
		row(string(kind)+": CPU", func(r result) float64 { return r.changeCPU[kind].Seconds() }, duration)
		row(string(kind)+": Consul's CPU", func(r result) float64 { return r.consulCPU[kind].Seconds() }, duration)
	}
	row("RSS after the changes", func(r result) float64 { return float64(r.memory) }, mebibytes)
	row("connections, most", func(r result) float64 { return float64(r.connections) }, count)
	plain := func(label string, cell func(result) string) {
		fmt.Fprintf(t, "%s\t%s\t%s\t\n", label, cell(first), cell(second))
	}
	plain("never rendered", func(r result) string { return fmt.Sprint(r.neverRendered) })
	plain("-once: runs that failed", func(r result) string { return fmt.Sprint(r.failures) })
	plain("changes not seen", func(r result) string { return fmt.Sprint(r.changesMissed) })
	plain("another client: requests / refused", func(r result) string { return fmt.Sprintf("%d / %d", r.requests, r.refused) })
	plain("other work on the machine", func(r result) string { return fmt.Sprintf("%.0f %%", 100*r.otherWork) })
	plain("same bytes", func(r result) string { return fmt.Sprint(r.same) })
	fmt.Fprintln(t)
	return t.Flush()
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d >= time.Second {
		return fmt.Sprintf("%.2f s", seconds)
	}
	return fmt.Sprintf("%.1f ms", 1000*seconds)
}

func mebibytes(bytes float64) string { return fmt.Sprintf("%.0f MiB", bytes/(1<<20)) }

func count(n float64) string { return fmt.Sprintf("%.0f", n) }
