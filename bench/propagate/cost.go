package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// changeCost measures the processor time of a change. Its polls are few: those
// of the timed series would cost the subject more than the changes do.
func (b *bench) changeCost(ctx context.Context) (cost, error) {
	spent, err := b.meter()
	if err != nil {
		return cost{}, err
	}
	for i := range b.changes {
		if _, err := b.time(ctx, b.register("more")(i), 25*time.Millisecond); err != nil {
			return cost{}, fmt.Errorf("registering one more service: %w", err)
		}
		if err := b.rest(ctx); err != nil {
			return cost{}, err
		}
	}
	return spent(float64(b.changes))
}

// idleCost measures the processor time of a second without changes.
func (b *bench) idleCost(ctx context.Context) (cost, error) {
	spent, err := b.meter()
	if err != nil {
		return cost{}, err
	}
	if err := sleep(ctx, b.idle); err != nil {
		return cost{}, err
	}
	return spent(b.idle.Seconds())
}

// meter returns a function that tells the processor time the subject and
// Consul have used since, divided by its argument.
func (b *bench) meter() (func(by float64) (cost, error), error) {
	subjectBefore, err := cpuTime(b.lb.PID)
	if err != nil {
		return nil, err
	}
	consulBefore, err := cpuTime(b.agent.PID)
	if err != nil {
		return nil, err
	}
	return func(by float64) (cost, error) {
		subject, err := cpuTime(b.lb.PID)
		if err != nil {
			return cost{}, err
		}
		consul, err := cpuTime(b.agent.PID)
		return cost{
			SubjectMS: milliseconds(subject-subjectBefore) / by,
			ConsulMS:  milliseconds(consul-consulBefore) / by,
		}, err
	}, nil
}

// otherWork returns a function that tells which share of the machine's
// processors has since been busy with neither this program nor what it
// started, from 0 to 1: how far the other figures can be trusted.
func (b *bench) otherWork() (func() (float64, error), error) {
	machineBefore, err := machineTime()
	if err != nil {
		return nil, err
	}
	ownBefore, err := b.ownTime()
	if err != nil {
		return nil, err
	}
	return func() (float64, error) {
		machine, err := machineTime()
		if err != nil {
			return 0, err
		}
		own, err := b.ownTime()
		if err != nil {
			return 0, err
		}
		other := machine.busy - machineBefore.busy - (own - ownBefore)
		return max(0, other.Seconds()) / (machine.total - machineBefore.total).Seconds(), nil
	}, nil
}

// ownTime is the processor time of this program and those it started.
func (b *bench) ownTime() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range []int{os.Getpid(), b.agent.PID, b.lb.PID} {
		used, err := cpuTime(pid)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}
