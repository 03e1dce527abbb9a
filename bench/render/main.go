// Command render measures what it costs to keep one file of many services up to
// date, for sluice and consul-template side by side on one Consul agent. bench/README.md tells what each figure means.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// settings are what the command line asks for.
type settings struct {
	consul   string
	subjects []subject
	sizes    []int
	limit    int // of the agent, see startAgent
	rounds   int // runs with -once of each subject
	changes  int
	kinds    []change
	nodes    int
}

// subject is a program with consul-template's command line.
type subject struct{ name, path string }

// instances of each service.
const instances = 4

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	s := settings{sizes: []int{500, 2500}, kinds: allChanges, subjects: []subject{{"sluice", ".bin/sluice"}, {"consul-template", ".bin/consul-template"}}}
	flag.StringVar(&s.consul, "consul", ".bin/consul", "the Consul `program`")
	flag.StringVar(&s.subjects[0].path, "sluice", s.subjects[0].path, "the sluice `program`")
	flag.StringVar(&s.subjects[1].path, "consul-template", s.subjects[1].path, "the consul-template `program`")
	flag.IntVar(&s.limit, "limit", 0, "connections the agent allows a client, 0 for its default of 200")
	flag.IntVar(&s.rounds, "rounds", 3, "runs with -once of each program")
	flag.IntVar(&s.changes, "changes", 20, "changes in each series")
	flag.IntVar(&s.nodes, "nodes", 100, "nodes the instances are spread over")
	flag.Func("change", "`kinds` of changes, comma-separated: check, register, port (default all)", func(text string) (err error) {
		s.kinds, err = parseChanges(text)
		return err
	})
	flag.Func("services", "`numbers` of services, comma-separated (default 500,2500)", func(text string) error {
		s.sizes = nil
		for field := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(field)
			if err != nil || n < 1 {
				return fmt.Errorf("not a number of services: %q", field)
			}
			s.sizes = append(s.sizes, n)
		}
		return nil
	})
	flag.Parse()
	log.SetOutput(io.Discard) // net/http tells there of every 429 that came unasked
	if s.rounds < 1 || s.changes < 2 || s.changes%2 == 1 || s.nodes < instances {
		return fmt.Errorf("-rounds must be at least 1, -changes even, -nodes at least %d", instances)
	}
	for _, size := range s.sizes {
		results, err := s.measure(ctx, size)
		if err != nil {
			return fmt.Errorf("with %d services: %w", size, err)
		}
		if err := s.writeTable(os.Stdout, size, results); err != nil {
			return err
		}
	}
	return nil
}
