package parts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Consul is a development agent: one server that keeps nothing on disk, on a
// loopback address of its own with Consul's usual ports.
type Consul struct {
	// IP is the agent's, and its node's, address; Addr is its HTTP API.
	IP   string
	Addr string

	t    testing.TB
	path string
	args []string
	log  *os.File
	cmd  *exec.Cmd
}

// StartConsul starts an agent and waits until it has a leader. Each config is
// a JSON object in Consul's own configuration format. The agent is killed at
// the end of the test.
func StartConsul(t testing.TB, configs ...string) *Consul {
	t.Helper()
	c := &Consul{t: t, path: Path(t, "consul"), IP: Loopback(t)}
	c.Addr = c.IP + ":8500"
	dir := t.TempDir()
	c.args = []string{"agent", "-dev", "-node=test", "-log-level=warn", "-bind=" + c.IP, "-client=" + c.IP}
	for i, config := range configs {
		file := filepath.Join(dir, fmt.Sprintf("config-%d.json", i))
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		c.args = append(c.args, "-config-file="+file)
	}
	var err error
	if c.log, err = os.Create(filepath.Join(dir, "consul.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Kill()
		if t.Failed() {
			if text, err := os.ReadFile(c.log.Name()); err == nil {
				t.Logf("consul's log:\n%s", text)
			}
		}
		c.log.Close()
	})
	c.Start()
	return c
}

// Start starts the agent again after Kill, with the same address and an empty
// catalog.
func (c *Consul) Start() {
	c.t.Helper()
	c.cmd = exec.Command(c.path, c.args...)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if c.ready() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.t.Fatalf("consul at %s has not become ready", c.Addr)
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

// Kill ends the agent at once, as a crash would.
func (c *Consul) Kill() {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // says that it was killed
	c.cmd = nil
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
	req, err := http.NewRequest(method, "http://"+c.Addr+path, bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	return string(text)
}
