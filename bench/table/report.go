package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// report prints the results as a table with a column for each number of routes.
func report(out io.Writer, results []result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, figure func(r result) string) {
		fmt.Fprint(w, name, "\t")
		for _, r := range results {
			fmt.Fprint(w, figure(r), "\t")
		}
		fmt.Fprintln(w)
	}
	row("routes", func(r result) string { return fmt.Sprint(r.routes) })
	row("build from nothing", func(r result) string { return short(r.build) })
	row("a check changes, median", func(r result) string { return short(r.health.median) })
	row("worst", func(r result) string { return short(r.health.worst) })
	row("tags change, median", func(r result) string { return short(r.retag.median) })
	row("worst", func(r result) string { return short(r.retag.worst) })
	row("bytes a route: index", func(r result) string { return fmt.Sprintf("%.0f", r.index) })
	row("index and route", func(r result) string { return fmt.Sprintf("%.0f", r.index+r.route) })
	row("all the load balancer keeps", func(r result) string { return fmt.Sprintf("%.0f", r.total) })
	for i, s := range sorts {
		row(s.name+", ns", func(r result) string { return fmt.Sprintf("%.0f", r.lookups[i].same) })
		row("a few by turns, ns", func(r result) string { return fmt.Sprintf("%.0f", r.lookups[i].few) })
		row("÷ that of the first", func(r result) string { return fmt.Sprintf("%.1f", r.lookups[i].few/results[0].lookups[i].few) })
		row("at random, ns", func(r result) string { return fmt.Sprintf("%.0f", r.lookups[i].random) })
		row("allocations", func(r result) string { return fmt.Sprint(r.lookups[i].allocs) })
	}
	return w.Flush()
}

func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
