package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"time"
)

// errMissed is why a poll ended that saw nothing within the patience for it.
var errMissed = errors.New("not seen in time")

// poller sends requests to the load balancer, one after the other on one
// connection.
type poller struct {
	base   string
	client *http.Client
}

// answer is what a request through the load balancer got; the zero value
// stands for none, as while it is not listening yet.
type answer struct {
	status  int
	backend string
}

func (a answer) ok() bool { return a.status == http.StatusOK }

func newPoller(addr netip.AddrPort) *poller {
	return &poller{
		base: "http://" + addr.String(),
		client: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true},
		},
	}
}

func (p *poller) stop() { p.client.CloseIdleConnections() }

// ask requests the service's path.
func (p *poller) ask(ctx context.Context, service string) answer {
	got, _, err := p.get(ctx, "/"+service+"/")
	if err != nil {
		return answer{}
	}
	return got
}

// get requests path and returns the answer with its whole body.
func (p *poller) get(ctx context.Context, path string) (answer, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return answer{}, nil, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return answer{}, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, backend: resp.Header.Get(backendHeader)}, body, err
}

// until asks for the service, pausing between requests, until an answer is
// seen, and returns when that came. It gives up with errMissed.
func (p *poller) until(ctx context.Context, service string, seen func(answer) bool, pause, patience time.Duration) (time.Time, error) {
	deadline := time.Now().Add(patience)
	for {
		got := p.ask(ctx, service)
		now := time.Now()
		if seen(got) {
			return now, nil
		}
		if now.After(deadline) {
			return now, errMissed
		}
		if err := sleep(ctx, pause); err != nil {
			return now, err
		}
	}
}
