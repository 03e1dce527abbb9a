package main

import (
	"context"
	"net/http"
	"net/netip"
	"time"
)

// probes is what another client of the same agent met during a run.
type probes struct {
	Requests  int     `json:"requests"`
	Limited   int     `json:"limited"` // answered 429: the agent's connection limit was reached
	Failed    int     `json:"failed"`  // any other fault
	SlowestMS float64 `json:"slowest_ms"`
}

// probe asks the agent for its leader, on a new connection each time, until
// ctx ends.
func probe(ctx context.Context, agent netip.AddrPort, every time.Duration) probes {
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	var p probes
	for sleep(ctx, every) == nil {
		begin := time.Now()
		status, err := getStatus(ctx, client, "http://"+agent.String()+"/v1/status/leader")
		if ctx.Err() != nil {
			break // cut short by us
		}
		p.count(status, err, time.Since(begin))
	}
	return p
}

func (p *probes) count(status int, err error, took time.Duration) {
	p.Requests++
	p.SlowestMS = max(p.SlowestMS, milliseconds(took))
	switch {
	case err == nil && status == http.StatusOK:
	case err == nil && status == http.StatusTooManyRequests:
		p.Limited++
	default:
		p.Failed++
	}
}

func getStatus(ctx context.Context, client *http.Client, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
