package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// agent is a Consul development agent.
type agent struct {
	address string
	client  *http.Client
	stop    func()
}

// startAgent starts one with so many connections allowed for each client
// address; 0 is Consul's default of 200.
func startAgent(ctx context.Context, path string, limit int) (*agent, error) {
	ip := fmt.Sprintf("127.%d.%d.%d", 1+time.Now().Nanosecond()%200, time.Now().Second(), 1+time.Now().Minute())
	args := []string{"agent", "-dev", "-node=bench", "-log-level=error", "-bind=" + ip, "-client=" + ip}
	if limit > 0 {
		args = append(args, "-hcl", fmt.Sprintf("limits { http_max_conns_per_client = %d }", limit))
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	a := &agent{address: net.JoinHostPort(ip, "8500")}
	a.stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	// The agent's limit is for all clients of one address.
	a.client = &http.Client{Transport: &http.Transport{MaxConnsPerHost: 8, MaxIdleConnsPerHost: 8}}
	for ctx.Err() == nil {
		var nodes []any
		if err := a.do(http.MethodGet, "/v1/catalog/nodes", nil, &nodes); err == nil && len(nodes) > 0 {
			return a, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	a.stop()
	return nil, context.Cause(ctx)
}

// registerAll puts services into the catalog, each instance on a node of four.
func (a *agent) registerAll(ctx context.Context, services int) error {
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range services * instances {
		group.Go(func() error { return a.register(i/instances, i%instances, 8000) })
	}
	return group.Wait()
}

func (a *agent) register(service, instance, port int) error {
	name := fmt.Sprintf("service-%05d", service)
	node := fmt.Sprintf("node-%d", instance)
	id := fmt.Sprintf("%s-%d", name, instance)
	return a.do(http.MethodPut, "/v1/catalog/register", map[string]any{
		"Node": node, "Address": fmt.Sprintf("10.0.0.%d", 1+instance), "SkipNodeUpdate": service > 0,
		"Service": map[string]any{
			"ID": id, "Service": name, "Tags": []string{"http"},
			"Address": fmt.Sprintf("10.1.%d.%d", instance, service%250), "Port": port,
		},
		"Check": map[string]any{"Node": node, "CheckID": id, "Name": "up", "Status": "passing", "ServiceID": id},
	}, nil)
}

// do sends in, if any, as JSON and reads the answer into out, if any.
func (a *agent) do(method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequest(method, "http://"+a.address+path, &body)
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// otherClient asks the agent for its leader on new connections until ctx ends,
// and counts the refusals and failures among the answers.
func (a *agent) otherClient(ctx context.Context) (requests, refused int) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for ctx.Err() == nil {
		requests++
		resp, err := client.Get("http://" + a.address + "/v1/status/leader")
		if err == nil {
			resp.Body.Close()
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			refused++
		}
		time.Sleep(50 * time.Millisecond)
	}
	return requests, refused
}
