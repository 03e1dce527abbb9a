package parts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Consul is a development agent: one server that keeps nothing on disk, on a
// loopback address of its own with Consul's usual ports.
type Consul struct {
	// IP is the agent's, and its node's, address; Addr is its HTTP API.
	IP   string
	Addr string

	*process
}

// StartConsul starts an agent and waits until it has a leader. Each config is
// a JSON object in Consul's own configuration format. The agent is killed at
// the end of the test. Started again after Kill, it has the same address and an
// empty catalog.
func StartConsul(t testing.TB, configs ...string) *Consul {
	t.Helper()
	return startConsul(t, "test", configs...)
}

func startConsul(t testing.TB, node string, configs ...string) *Consul {
	t.Helper()
	c := &Consul{process: newProcess(t, "consul"), IP: Loopback(t)}
	c.Addr = c.IP + ":8500"
	c.process.ready = c.ready
	c.args = []string{"agent", "-dev", "-node=" + node, "-log-level=warn", "-bind=" + c.IP, "-client=" + c.IP}
	for i, config := range configs {
		c.args = append(c.args, "-config-file="+c.write(fmt.Sprintf("config-%d.json", i), config))
	}
	c.Start()
	return c
}

// Join starts an agent that is no server, as a further node of the agent's
// datacenter. It is killed at the end of the test.
func (c *Consul) Join(t testing.TB, node string) *Consul {
	t.Helper()
	return startConsul(t, node, fmt.Sprintf(`{"server": false, "retry_join": [%q], "data_dir": %q}`, c.IP, t.TempDir()))
}

// The node itself is registered a moment after the leader was found.
func (c *Consul) ready() bool {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get("http://" + c.Addr + "/v1/catalog/nodes")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	if resp.Header.Get("X-Consul-Default-Acl-Policy") == "deny" {
		return resp.StatusCode == http.StatusOK // the leader answers; nobody may see the nodes
	}
	var nodes []any
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(&nodes) == nil && len(nodes) > 0
}

// Register registers a service with the agent; service is the JSON object that
// PUT /v1/agent/service/register takes.
func (c *Consul) Register(service string) {
	c.t.Helper()
	c.Do("PUT", "/v1/agent/service/register", service)
}

// Deregister removes the service instance with that ID.
func (c *Consul) Deregister(id string) {
	c.t.Helper()
	c.Do("PUT", "/v1/agent/service/deregister/"+id, "")
}

// PutKey stores a value.
func (c *Consul) PutKey(key, value string) {
	c.t.Helper()
	c.Do("PUT", "/v1/kv/"+key, value)
}

// Do sends a request to the agent's API and returns the body; any answer but
// 200 fails the test.
func (c *Consul) Do(method, path, body string) string {
	c.t.Helper()
	return c.request(method, "http://"+c.Addr+path, body)
}
