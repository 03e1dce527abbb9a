// Command wire measures what a proxied HTTP/1.1 request costs: sluice beside
// nginx, HAProxy and net/http/httputil, and other load balancers if their
// programs are given, all in front of one nginx, taking turns. bench/README.md
// tells what each figure means.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == reverseProxyArg {
		fmt.Fprintln(os.Stderr, "wire:", serveReverseProxy(os.Args[2]))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(1)
	}
}

// settings are what the command line asks for.
type settings struct {
	subjects []subject
	cases    []workload
	rounds   int
	turn     time.Duration // of load for one subject in one round
	idle     int           // connections, 0 to leave it out
	slow     int           // clients, 0 to leave it out
	plan     plan          // without addresses
	json     bool
}

// standardCases are what is measured if nothing else is asked for.
const standardCases = "128/16,128/64,128/512,16k/64,1m/16,post-16k/64,tls-128/64,tls-16k/64"

func parseSettings(args []string) (settings, error) {
	s := settings{plan: plan{workers: 2}}
	var sluice, cases, only string
	var peers []subject
	flags := flag.NewFlagSet("wire", flag.ContinueOnError)
	flags.StringVar(&sluice, "sluice", ".bin/sluice", "the sluice `program`")
	flags.StringVar(&cases, "cases", standardCases, "`list` of [tls-][post-]BYTES/CONNECTIONS; empty for none")
	flags.StringVar(&only, "only", "", "measure only these `subjects`, comma-separated")
	flags.IntVar(&s.rounds, "rounds", 5, "rounds of each case; the figures are their medians")
	flags.DurationVar(&s.turn, "turn", 4*time.Second, "how long each subject has its turn in a round")
	flags.IntVar(&s.idle, "idle", 0, "also: memory with so many idle `connections`")
	flags.IntVar(&s.slow, "slow", 0, "also: what others see while so many `clients` never finish a request's head")
	flags.IntVar(&s.plan.routes, "routes", 1000, "routes each subject knows")
	flags.BoolVar(&s.plan.log, "log", true, "have each subject write an access log in JSON")
	flags.BoolVar(&s.json, "json", false, "one JSON line for each figure on stdout, the tables on stderr")
	flags.Func("peer", "another load balancer, as `NAME=PROGRAM`; repeatable (known: fabio, traefik, sluice2 and so on for other builds)",
		func(text string) error {
			peer, err := parsePeer(text)
			peers = append(peers, peer)
			return err
		})
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.subjects = append([]subject{sluiceSubject("sluice", sluice), nginxSubject(), haproxySubject(), reverseProxySubject()}, peers...)
	if only != "" {
		names := strings.Split(only, ",")
		s.subjects = slices.DeleteFunc(s.subjects, func(sub subject) bool { return !slices.Contains(names, sub.name) })
	}
	if len(s.subjects) == 0 || s.rounds < 1 || s.plan.routes < 1 || s.turn < time.Second || flags.NArg() > 0 {
		return s, errors.New("need a subject, a round, a route, turns of a second or more, and no arguments besides flags; see -help")
	}
	var err error
	s.cases, err = parseWorkloads(cases)
	return s, err
}

func parsePeer(text string) (subject, error) {
	name, path, _ := strings.Cut(text, "=")
	switch {
	case path == "":
	case name == "fabio":
		return fabioSubject(path), nil
	case name == "traefik":
		return traefikSubject(path), nil
	case strings.HasPrefix(name, "sluice"):
		return sluiceSubject(name, path), nil
	}
	return subject{}, fmt.Errorf("not NAME=PROGRAM of a known load balancer: %q", text)
}

func run(ctx context.Context, args []string) error {
	s, err := parseSettings(args)
	if err != nil {
		return err
	}
	b, err := start(ctx, s)
	if err != nil {
		return err
	}
	defer b.stop()
	r, err := b.measure()
	// What was measured so far took minutes: it is not thrown away.
	return errors.Join(err, r.write(s.json))
}
