package push

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options say what is sent where. See [Options.Validate].
type Options struct {
	Kind Kind
	// Address is host:port, over TCP for Graphite and else over UDP; for StatsD and
	// DogStatsD it may be a socket of datagrams, unix:///path. Printing has none.
	Address string
	// Interval is the time between two pushes.
	Interval time.Duration
	Gatherer prometheus.Gatherer
	Names    Names
	// Output is where Print and PrintTagged print.
	Output io.Writer
	Logger *slog.Logger
}

// patience bounds what is waited for a receiver, which may be longer away than
// the next push.
const patience = 10 * time.Second

// Pusher pushes metrics. Make it with [New].
type Pusher struct {
	Options
	told   map[string]*series // what the receiver knows of, by what it calls it
	failed bool               // the last push
}

// New returns a pusher of valid options.
func New(o Options) *Pusher {
	o.Logger = o.Logger.With("target", string(o.Kind), "address", o.Address)
	return &Pusher{Options: o}
}

// Run pushes at intervals until ctx ends, and then what is left. It returns nil.
func (p *Pusher) Run(ctx context.Context) error {
	ticker := time.NewTicker(p.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.push(min(p.Interval, patience))
		case <-ctx.Done():
			p.push(min(p.Interval, time.Second))
			return nil
		}
	}
}

// push sends what is new. It logs when that begins to fail and when it succeeds
// again.
func (p *Pusher) push(limit time.Duration) {
	err := p.send(time.Now(), limit)
	switch {
	case err != nil && !p.failed:
		p.Logger.Warn("metrics cannot be sent", "err", err, "again_every", p.Interval)
	case err == nil && p.failed:
		p.Logger.Info("metrics are sent again")
	}
	p.failed = err != nil
}

func (p *Pusher) send(now time.Time, limit time.Duration) error {
	families, err := p.Gatherer.Gather()
	if err != nil && len(families) == 0 {
		return err // else some are wrong, and the rest is worth sending
	}
	current := p.Names.collect(families, p.Kind.tagged())
	lines, left := p.Kind.lines(current, p.told, now)
	if p.Kind.printed() {
		_, err = p.Output.Write(bytes.Join(lines, nil))
	} else {
		err = p.deliver(lines, time.Now().Add(limit))
	}
	if err != nil {
		return err
	}
	if p.told = current; left > 0 {
		p.Logger.Warn("more metrics than are sent at once", "sent", len(lines), "left_out", left)
	}
	return nil
}
