package consul

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
)

// collected calls look with what a survey answers at its beginning.
func collected(t *testing.T, s *Source, look func(watch.Answerer)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := false
	_ = s.Collect(ctx, watch.Scope{}, func(answer watch.Answerer) {
		begun = true
		look(answer)
		cancel()
	}, func(map[string]struct{}) {})
	if !begun {
		t.Error("the survey did not begin")
	}
}

// What is answered without a request is what a request answers, to the order of
// checks and instances.
func TestCollect_AnswersAsFetchDoes(t *testing.T) {
	consul := parts.StartConsul(t)
	for i := range 3 {
		consul.Register(service(fmt.Sprintf("checked-%d", i), 1000, true, "b", "a"))
	}
	consul.Register(service("plain", 1, false))
	consul.Register(`{"Name":"full","ID":"full-1","Port":1,"Tags":["x"],"Meta":{"k":"v"},"Weights":{"Passing":3,"Warning":2},
		"TaggedAddresses":{"lan":{"Address":"10.0.0.9","Port":9}},"EnableTagOverride":true,
		"Checks":[{"CheckID":"z","TTL":"1h","Status":"passing"},{"CheckID":"a","TTL":"1h","Status":"warning","Notes":"\"x\"\n"},{"CheckID":"B","TTL":"1h"}]}`)
	consul.Register(`{"Name":"full-sidecar","ID":"proxy","Kind":"connect-proxy","Port":2,"Proxy":{"DestinationServiceName":"full"}}`)
	for _, node := range []string{"b", "A", "c"} {
		for _, id := range []string{"2", "1", "B", "a"} {
			consul.Do("PUT", "/v1/catalog/register", fmt.Sprintf(`{"Node":%q,"Address":"10.0.0.1","NodeMeta":{"zone":"z"},
				"Service":{"Service":"Spread","ID":%q,"Port":1},
				"Checks":[{"Node":%[1]q,"CheckID":"s-%[2]s","ServiceID":%[2]q,"Status":"passing","Definition":{"TCP":"x:1","Interval":"5s"}}]}`, node, id))
		}
		consul.Do("PUT", "/v1/catalog/register", fmt.Sprintf(`{"Node":%q,"Address":"10.0.0.1","Check":{"Node":%[1]q,"CheckID":"n2","Status":"passing"}}`, node))
		consul.Do("PUT", "/v1/catalog/register", fmt.Sprintf(`{"Node":%q,"Address":"10.0.0.1","Check":{"Node":%[1]q,"CheckID":"N1","Status":"passing"}}`, node))
	}
	consul.Do("PUT", "/v1/agent/service/maintenance/checked-1-1?enable=true", "")
	consul.Do("PUT", "/v1/agent/check/fail/service:checked-2-1", "")

	s := newSource(t, web(consul))
	eventually(t, "the agent has told the catalog all of its node", func() bool {
		instances, _ := fetch(t, s, watch.Health{Service: "consul"})
		return len(instances) == 1 && len(instances[0].Node.TaggedAddresses) > 0
	})
	collected(t, s, func(answer watch.Answerer) {
		for _, name := range []string{"checked-0", "checked-1", "checked-2", "plain", "full", "full-sidecar", "Spread", "spread", "absent", "consul"} {
			for _, passing := range []bool{false, true} {
				q := watch.Health{Service: name, PassingOnly: passing}
				got, ok := answer(q)
				if !ok {
					t.Errorf("%s is not answered", q)
					continue
				}
				want, reply := fetch(t, s, q)
				if diff := cmp.Diff(want, got.Value); diff != "" {
					t.Errorf("%s (-fetched +collected):\n%s", q, diff)
				}
				if got.Index == 0 || got.Index > reply.Index {
					t.Errorf("%s: index %d, fetched %d", q, got.Index, reply.Index)
				}
			}
		}
		for _, q := range []watch.Health{
			{Service: "full", Tag: "x"},
			{Service: "full", Near: "_agent"},
			{Service: "full", Filter: "Service.Port == 1"},
			{Service: "full", Connect: true},
			{Service: "full", Scope: watch.Scope{Datacenter: "dc1"}},
		} {
			if _, ok := answer(q); ok {
				t.Errorf("%s is answered, but not by Consul", q)
			}
		}
	})
}

// Where rules hide a part, nobody but Consul knows what a query would show.
func TestCollect_AnswersNothingWhereRulesHide(t *testing.T) {
	consul := parts.StartConsul(t, denyAll)
	s := newSource(t, web(consul))
	collected(t, s, func(answer watch.Answerer) {
		if answer != nil {
			t.Error("there is an answerer")
		}
	})
}

// What moves while the rest is read is left to a request.
func TestCollection_LeavesOutWhatMoved(t *testing.T) {
	registered := func(address string, services ...watch.ServiceInfo) host {
		return host{NodeServices: watch.NodeServices{Node: watch.NodeInfo{Name: "n", Address: address}, Services: services}}
	}
	old := registered("a", watch.ServiceInfo{ID: "1", Name: "same"}, watch.ServiceInfo{ID: "2", Name: "Changed"}, watch.ServiceInfo{ID: "3", Name: "gone"})
	for name, step := range map[string]struct {
		now  host
		want []string
	}{
		"registrations": {
			registered("a", watch.ServiceInfo{ID: "1", Name: "same"}, watch.ServiceInfo{ID: "2", Name: "Changed", ModifyIndex: 7}, watch.ServiceInfo{ID: "4", Name: "new"}),
			[]string{"changed", "gone", "new"},
		},
		"address":   {registered("b", old.Services...), []string{"same", "changed", "gone"}},
		"host gone": {host{}, []string{"same", "changed", "gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := collection{hosts: map[string]host{"n": old}, moved: map[string]struct{}{}, sound: true}
			c.note(old, step.now)
			answer := c.answerer(watch.Scope{}, watch.Scope{})
			for _, service := range []string{"same", "changed", "gone", "new", "other"} {
				_, ok := answer(watch.Health{Service: service})
				moved := false
				for _, w := range step.want {
					moved = moved || w == service
				}
				if ok == moved {
					t.Errorf("%s: answered %t", service, ok)
				}
			}
		})
	}
}
