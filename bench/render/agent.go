package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"time"

	"github.com/hashicorp/consul/api"
	"golang.org/x/sync/errgroup"
)

// agent is a Consul development agent.
type agent struct {
	address string
	client  *api.Client
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
	config := api.DefaultConfig()
	config.Address = a.address
	config.Transport.MaxConnsPerHost = 8 // the agent's limit is for all clients of one address
	config.Transport.MaxIdleConnsPerHost = 8
	var err error
	if a.client, err = api.NewClient(config); err != nil {
		a.stop()
		return nil, err
	}
	for ctx.Err() == nil {
		if nodes, _, err := a.client.Catalog().Nodes(nil); err == nil && len(nodes) > 0 {
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
	_, err := a.client.Catalog().Register(&api.CatalogRegistration{
		Node: node, Address: fmt.Sprintf("10.0.0.%d", 1+instance), SkipNodeUpdate: service > 0,
		Service: &api.AgentService{
			ID: fmt.Sprintf("%s-%d", name, instance), Service: name, Tags: []string{"http"},
			Address: fmt.Sprintf("10.1.%d.%d", instance, service%250), Port: port,
		},
		Check: &api.AgentCheck{
			Node: node, CheckID: fmt.Sprintf("%s-%d", name, instance), Name: "up", Status: api.HealthPassing,
			ServiceID: fmt.Sprintf("%s-%d", name, instance), ServiceName: name,
		},
	}, nil)
	return err
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
