package file

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
)

// The statuses are stated: those are the one thing the two differ in.
const parity = `{
  "services": [
    {"id": "web-1", "name": "web", "tags": ["b", "a"], "meta": {"version": "1.2"}, "address": "10.0.0.9", "port": 80,
     "tagged_addresses": {"wan": {"address": "203.0.113.9", "port": 8080}}, "weights": {"passing": 10, "warning": 3},
     "enable_tag_override": true, "check": {"ttl": "1h", "status": "warning", "notes": "front page"}},
    {"Name": "web", "ID": "web-2", "Tags": ["v2"], "Port": 81, "Address": "fd00::9", "enable_tag_override": true,
     "Checks": [{"Name": "alive", "TTL": "1h", "Status": "passing"}, {"TTL": "1h", "Status": "critical"}]},
    {"name": "db", "address": "db.example.com", "port": 5432}
  ],
  "checks": [
    {"id": "disk", "name": "disk space", "ttl": "1h", "status": "passing"},
    {"name": "db answers", "service_id": "db", "ttl": "1h", "status": "passing"}
  ]
}`

const parityHCL = `
service {
  name = "api"
  tags = ["x"]
  meta {
    owner = "team-a"
  }
  weights {
    passing = 5
  }
  check {
    id     = "one"
    ttl    = "1h"
    status = "passing"
  }
}`

// consulInstance is what Consul's API says of an instance.
type consulInstance struct {
	Service struct {
		ID, Service, Address string
		Tags                 []string
		Meta                 map[string]string
		TaggedAddresses      map[string]watch.ServiceAddress
		Port                 int
		Weights              watch.Weights
		EnableTagOverride    bool
	}
	Checks []struct {
		Node, CheckID, Name, Status, Notes, ServiceID, ServiceName, Type string
		ServiceTags                                                      []string
	}
}

func (c consulInstance) instance() watch.Instance {
	s := c.Service
	i := watch.Instance{Service: watch.ServiceInfo{
		ID: s.ID, Name: s.Service, Tags: s.Tags, Meta: s.Meta, Address: s.Address, TaggedAddresses: s.TaggedAddresses,
		Port: s.Port, Weights: s.Weights, EnableTagOverride: s.EnableTagOverride,
	}}
	for _, k := range c.Checks {
		if k.CheckID == "serfHealth" {
			continue // the members' gossip, which files have none of
		}
		i.Checks = append(i.Checks, watch.Check{
			Node: k.Node, ID: k.CheckID, Name: k.Name, Status: k.Status, Notes: k.Notes,
			ServiceID: k.ServiceID, ServiceName: k.ServiceName, ServiceTags: k.ServiceTags, Type: k.Type,
		})
	}
	return i
}

// The same definitions mean the same to a real agent and to a folder.
func TestAsConsul(t *testing.T) {
	var fromHCL any = map[string]any{"service": map[string]any{
		"name": "api", "tags": []string{"x"}, "meta": map[string]string{"owner": "team-a"}, "weights": map[string]int{"passing": 5},
		"check": map[string]string{"id": "one", "ttl": "1h", "status": "passing"},
	}}
	api, err := json.Marshal(fromHCL)
	if err != nil {
		t.Fatal(err)
	}
	consul := parts.StartConsul(t, parity, string(api))
	o := testOptions()
	o.Node = "test"
	c, err := NewCatalog(folderOf(t, map[string]string{"a.json": parity, "b.hcl": parityHCL}), o)
	if err != nil {
		t.Fatal(err)
	}
	if f := c.Faults(); len(f) > 0 {
		t.Fatal(f)
	}
	ignore := gocmp.Options{
		cmpopts.IgnoreFields(watch.Instance{}, "Node"),
		cmpopts.IgnoreFields(watch.ServiceInfo{}, "CreateIndex", "ModifyIndex"),
		cmpopts.IgnoreFields(watch.Check{}, "CreateIndex", "ModifyIndex"),
		cmpopts.SortSlices(func(a, b watch.Check) bool { return a.ID < b.ID }),
		cmpopts.EquateEmpty(),
	}
	for _, name := range []string{"web", "db", "api"} {
		want, _ := ask(t, c, watch.Health{Service: name})
		diff := ""
		eventually(t, "the agent has registered "+name, func() bool {
			var answer []consulInstance
			if err := json.Unmarshal([]byte(consul.Do("GET", "/v1/health/service/"+name, "")), &answer); err != nil {
				t.Fatal(err)
			}
			got := []watch.Instance{}
			for _, a := range answer {
				got = append(got, a.instance())
			}
			slices.SortFunc(got, func(a, b watch.Instance) int { return cmp.Compare(a.Service.ID, b.Service.ID) })
			diff = gocmp.Diff(got, want, ignore)
			return len(got) == len(want) && (diff == "" || settled(got, want))
		})
		if diff != "" {
			t.Errorf("%s: consul (-), files (+):\n%s", name, diff)
		}
	}
}

// settled reports whether the agent has registered all checks too.
func settled(got, want []watch.Instance) bool {
	for n := range want {
		if len(got[n].Checks) != len(want[n].Checks) {
			return false
		}
	}
	return true
}
