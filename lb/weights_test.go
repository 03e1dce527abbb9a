package lb

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

// Consul's weights count in the state an instance is in; one of weight 0 gets
// nothing, and one without weights is as heavy as Consul has it by default.
func TestWeightsOfTheCatalog(t *testing.T) {
	c := newCatalog()
	c.options.Statuses = []string{watch.Passing, watch.Warning}
	instance := func(n int, status string, w watch.Weights) watch.Instance {
		return watch.Instance{
			Node:    watch.NodeInfo{Name: fmt.Sprint(n), Address: fmt.Sprint("10.0.0.", n)},
			Service: watch.ServiceInfo{Port: 80, Tags: []string{"urlprefix-/web"}, Weights: w},
			Checks:  []watch.Check{{Status: status}},
		}
	}
	c.set("web",
		instance(1, watch.Passing, watch.Weights{Passing: 10, Warning: 2}), instance(2, watch.Warning, watch.Weights{Passing: 10, Warning: 2}),
		instance(3, watch.Warning, watch.Weights{Passing: 10}), instance(4, watch.Passing, watch.Weights{}), instance(5, watch.Critical, watch.Weights{Passing: 7, Warning: 7}))
	var got []string
	for _, m := range c.builder().Build(c.snapshot()).Routes()[0].Pool.Members() {
		got = append(got, fmt.Sprint(m.Key.Address, " ", m.Weight))
	}
	if want := []string{"10.0.0.1:80 10", "10.0.0.2:80 2", "10.0.0.4:80 1"}; !slices.Equal(got, want) {
		t.Errorf("members %q, want %q", got, want)
	}
}
