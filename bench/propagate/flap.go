package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

// surroundings are what happens beside the service that is measured.
type surroundings string

const (
	// still is the control: nothing changes.
	still surroundings = "nothing"
	// elsewhere has Consul as busy as with flapping, by services without a route:
	// what it takes from the machine is not the subject's doing.
	elsewhere surroundings = "without routes"
	flapping  surroundings = "with routes"
)

// calm is what a service that never changes gets while others do.
type calm struct {
	Turn       string // empty for all turns together
	Beside     surroundings
	Changes    int             // of checks, as Consul took them
	Latency    []time.Duration // of the requests, which are sent at a fixed rate
	Failed     int             // not answered with 200
	Time       time.Duration   // it took
	CPU        time.Duration   // of the subject, changes included
	ConsulCPU  time.Duration
	OtherTurns int // whose other work is added up in
	OtherWork  float64
}

// and adds up two turns.
func (c calm) and(other calm) calm {
	c.Changes += other.Changes
	c.Latency = slices.Concat(c.Latency, other.Latency)
	c.Failed += other.Failed
	c.Time += other.Time
	c.CPU += other.CPU
	c.ConsulCPU += other.ConsulCPU
	c.OtherTurns += other.OtherTurns
	c.OtherWork += other.OtherWork
	return c
}

// flap measures the first service with each of the surroundings, as often as there
// are rounds. The order is turned round each time, lest what changes with time is
// taken for a difference between them.
func (b *bench) flap(ctx context.Context, w io.Writer) error {
	if _, err := b.boot(ctx); err != nil {
		return fmt.Errorf("waiting for all routes: %w", err)
	}
	others := map[surroundings][]service{flapping: b.services[len(b.services)-b.flapping:]}
	for i := range b.flapping {
		s := b.subject.service("quiet", i, b.blue.addr)
		s.tags = nil
		others[elsewhere] = append(others[elsewhere], s)
	}
	if err := b.agent.registerAll(ctx, others[elsewhere]); err != nil {
		return fmt.Errorf("registering services without routes: %w", err)
	}
	var rows []calm
	all := map[surroundings]calm{}
	order := []surroundings{still, elsewhere, flapping}
	for round := range flapRounds {
		for _, beside := range order {
			b.progress("turn %d, %d that change: %s", round+1, len(others[beside]), beside)
			c, err := b.calmTurn(ctx, beside, others[beside])
			if err != nil {
				return err
			}
			c.Turn = strconv.Itoa(round + 1)
			rows = append(rows, c)
			all[beside] = c.and(all[beside])
		}
		slices.Reverse(order)
	}
	for _, beside := range []surroundings{still, elsewhere, flapping} {
		sum := all[beside]
		sum.Turn = "all"
		rows = append(rows, sum)
	}
	return writeCalm(w, rows)
}

const (
	flapRounds = 3
	// calmPeriod is the time from one request to the next, and flapPeriod that from
	// one change of a flapping service's check to its next.
	calmPeriod = 2 * time.Millisecond
	flapPeriod = 5 * time.Second
)

// calmTurn sends requests at a fixed rate for a while. Latency counts from when a
// request was due, or one that is late would hide those it held up.
func (b *bench) calmTurn(ctx context.Context, beside surroundings, changing []service) (calm, error) {
	c := calm{Beside: beside, OtherTurns: 1}
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
	if len(changing) > 0 {
		group.Go(func() (err error) {
			c.Changes, err = b.flapAll(turn, changing)
			return err
		})
	}
	begin := time.Now()
	for due := begin; due.Sub(begin) < b.idle; due = due.Add(calmPeriod) {
		if err := sleep(ctx, time.Until(due)); err != nil {
			return c, err
		}
		if !b.traffic.ask(ctx, b.services[0].name).ok() {
			c.Failed++
		}
		c.Latency = append(c.Latency, time.Since(due))
	}
	end()
	if err := group.Wait(); err != nil {
		return c, err
	}
	used, err := spent(1)
	if err != nil {
		return c, err
	}
	c.Time = time.Since(begin)
	c.CPU = time.Duration(used.SubjectMS * float64(time.Millisecond))
	c.ConsulCPU = time.Duration(used.ConsulMS * float64(time.Millisecond))
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

// writeCalm writes a row for each turn, and for all turns with the same
// surroundings.
func writeCalm(w io.Writer, rows []calm) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "turn\tothers that change\tchanges\trequests\tnot 200\tp50\tp90\tp99\tmost\tCPU, of a core\tper request\tConsul's CPU\tother work")
	for _, c := range rows {
		sorted := slices.Sorted(slices.Values(c.Latency))
		at := func(p float64) string { return shortMS(milliseconds(percentile(sorted, p))) }
		share := func(cpu time.Duration) string { return fmt.Sprintf("%.1f %%", 100*cpu.Seconds()/c.Time.Seconds()) }
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f %%\n", c.Turn, c.Beside, c.Changes, len(sorted), c.Failed,
			at(50), at(90), at(99), at(100), share(c.CPU), (c.CPU / time.Duration(max(1, len(sorted)))).Round(time.Microsecond), share(c.ConsulCPU),
			100*c.OtherWork/float64(max(1, c.OtherTurns)))
	}
	return t.Flush()
}
