package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// step is one change to the catalog, and how the traffic shows it.
type step struct {
	service string
	apply   func(context.Context) error
	seen    func(answer) bool
}

// timing is how long a step took to be seen: since the request that made the
// change was sent to Consul, and since Consul answered it.
type timing struct{ sent, answered time.Duration }

// maxMissed ends a series: what is not seen within the patience three times
// will not be seen the other times.
const maxMissed = 3

// allSeries times each kind of change. Their order matters: checks that failed
// pass again, and what was registered is deregistered.
func (b *bench) allSeries(ctx context.Context) ([]series, error) {
	kinds := []struct {
		name string
		step func(i int) step
	}{
		{"register", b.register("new")},
		{"check fails", b.checkFails},
		{"check passes", b.checkPasses},
		{"port changes", b.portChanges},
		{"deregister", b.deregister("new")},
	}
	var all []series
	for _, kind := range kinds {
		s, err := b.timeSeries(ctx, kind.name, kind.step)
		if err != nil {
			return all, fmt.Errorf("series %q: %w", kind.name, err)
		}
		b.progress("%s: median / p90 / max %s", s.Name, s.cell(s.SinceAnswered))
		all = append(all, s)
	}
	return all, nil
}

func (b *bench) register(kind string) func(i int) step {
	return func(i int) step {
		s := b.subject.service(kind, i, b.blue.addr)
		return step{
			service: s.name,
			apply:   func(ctx context.Context) error { return b.agent.register(ctx, s) },
			seen:    answer.ok,
		}
	}
}

func (b *bench) deregister(kind string) func(i int) step {
	return func(i int) step {
		name := b.subject.service(kind, i, b.blue.addr).name
		return step{
			service: name,
			apply:   func(ctx context.Context) error { return b.agent.deregister(ctx, name) },
			seen:    func(a answer) bool { return a.status == 404 },
		}
	}
}

func (b *bench) checkFails(i int) step {
	name := b.services[i].name
	return step{
		service: name,
		apply:   func(ctx context.Context) error { return b.agent.setCheck(ctx, name, "fail") },
		seen:    func(a answer) bool { return a.status != 0 && !a.ok() },
	}
}

func (b *bench) checkPasses(i int) step {
	name := b.services[i].name
	return step{
		service: name,
		apply:   func(ctx context.Context) error { return b.agent.setCheck(ctx, name, "pass") },
		seen:    answer.ok,
	}
}

func (b *bench) portChanges(i int) step {
	s := b.services[i]
	s.port = int(b.green.addr.Port())
	return step{
		service: s.name,
		apply:   func(ctx context.Context) error { return b.agent.register(ctx, s) },
		seen:    func(a answer) bool { return a.backend == b.green.name },
	}
}

func (b *bench) timeSeries(ctx context.Context, name string, stepAt func(i int) step) (series, error) {
	var sent, answered []time.Duration
	missed := 0
	for i := 0; i < b.changes && missed < maxMissed; i++ {
		t, err := b.time(ctx, stepAt(i), time.Millisecond)
		switch {
		case errors.Is(err, errMissed):
			missed++
		case err != nil:
			return series{}, err
		default:
			sent = append(sent, t.sent)
			answered = append(answered, t.answered)
		}
		if err := b.rest(ctx); err != nil {
			return series{}, err
		}
	}
	return series{Name: name, SinceAnswered: spreadOf(answered), SinceSent: spreadOf(sent), Missed: missed}, nil
}

// time makes one change and polls until it is seen.
func (b *bench) time(ctx context.Context, s step, pollEvery time.Duration) (timing, error) {
	// What shows already would be timed as seen at once. The request also opens
	// the connection the polls use.
	unseen := func(a answer) bool { return a.status != 0 && !s.seen(a) }
	if _, err := b.traffic.until(ctx, s.service, unseen, pollEvery, b.patience); err != nil {
		return timing{}, err
	}
	sent := time.Now()
	if err := s.apply(ctx); err != nil {
		return timing{}, err
	}
	answered := time.Now()
	at, err := b.traffic.until(ctx, s.service, s.seen, pollEvery, b.patience)
	return timing{sent: at.Sub(sent), answered: at.Sub(answered)}, err
}

// rest pauses for a varying time, so that changes do not fall in step with a
// timer of the subject.
func (b *bench) rest(ctx context.Context) error {
	return sleep(ctx, time.Duration((0.5+rand.Float64())*float64(b.pause)))
}
