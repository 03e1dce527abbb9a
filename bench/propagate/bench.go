package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluiceproxy/sluice/bench/program"
)

const (
	// bootPatience is how long a subject may take until it routes everything.
	bootPatience = 5 * time.Minute
	probeEvery   = 50 * time.Millisecond
	sampleEvery  = 50 * time.Millisecond
)

// bench is one run: one subject, one agent, one catalog.
type bench struct {
	settings
	subject     subject
	agent       *agent
	lb          *program.Program
	traffic     *poller
	api         *poller
	blue, green *backend // the services point at blue; a changed port at green
	services    []service
}

// measure runs everything for one subject and one size of the catalog, and
// leaves nothing behind.
func measure(ctx context.Context, s settings, sub subject, size int) (result, error) {
	r := result{Subject: sub.name, Services: size, Changes: s.changes}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	dir, err := os.MkdirTemp("", "propagate-")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ip, err := ownLoopback(ctx)
	if err != nil {
		return r, err
	}

	b := bench{settings: s, subject: sub}
	if b.blue, err = startBackend(ctx, ip, "blue"); err != nil {
		return r, err
	}
	defer b.blue.stop()
	if b.green, err = startBackend(ctx, ip, "green"); err != nil {
		return r, err
	}
	defer b.green.stop()
	if b.agent, err = startAgent(ctx, fail, dir, s.consul, ip); err != nil {
		return r, fmt.Errorf("starting Consul: %w", err)
	}
	defer b.agent.Stop()
	if err := b.fillCatalog(ctx, size); err != nil {
		return r, fmt.Errorf("registering services: %w", err)
	}

	lb, admin := netip.AddrPortFrom(ip, 9999), netip.AddrPortFrom(ip, 9998)
	b.traffic, b.api = newPoller(lb), newPoller(admin)
	defer b.traffic.stop()
	defer b.api.stop()
	if b.lb, err = program.Start(ctx, fail, program.Log(dir, sub.path), sub.path, sub.args(b.agent.addr, lb, admin)...); err != nil {
		return r, err
	}
	defer b.lb.Stop()
	if s.flapping > 0 {
		return r, b.flap(ctx, os.Stdout)
	}
	return r, b.observe(ctx, &r)
}

// fillCatalog registers the services the subject will find when it starts.
func (b *bench) fillCatalog(ctx context.Context, size int) error {
	for i := range size {
		b.services = append(b.services, b.subject.service("svc", i, b.blue.addr))
	}
	begin := time.Now()
	if err := b.agent.registerAll(ctx, b.services); err != nil {
		return err
	}
	b.progress("%d services registered in %.1f s", size, time.Since(begin).Seconds())
	return nil
}

// observe runs the phases while another client uses the agent and the
// subject's connections are counted.
func (b *bench) observe(ctx context.Context, r *result) error {
	group, inner := errgroup.WithContext(ctx)
	observed, stop := context.WithCancel(inner)
	defer stop()
	group.Go(func() error {
		r.OtherClient = probe(observed, b.agent.addr, probeEvery)
		return nil
	})
	group.Go(func() (err error) {
		r.ConnectionsMost, err = mostConnections(observed, b.lb.PID, b.agent.addr, sampleEvery)
		return err
	})
	group.Go(func() error {
		defer stop()
		return b.phases(inner, r)
	})
	err := group.Wait()
	if err == nil {
		return nil
	}
	// A program that ended makes everything else fail, a little before we
	// know: that is the cause to tell.
	if cause := sleep(ctx, time.Second); cause != nil {
		return cause
	}
	return err
}

// phases measures one thing after the other.
func (b *bench) phases(ctx context.Context, r *result) error {
	others, err := b.otherWork()
	if err != nil {
		return err
	}
	boot, err := b.boot(ctx)
	if err != nil {
		return fmt.Errorf("waiting for all routes: %w", err)
	}
	r.BootMS = milliseconds(boot)
	b.progress("all routed after %.2f s", boot.Seconds())
	booted, err := memoryOf(b.lb.PID)
	if err != nil {
		return err
	}
	r.RSSBooted = booted.now
	if r.RoutedBooted, err = b.countRouted(ctx); err != nil {
		return err
	}
	if r.Idle, err = b.idleCost(ctx); err != nil {
		return err
	}
	b.progress("measuring the cost of %d changes", b.changes)
	if r.Change, err = b.changeCost(ctx); err != nil {
		return err
	}
	if r.Series, err = b.allSeries(ctx); err != nil {
		return err
	}
	if r.OtherWork, err = others(); err != nil {
		return err
	}
	return b.finish(ctx, r)
}

// finish takes the figures of the end of the run.
func (b *bench) finish(ctx context.Context, r *result) (err error) {
	if r.RoutedEnd, err = b.countRouted(ctx); err != nil {
		return err
	}
	if r.ConnectionsEnd, err = connections(b.lb.PID, b.agent.addr); err != nil {
		return err
	}
	switch n, err := connectionsBySS(ctx, b.lb.PID, b.agent.addr); {
	case err == nil:
		r.ConnectionsBySS = &n
	case !errors.Is(err, exec.ErrNotFound):
		return err
	}
	end, err := memoryOf(b.lb.PID)
	if err != nil {
		return err
	}
	r.RSSEnd, r.RSSPeak = end.now, end.peak
	return nil
}

// boot returns how long after its start the subject routed everything: its API
// lists all routes, and requests to the last services reach them.
func (b *bench) boot(ctx context.Context) (time.Duration, error) {
	deadline := b.lb.Started.Add(bootPatience)
	last := b.services[max(0, len(b.services)-3):]
	for {
		for _, s := range last {
			left := time.Until(deadline)
			if _, err := b.traffic.until(ctx, s.name, answer.ok, 5*time.Millisecond, left); err != nil {
				return 0, fmt.Errorf("%s: %w", s.name, err)
			}
		}
		listed := 0
		if got, body, err := b.api.get(ctx, "/api/routes"); err == nil && got.ok() {
			listed, _ = countEntries(body)
		}
		if listed >= len(b.services) {
			return time.Since(b.lb.Started), nil
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("/api/routes lists %d of %d", listed, len(b.services))
		}
		// The list is dear for the subject to make: not in a tight loop.
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// countRouted asks for every service once and returns how many answered 200.
func (b *bench) countRouted(ctx context.Context) (int, error) {
	routed := 0
	for _, s := range b.services {
		if b.traffic.ask(ctx, s.name).ok() {
			routed++
		}
	}
	return routed, context.Cause(ctx)
}

// progress tells the user at the terminal where the run stands.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %d: %s\n", b.subject.name, len(b.services), fmt.Sprintf(format, args...))
}
