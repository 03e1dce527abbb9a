package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

// calm is what a service that never changes gets while others do.
type calm struct {
	Flapping   int           // how many others change
	Changes    int           // of their checks, as Consul took them
	Latency    []float64     // median, 99th percentile and the most, in milliseconds
	Requests   int           // sent at a fixed rate
	Failed     int           // not answered with 200
	PerRequest time.Duration // processor time of the subject, changes included
	PerChange  time.Duration // what it used beyond the turn without changes
	Consul     float64       // processors Consul kept busy
	OtherWork  float64
}

// flap measures the first service, once by itself and once while others flap, as
// often in turns as there are rounds.
func (b *bench) flap(ctx context.Context, w io.Writer) error {
	if _, err := b.boot(ctx); err != nil {
		return fmt.Errorf("waiting for all routes: %w", err)
	}
	var rows []calm
	for round := range flapRounds {
		var quiet calm
		for _, flapping := range []int{0, b.flapping} {
			b.progress("turn %d with %d flapping", round+1, flapping)
			c, err := b.calmTurn(ctx, flapping)
			if err != nil {
				return err
			}
			if flapping == 0 {
				quiet = c
			} else {
				c.PerChange = (c.PerRequest - quiet.PerRequest) * time.Duration(c.Requests) / time.Duration(max(1, c.Changes))
			}
			rows = append(rows, c)
		}
	}
	return writeCalm(w, rows)
}

const (
	flapRounds = 2
	// calmPeriod is the time from one request to the next, and flapPeriod that from
	// one change of a flapping service's check to its next.
	calmPeriod = 2 * time.Millisecond
	flapPeriod = 5 * time.Second
)

// calmTurn sends requests at a fixed rate for a while. Latency counts from when a
// request was due, or one that is late would hide those it held up.
func (b *bench) calmTurn(ctx context.Context, flapping int) (calm, error) {
	c := calm{Flapping: flapping}
	others, err := b.otherWork()
	if err != nil {
		return c, err
	}
	spent, err := b.meter()
	if err != nil {
		return c, err
	}
	turn, end := context.WithCancel(ctx)
	defer end()
	group, _ := errgroup.WithContext(ctx)
	if flapping > 0 {
		group.Go(func() (err error) {
			c.Changes, err = b.flapAll(turn, b.services[len(b.services)-flapping:])
			return err
		})
	}
	begin := time.Now()
	var latency []time.Duration
	for due := begin; due.Sub(begin) < b.idle; due = due.Add(calmPeriod) {
		if err := sleep(ctx, time.Until(due)); err != nil {
			return c, err
		}
		if !b.traffic.ask(ctx, b.services[0].name).ok() {
			c.Failed++
		}
		latency = append(latency, time.Since(due))
	}
	end()
	if err := group.Wait(); err != nil {
		return c, err
	}
	used, err := spent(1)
	if err != nil {
		return c, err
	}
	c.Requests = len(latency)
	c.Latency = quantiles(latency)
	c.PerRequest = time.Duration(used.SubjectMS * float64(time.Millisecond) / float64(c.Requests))
	c.Consul = used.ConsulMS / milliseconds(time.Since(begin))
	c.OtherWork, err = others()
	return c, err
}

// flapAll changes the checks of services in turns until ctx ends, and leaves them
// passing.
func (b *bench) flapAll(ctx context.Context, services []service) (changes int, err error) {
	every := time.NewTicker(flapPeriod / time.Duration(len(services)))
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			for _, s := range services {
				if err := b.agent.setCheck(context.WithoutCancel(ctx), s.name, "pass"); err != nil {
					return changes, err
				}
			}
			return changes, nil
		case <-every.C:
		}
		// Each fails in one turn and passes in the next, half of them now.
		i := changes % len(services)
		verdict := "fail"
		if (changes/len(services)+i)%2 == 1 {
			verdict = "pass"
		}
		// The change under way ends by itself: it would count for the next turn.
		if err := b.agent.setCheck(context.WithoutCancel(ctx), services[i].name, verdict); err != nil {
			return changes, fmt.Errorf("%s %s: %w", verdict, services[i].name, err)
		}
		changes++
	}
}

func quantiles(durations []time.Duration) []float64 {
	s := slices.Sorted(slices.Values(durations))
	return []float64{milliseconds(percentile(s, 50)), milliseconds(percentile(s, 99)), milliseconds(percentile(s, 100))}
}

// writeCalm writes a row for each turn.
func writeCalm(w io.Writer, rows []calm) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "flapping\tchanges\trequests\tnot 200\tp50\tp99\tmost\tCPU per request\tper change\tConsul's CPU\tother work")
	for _, c := range rows {
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%.0f %%\t%.0f %%\n", c.Flapping, c.Changes, c.Requests, c.Failed,
			shortMS(c.Latency[0]), shortMS(c.Latency[1]), shortMS(c.Latency[2]),
			c.PerRequest.Round(time.Microsecond), c.PerChange.Round(time.Microsecond), 100*c.Consul, 100*c.OtherWork)
	}
	return t.Flush()
}
