package parts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Nomad is a development agent: server and client in one, on a loopback address
// of its own. Its tasks run nothing: they are those of Nomad's mock driver.
type Nomad struct {
	IP  string
	URL string

	*process
}

// The agent calls nobody: it neither asks clouds whether it is in one nor looks
// for a newer version.
const nomadConfig = `{"disable_update_check": true, "client": {"options": {
	"fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean,consul,vault,cni,bridge",
	"driver.allowlist": "mock_driver"}}}`

// StartNomad starts an agent and waits until jobs can run on it. Each config is
// a JSON object in Nomad's own configuration format. The agent is killed at the
// end of the test. Started again after Kill, it is empty and has the same
// address.
func StartNomad(t testing.TB, configs ...string) *Nomad {
	t.Helper()
	n := &Nomad{process: newProcess(t, "nomad"), IP: Loopback(t)}
	n.URL = "http://" + n.IP + ":4646"
	n.process.ready = n.ready
	if os.Geteuid() == 0 {
		n.unshare = syscall.CLONE_NEWNS // root's agent mounts a file system for each task
	}
	n.args = []string{"agent", "-dev", "-node=test", "-log-level=warn", "-bind=" + n.IP}
	for i, config := range append([]string{nomadConfig}, configs...) {
		n.args = append(n.args, "-config="+n.write(fmt.Sprintf("config-%d.json", i), config))
	}
	n.Start()
	return n
}

// Variables need the key that encrypts them, which comes a moment after the
// leader; jobs need the node.
func (n *Nomad) ready() bool {
	status, text, err := exchange("GET", n.URL+"/.well-known/jwks.json", "")
	if err != nil || status != http.StatusOK || !strings.Contains(text, `"kid"`) {
		return false
	}
	status, text, err = exchange("GET", n.URL+"/v1/nodes", "")
	if err != nil || status != http.StatusOK {
		return status == http.StatusForbidden // nobody may see the nodes
	}
	var nodes []struct{ Status string }
	return json.Unmarshal([]byte(text), &nodes) == nil && len(nodes) == 1 && nodes[0].Status == "ready"
}

// Do sends a request to the API, below /v1/, and returns the body; an answer
// that is no success fails the test.
func (n *Nomad) Do(method, path, body string, headers ...string) string {
	n.t.Helper()
	return n.request(method, n.URL+"/v1/"+strings.TrimPrefix(path, "/"), body, headers...)
}

// PutVariable stores a variable; items is a JSON object of texts.
func (n *Nomad) PutVariable(path, items string) {
	n.t.Helper()
	n.Do("PUT", "var/"+path, fmt.Sprintf(`{"Path": %q, "Items": %s}`, path, items))
}

// Run runs a job of the name with count instances of each service, as its JSON,
// [{"Name": …, "Tags": […]}], and waits until all are registered: at 127.0.0.1,
// each with a port of its own on which nobody listens.
func (n *Nomad) Run(job string, count int, services string) {
	n.t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(services), &list); err != nil {
		n.t.Fatal(err)
	}
	for _, s := range list {
		s["Provider"], s["PortLabel"] = "nomad", "http"
	}
	body, err := json.Marshal(map[string]any{"Job": map[string]any{
		"ID": job, "Name": job, "Type": "service", "Datacenters": []string{"dc1"},
		"TaskGroups": []any{map[string]any{
			"Name": "group", "Count": count, "Services": list,
			"Networks": []any{map[string]any{"DynamicPorts": []any{map[string]any{"Label": "http"}}}},
			"Tasks": []any{map[string]any{
				"Name": "task", "Driver": "mock_driver",
				"Config":    map[string]any{"run_for": "1h"},
				"LogConfig": map[string]any{"Disabled": true}, // it would be a process of its own
				"Resources": map[string]any{"CPU": 10, "MemoryMB": 10},
			}},
		}},
	}})
	if err != nil {
		n.t.Fatal(err)
	}
	n.Do("POST", "jobs", string(body))
	for _, s := range list {
		n.awaitInstances(s["Name"].(string), count)
	}
}

func (n *Nomad) awaitInstances(service string, count int) {
	n.t.Helper()
	deadline := time.Now().Add(time.Minute)
	var got []any
	for time.Now().Before(deadline) {
		if err := json.Unmarshal([]byte(n.Do("GET", "service/"+service, "")), &got); err != nil {
			n.t.Fatal(err)
		}
		if len(got) == count {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	n.t.Fatalf("service %s has %d instances, not %d", service, len(got), count)
}
