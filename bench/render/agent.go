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
	nodes   int
	pid     int
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
	a := &agent{address: net.JoinHostPort(ip, "8500"), pid: cmd.Process.Pid}
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

// registerAll puts services into the catalog, their instances in turn on so many
// nodes.
func (a *agent) registerAll(ctx context.Context, services, nodes int) error {
	a.nodes = nodes
	for i := range nodes {
		node := map[string]any{"Node": nodeName(i), "Address": fmt.Sprintf("10.0.%d.%d", i/250, 1+i%250)}
		if err := a.do(http.MethodPut, "/v1/catalog/register", node, nil); err != nil {
			return err
		}
	}
	const batch = 60 // Consul takes 128 operations at once
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for first := 0; first < services*instances; first += batch {
		var operations []any
		for i := range min(batch, services*instances-first) {
			service, check := a.instance((first+i)/instances, (first+i)%instances, 8000, "passing")
			operations = append(operations,
				map[string]any{"Service": map[string]any{"Verb": "set", "Node": check["Node"], "Service": service}},
				map[string]any{"Check": map[string]any{"Verb": "set", "Check": check}})
		}
		group.Go(func() error { return a.do(http.MethodPut, "/v1/txn", operations, nil) })
	}
	return group.Wait()
}

func nodeName(i int) string { return fmt.Sprintf("node-%d", i) }

func instanceID(service, instance int) string {
	return fmt.Sprintf("service-%05d-%d", service, instance)
}

func (a *agent) nodeOf(service, instance int) string {
	return nodeName((service*instances + instance) % a.nodes)
}

// instance is one as Consul is told of it, and its check.
func (a *agent) instance(service, instance, port int, status string) (_, check map[string]any) {
	id := instanceID(service, instance)
	return map[string]any{
			"ID": id, "Service": fmt.Sprintf("service-%05d", service), "Tags": []string{"http"},
			"Address": fmt.Sprintf("10.1.%d.%d", instance, service%250), "Port": port,
			"Weights": map[string]any{"Passing": 1, "Warning": 1},
		}, map[string]any{
			"Node": a.nodeOf(service, instance), "CheckID": id, "Name": "up", "Status": status, "ServiceID": id,
		}
}

// register registers an instance, and its check in that state.
func (a *agent) register(service, instance, port int, status string) error {
	registered, check := a.instance(service, instance, port, status)
	return a.do(http.MethodPut, "/v1/catalog/register", map[string]any{
		"Node": check["Node"], "SkipNodeUpdate": true, "Service": registered, "Check": check,
	}, nil)
}

// spent is the processor time the agent has used.
func (a *agent) spent() time.Duration {
	u, err := spent(a.pid)
	if err != nil {
		return 0
	}
	return u.cpu
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
