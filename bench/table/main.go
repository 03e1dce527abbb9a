// Command table measures the routing table: what it costs to build, to change
// by one service and to keep, and how long the route of a request takes to find,
// for several numbers of routes. bench/README.md tells what each figure means.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// settings are what the command line asks for.
type settings struct {
	sizes   []int
	changes int // of each kind
}

func main() {
	if err := run(); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run() error {
	s := settings{sizes: []int{10, 1000, 100_000, 1_000_000}}
	flag.IntVar(&s.changes, "changes", 20, "changes of each kind")
	flag.Func("routes", "`numbers` of routes, comma-separated (default 10,1000,100000,1000000)", func(text string) error {
		s.sizes = nil
		for field := range strings.SplitSeq(text, ",") {
			n, err := strconv.Atoi(field)
			if err != nil || n < len(sorts) {
				return fmt.Errorf("not a number of routes, of at least %d: %q", len(sorts), field)
			}
			s.sizes = append(s.sizes, n)
		}
		return nil
	})
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	var results []result
	for _, n := range s.sizes {
		r, err := measure(n, s.changes)
		if err != nil {
			return fmt.Errorf("with %d routes: %w", n, err)
		}
		results = append(results, r)
	}
	return report(os.Stdout, results)
}
