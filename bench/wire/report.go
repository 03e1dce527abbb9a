package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// report is all that was measured.
type report struct {
	cases []caseResult
	idle  []idleResult
	slow  []slowResult
}

// caseResult holds the medians of a case.
type caseResult struct {
	Case     string          `json:"case"`
	Subjects []subjectResult `json:"subjects"`
}

// subjectResult is what a subject did; times are microseconds, memory bytes.
type subjectResult struct {
	Subject     string    `json:"subject"`
	PerSecond   float64   `json:"requests_per_second"`
	CPU         float64   `json:"cpu_us_per_request"`
	CPURounds   []float64 `json:"cpu_us_per_request_rounds"`
	UpstreamCPU float64   `json:"upstream_cpu_us_per_request"`
	Median      float64   `json:"p50_us"`
	Percent99   float64   `json:"p99_us"`
	Memory      uint64    `json:"memory"`
	Errors      int       `json:"errors"` // in all rounds
	OtherWork   float64   `json:"other_work"`
}

func sumUp(name string, samples []sample) subjectResult {
	r := subjectResult{
		Subject:     name,
		PerSecond:   medianOf(samples, func(s sample) float64 { return float64(s.requests) / s.took.Seconds() }),
		CPU:         medianOf(samples, func(s sample) float64 { return microseconds(s.cpu) }),
		UpstreamCPU: medianOf(samples, func(s sample) float64 { return microseconds(s.upstream) }),
		Median:      medianOf(samples, func(s sample) float64 { return microseconds(s.median) }),
		Percent99:   medianOf(samples, func(s sample) float64 { return microseconds(s.percent99) }),
		Memory:      medianOf(samples, func(s sample) uint64 { return s.memory }),
		OtherWork:   medianOf(samples, func(s sample) float64 { return s.otherWork }),
	}
	for _, s := range samples {
		r.Errors += s.errors
		r.CPURounds = append(r.CPURounds, microseconds(s.cpu))
	}
	return r
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// write prints the tables and, with lines, JSON as well.
func (r report) write(lines bool) error {
	var tables io.Writer = os.Stdout
	var errs error
	if lines {
		tables = os.Stderr
		out := json.NewEncoder(os.Stdout)
		for _, c := range r.cases {
			errs = errors.Join(errs, out.Encode(c))
		}
		for _, c := range r.idle {
			errs = errors.Join(errs, out.Encode(c))
		}
		for _, c := range r.slow {
			errs = errors.Join(errs, out.Encode(c))
		}
	}
	t := tabwriter.NewWriter(tables, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, c := range r.cases {
		c.write(t)
	}
	writeIdle(t, r.idle)
	writeSlow(t, r.slow)
	return errors.Join(errs, t.Flush())
}

// write prints a line for each subject, with its figures as multiples of
// nginx's and HAProxy's.
func (c caseResult) write(w io.Writer) {
	fmt.Fprintf(w, "%s\treq/s\tCPU µs/req\tp50 ms\tp99 ms\tMiB\terrors\tother work\tCPU ×nginx\t×haproxy\treq/s ×nginx\t×haproxy\tp99 ×nginx\t×haproxy\t\n", c.Case)
	nginx, haproxy := c.find("nginx"), c.find("haproxy")
	for _, s := range c.Subjects {
		fmt.Fprintf(w, "%s\t%.0f\t%.1f\t%.2f\t%.2f\t%.0f\t%d\t%.0f %%\t", s.Subject, s.PerSecond, s.CPU, s.Median/1000, s.Percent99/1000,
			float64(s.Memory)/(1<<20), s.Errors, 100*s.OtherWork)
		fmt.Fprintf(w, "%s\t%s\t", ratio(s.CPU, nginx.CPU), ratio(s.CPU, haproxy.CPU))
		fmt.Fprintf(w, "%s\t%s\t", ratio(s.PerSecond, nginx.PerSecond), ratio(s.PerSecond, haproxy.PerSecond))
		fmt.Fprintf(w, "%s\t%s\t\n", ratio(s.Percent99, nginx.Percent99), ratio(s.Percent99, haproxy.Percent99))
	}
	fmt.Fprintln(w)
}

func (c caseResult) find(name string) subjectResult {
	for _, s := range c.Subjects {
		if s.Subject == name {
			return s
		}
	}
	return subjectResult{}
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}
