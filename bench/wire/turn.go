package main

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// sample is one turn of one subject.
type sample struct {
	load
	cpu       time.Duration // of the subject, for each request
	upstream  time.Duration // of the upstream, for each request
	memory    uint64        // of the subject, at the end
	otherWork float64       // share of the processors busy with neither of these nor wrk
}

// measureCase has the subjects take turns. Another one begins each round, so
// that none always follows the same.
func (b *bench) measureCase(w workload) (caseResult, error) {
	for _, r := range b.runners {
		if _, err := b.turn(r, w, time.Second); err != nil { // to warm up
			return caseResult{}, err
		}
	}
	samples := make([][]sample, len(b.runners))
	for round := range b.rounds {
		for i := range b.runners {
			i = (i + round) % len(b.runners)
			s, err := b.turn(b.runners[i], w, b.settings.turn)
			if err != nil {
				return caseResult{}, err
			}
			samples[i] = append(samples[i], s)
		}
	}
	result := caseResult{Case: w.String()}
	for i, r := range b.runners {
		result.Subjects = append(result.Subjects, sumUp(r.name, samples[i]))
	}
	progress("%s measured", w)
	return result, nil
}

// turn puts load on one subject. On a machine too busy for it to answer at all
// it has another try.
func (b *bench) turn(r *runner, w workload, length time.Duration) (s sample, err error) {
	for range 3 {
		if s, err = b.try(r, w, length); !errors.Is(err, errNoAnswer) {
			break
		}
	}
	return s, err
}

func (b *bench) try(r *runner, w workload, length time.Duration) (s sample, err error) {
	// What the one before still has to do is done before the clock starts.
	if err := sleep(b.ctx, 300*time.Millisecond); err != nil {
		return s, err
	}
	_ = os.Truncate(r.plan.accessLog(), 0) // appended to; the disk need not hold all
	before, err := b.clock(r)
	if err != nil {
		return s, err
	}
	if s.load, err = wrk(b.ctx, w, r.plan, filepath.Join(b.dir, "load.lua"), length); err != nil {
		return s, err
	}
	after, err := b.clock(r)
	if err != nil {
		return s, err
	}
	n := time.Duration(s.requests)
	s.cpu, s.upstream = (after.subject-before.subject)/n, (after.upstream-before.upstream)/n
	own := after.subject - before.subject + after.upstream - before.upstream + after.self - before.self + s.generator
	other := after.machine.busy - before.machine.busy - own
	s.otherWork = max(0, other.Seconds()) / (after.machine.total - before.machine.total).Seconds()
	s.memory, err = r.memory()
	return s, err
}

// clocks are the processor times that belong to a turn.
type clocks struct {
	subject, upstream, self time.Duration
	machine                 processors
}

func (b *bench) clock(r *runner) (c clocks, err error) {
	if c.machine, err = machineTime(); err != nil {
		return c, err
	}
	if c.upstream, err = b.upstream.cpu(); err != nil {
		return c, err
	}
	var own syscall.Rusage
	if err = syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return c, err
	}
	c.self = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	c.subject, err = r.cpu()
	return c, err
}

// median returns the middle one of what is not empty, the lower of two.
func median[S, T any](of []S, get func(S) T, compare func(a, b T) int) T {
	values := make([]T, len(of))
	for i, s := range of {
		values[i] = get(s)
	}
	slices.SortFunc(values, compare)
	return values[(len(values)-1)/2]
}

func medianOf[T cmp.Ordered](samples []sample, get func(sample) T) T {
	return median(samples, get, cmp.Compare[T])
}
