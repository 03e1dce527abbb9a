package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluiceproxy/sluice/bench/program"
)

// registrars is how many connections registration uses. Consul's limit counts
// connections by client address, so ours share it with the subject's.
const registrars = 8

// agent is a Consul development agent with default limits.
type agent struct {
	*program.Program
	addr   netip.AddrPort // of its HTTP API
	client *http.Client
}

// service is one instance of a service with one check.
type service struct {
	name   string // also its ID
	host   string
	port   int
	tags   []string
	status string // of its check when registered
}

// startAgent starts an agent and waits for its leader and its own node.
func startAgent(ctx context.Context, fail context.CancelCauseFunc, dir, path string, ip netip.Addr) (*agent, error) {
	p, err := program.Start(ctx, fail, program.Log(dir, path), path, "agent", "-dev", "-node=bench", "-log-level=warn",
		"-bind="+ip.String(), "-client="+ip.String())
	if err != nil {
		return nil, err
	}
	a := &agent{
		Program: p,
		addr:    netip.AddrPortFrom(ip, 8500),
		client: &http.Client{
			Timeout:   30 * time.Second,
			Transport: &http.Transport{MaxConnsPerHost: registrars, MaxIdleConnsPerHost: registrars},
		},
	}
	if err := a.waitForCatalog(ctx, "nodes", 1); err != nil {
		a.Stop()
		return nil, err
	}
	return a, nil
}

// waitForCatalog waits until the catalog lists n nodes or services. The agent
// answers a registration before it has told the servers.
func (a *agent) waitForCatalog(ctx context.Context, kind string, n int) error {
	for {
		body, err := a.do(ctx, http.MethodGet, "/v1/catalog/"+kind, nil)
		if err == nil {
			count, err := countEntries(body)
			if err != nil {
				return fmt.Errorf("reading the catalog's %s: %w", kind, err)
			}
			if count >= n {
				return nil
			}
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for the catalog's %s: %w", kind, err)
		}
	}
}

// registerAll registers the services and waits until the catalog has them.
func (a *agent) registerAll(ctx context.Context, services []service) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(registrars)
	for _, s := range services {
		group.Go(func() error { return a.register(inner, s) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return a.waitForCatalog(ctx, "services", len(services)+1) // and Consul itself
}

// register registers s, or changes what is registered under its ID.
func (a *agent) register(ctx context.Context, s service) error {
	_, err := a.do(ctx, http.MethodPut, "/v1/agent/service/register", map[string]any{
		"ID": s.name, "Name": s.name, "Address": s.host, "Port": s.port, "Tags": s.tags,
		// Longer than any run: nobody renews it.
		"Check": map[string]string{"TTL": "24h", "Status": s.status},
	})
	return err
}

func (a *agent) deregister(ctx context.Context, id string) error {
	_, err := a.do(ctx, http.MethodPut, "/v1/agent/service/deregister/"+id, nil)
	return err
}

// setCheck sets the service's check: pass, warn or fail.
func (a *agent) setCheck(ctx context.Context, id, verdict string) error {
	_, err := a.do(ctx, http.MethodPut, "/v1/agent/check/"+verdict+"/service:"+id, nil)
	return err
}

func (a *agent) do(ctx context.Context, method, path string, in any) ([]byte, error) {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+a.addr.String()+path, &body)
	if err != nil {
		return nil, err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, strings.TrimSpace(string(out)))
	}
	return out, err
}

// countEntries counts the elements of a JSON list or object.
func countEntries(text []byte) (int, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		var list []json.RawMessage
		err := json.Unmarshal(text, &list)
		return len(list), err
	}
	var object map[string]json.RawMessage
	err := json.Unmarshal(text, &object)
	return len(object), err
}

// ownLoopback returns a loopback address on which nothing has Consul's port,
// so that every program of a run can keep its usual ones.
func ownLoopback(ctx context.Context) (netip.Addr, error) {
	var last error
	for range 20 {
		ip := netip.AddrFrom4([4]byte{127, byte(1 + rand.IntN(254)), byte(rand.IntN(255)), byte(1 + rand.IntN(254))})
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(ip, 8500).String())
		if err == nil {
			return ip, l.Close()
		}
		last = err
	}
	return netip.Addr{}, fmt.Errorf("no free loopback address found: %w", last)
}

// sleep waits for d, or less if ctx ends; then it returns why.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
