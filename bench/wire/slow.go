package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// drip is how long a slow client takes over each byte.
	drip = 200 * time.Millisecond
	// politeClients ask with a pause, so that the machine is not busy with them.
	politeClients = 4
	politePause   = time.Millisecond
)

// slowResult is what polite clients see without and with slow ones, in
// microseconds.
type slowResult struct {
	Subject string  `json:"subject"`
	Clients int     `json:"slow_clients"`
	Without latency `json:"without"`
	With    latency `json:"with"`
	Dropped int64   `json:"dropped"` // slow clients the subject was rid of
}

type latency struct {
	Median    float64 `json:"p50_us"`
	Percent99 float64 `json:"p99_us"`
	Failed    int     `json:"failed"`
}

func (b *bench) measureSlow() ([]slowResult, error) {
	var results []slowResult
	for _, r := range b.runners {
		result := slowResult{Subject: r.name, Clients: b.slow}
		result.Without = b.polite(r)
		ctx, stop := context.WithCancel(b.ctx)
		var slow sync.WaitGroup
		var dropped atomic.Int64
		for range b.slow {
			slow.Go(func() {
				for ctx.Err() == nil {
					if dripHead(ctx, r.plan) {
						dropped.Add(1)
					}
				}
			})
		}
		err := sleep(ctx, 2*time.Second) // until all are connected
		result.With = b.polite(r)
		stop()
		slow.Wait()
		if result.Dropped = dropped.Load(); err != nil {
			return results, err
		}
		results = append(results, result)
		progress("%s: %d slow clients measured", r.name, b.slow)
	}
	return results, nil
}

// dripHead begins a request and never ends it. It reports whether the subject
// closed the connection.
func dripHead(ctx context.Context, p plan) (dropped bool) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", p.http.String())
	if err != nil {
		_ = sleep(ctx, time.Second)
		return false
	}
	defer c.Close()
	_, err = fmt.Fprintf(c, "GET %s/128 HTTP/1.1\r\nHost: %s\r\nX-Slow: ", p.route(), p.http)
	for err == nil && sleep(ctx, drip) == nil {
		_, err = c.Write([]byte("x"))
	}
	return err != nil
}

// polite measures for three turns.
func (b *bench) polite(r *runner) latency {
	until := time.Now().Add(3 * b.settings.turn)
	var mu sync.Mutex
	var all []time.Duration
	var failed int
	var clients sync.WaitGroup
	for range politeClients {
		clients.Go(func() {
			took, err := politeClient(b.ctx, r.plan, until)
			mu.Lock()
			defer mu.Unlock()
			if all = append(all, took...); err != nil {
				failed++
			}
		})
	}
	clients.Wait()
	if len(all) == 0 {
		return latency{Failed: failed}
	}
	slices.SortFunc(all, cmp.Compare[time.Duration])
	return latency{microseconds(all[len(all)/2]), microseconds(all[len(all)*99/100]), failed}
}

func politeClient(ctx context.Context, p plan, until time.Time) (took []time.Duration, err error) {
	c, err := askOnce(ctx, p)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for time.Now().Before(until) {
		began := time.Now()
		if err := ask(c, in, p); err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
		if err := sleep(ctx, politePause); err != nil {
			return took, err
		}
	}
	return took, nil
}

func writeSlow(w io.Writer, results []slowResult) {
	if len(results) == 0 {
		return
	}
	fmt.Fprintf(w, "%d slow clients\tp50 ms without\twith\tp99 ms without\twith\tfailed without\twith\tdropped\t\n", results[0].Clients)
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%d\t%d\t%d\t\n", r.Subject, r.Without.Median/1000, r.With.Median/1000,
			r.Without.Percent99/1000, r.With.Percent99/1000, r.Without.Failed, r.With.Failed, r.Dropped)
	}
	fmt.Fprintln(w)
}
