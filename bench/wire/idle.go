package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// openPause keeps those who open connections to a rate that clients might have.
const openPause = 500 * time.Microsecond

// settle is how long subjects have to give back what an idle connection does
// not need.
const settle = 5 * time.Second

// idleResult is what connections cost that have had one request each and wait.
type idleResult struct {
	Subject     string `json:"subject"`
	Connections int    `json:"idle_connections"`
	Before      uint64 `json:"memory_before"` // in bytes
	After       uint64 `json:"memory_after"`
}

func (b *bench) measureIdle() ([]idleResult, error) {
	var results []idleResult
	for _, r := range b.runners {
		result, err := b.idleOf(r)
		if err != nil {
			return results, fmt.Errorf("idle connections of %s: %w", r.name, err)
		}
		results = append(results, result)
		progress("%s: %d idle connections measured", r.name, b.idle)
	}
	return results, nil
}

func (b *bench) idleOf(r *runner) (idleResult, error) {
	result := idleResult{Subject: r.name, Connections: b.idle}
	var err error
	if result.Before, err = r.memory(); err != nil {
		return result, err
	}
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range b.idle {
		c, err := askOnce(b.ctx, r.plan)
		if err != nil {
			return result, fmt.Errorf("after %d: %w", len(conns), err)
		}
		conns = append(conns, c)
		if err := sleep(b.ctx, openPause); err != nil {
			return result, err
		}
	}
	if err := sleep(b.ctx, settle); err != nil {
		return result, err
	}
	result.After, err = r.memory()
	return result, err
}

// askOnce opens a connection, makes a request over it and leaves it open.
func askOnce(ctx context.Context, p plan) (net.Conn, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", p.http.String())
	if err != nil {
		return nil, err
	}
	if err = ask(c, bufio.NewReader(c), p); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// ask makes a small request.
func ask(c net.Conn, in *bufio.Reader, p plan) error {
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "GET %s/128 HTTP/1.1\r\nHost: %s\r\n\r\n", p.route(), p.http); err != nil {
		return err
	}
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

func writeIdle(w io.Writer, results []idleResult) {
	if len(results) == 0 {
		return
	}
	fmt.Fprintf(w, "%d idle connections\tMiB before\tMiB with them\tKiB for each\t\n", results[0].Connections)
	const mib = 1 << 20
	for _, r := range results {
		each := (float64(r.After) - float64(r.Before)) / float64(r.Connections) / (1 << 10)
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.1f\t\n", r.Subject, float64(r.Before)/mib, float64(r.After)/mib, each)
	}
	fmt.Fprintln(w)
}
