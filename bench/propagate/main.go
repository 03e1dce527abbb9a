// Command propagate measures how long a change in Consul takes to reach the
// traffic of a load balancer, and what that costs: the processor time and
// memory of the load balancer and of Consul, and the connections held to the
// agent. bench/README.md tells what each figure means.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "propagate:", err)
		os.Exit(1)
	}
}

// settings are what the command line asks for.
type settings struct {
	consul   string
	subjects []subject
	sizes    []int
	changes  int
	pause    time.Duration // between changes, on average
	patience time.Duration // for one change, before it counts as missed
	idle     time.Duration // how long idle cost is measured
	flapping int           // services that flap beside one that does not; 0 measures changes
	json     bool
}

func run(ctx context.Context, args []string) error {
	s, err := parseSettings(args)
	if err != nil {
		return err
	}
	var results []result
	for _, size := range s.sizes {
		for _, subject := range s.subjects {
			r, err := measure(ctx, s, subject, size)
			if err != nil {
				// What was measured so far took minutes: it is not thrown away.
				return errors.Join(fmt.Errorf("%s with %d services: %w", subject.name, size, err), s.report(results))
			}
			if s.flapping == 0 { // else there is a table of its own
				results = append(results, r)
			}
		}
	}
	return s.report(results)
}

func parseSettings(args []string) (settings, error) {
	s := settings{sizes: []int{300, 5000}}
	var sluice string
	var peers []subject
	flags := flag.NewFlagSet("propagate", flag.ContinueOnError)
	flags.StringVar(&s.consul, "consul", ".bin/consul", "the Consul `program`")
	flags.StringVar(&sluice, "sluice", ".bin/sluice", "the sluice `program`; empty measures only peers")
	flags.IntVar(&s.changes, "changes", 30, "changes in each series")
	flags.DurationVar(&s.pause, "pause", 200*time.Millisecond, "mean pause between changes; each is between half and one and a half of it")
	flags.DurationVar(&s.patience, "patience", 15*time.Second, "a change not seen for this long is missed; a series ends at its third")
	flags.DurationVar(&s.idle, "idle", 5*time.Second, "how long the idle cost is measured")
	flags.IntVar(&s.flapping, "flapping", 0, "measure, instead of changes, one service by itself, while so many others flap, and while so many without routes do, for -idle each, in three rounds")
	flags.BoolVar(&s.json, "json", false, "one JSON line per run on stdout, the table on stderr")
	flags.Func("services", "`sizes` of the catalog, comma-separated (default 300,5000)", func(text string) (err error) {
		s.sizes, err = parseSizes(text)
		return err
	})
	flags.Func("peer", "another load balancer, as `NAME=PROGRAM`, measured side by side; repeatable (known: fabio)", func(text string) error {
		name, path, _ := strings.Cut(text, "=")
		if name != "fabio" || path == "" {
			return fmt.Errorf("not fabio=PROGRAM: %q", text)
		}
		peers = append(peers, fabioSubject(path))
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if sluice != "" {
		s.subjects = append(s.subjects, sluiceSubject(sluice))
	}
	s.subjects = append(s.subjects, peers...)
	if len(s.subjects) == 0 || s.changes < 1 || flags.NArg() > 0 {
		return s, fmt.Errorf("need a program to measure, at least one change, and no arguments besides flags; see -help")
	}
	if smallest := slices.Min(s.sizes); s.flapping < 0 || s.flapping >= smallest {
		return s, fmt.Errorf("-flapping %d: one service of -services must not flap, and there are only %d", s.flapping, smallest)
	} else if s.changes > smallest {
		return s, fmt.Errorf("-changes %d: each changes a service of its own, and -services has only %d", s.changes, smallest)
	}
	return s, nil
}

func parseSizes(text string) ([]int, error) {
	var sizes []int
	for field := range strings.SplitSeq(text, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || size < 1 {
			return nil, fmt.Errorf("not a number of services: %q", field)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// report writes the table and, with -json, a line for each run.
func (s settings) report(results []result) error {
	if len(results) == 0 {
		return nil
	}
	var table io.Writer = os.Stdout
	if s.json {
		if err := writeJSON(os.Stdout, results); err != nil {
			return err
		}
		table = os.Stderr
	}
	return writeTable(table, results)
}
