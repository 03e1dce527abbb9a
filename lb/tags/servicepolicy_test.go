package tags

import (
	"slices"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// Which policies hold for a service, in the order in which they count.
func TestServicePolicySelection(t *testing.T) {
	balance := &spec.LoadBalancer{Strategy: "p2c"}
	o := DefaultOptions()
	o.Policies = SortPolicies([]ServicePolicy{
		{Source: "all", Service: "*", Balance: balance},
		{Source: "shop-*", Service: "shop-*", Balance: balance},
		{Source: "gold", Service: "*", Tags: []string{"tier=gold", "vip*"}, Balance: balance},
		{Source: "prod", Service: "*", Namespaces: []string{"prod"}, Balance: balance},
		{Source: "default", Service: "shop-*", Namespaces: []string{"default"}, Balance: balance},
		{Source: "cart", Service: "shop-cart", Balance: balance},
	})
	for _, tt := range []struct {
		service, namespace string
		tags               []string
		want               []string
	}{
		{"web", "", nil, []string{"all"}},
		{"web", "", []string{"vip"}, []string{"gold", "all"}},
		{"web", "prod", []string{"tier=silver"}, []string{"prod", "all"}},
		{"shop-cart", "", []string{"tier=gold"}, []string{"cart", "default", "shop-*", "gold", "all"}},
		{"shop-cart", "prod", nil, []string{"cart", "shop-*", "prod", "all"}},
	} {
		d := Parse(o, tt.service, []Instance{
			{ID: "plain", Node: "n", Namespace: tt.namespace, Address: "10.0.0.1", Port: 80, Serving: true, Tags: []string{"urlprefix-/a"}},
			{ID: "tagged", Node: "n", Namespace: tt.namespace, Address: "10.0.0.2", Port: 80, Serving: true, Tags: append(tt.tags, "urlprefix-/a")},
		})
		var got []string
		for _, policy := range d.Routes[0].Given() {
			got = append(got, policy.Source)
		}
		if !slices.Equal(got, tt.want) || !slices.Equal(d.Pools[0].Policy.Given, d.Routes[0].Given()) || len(d.Problems) > 0 {
			t.Errorf("%s in %q with %v is under %v, want %v; problems %v", tt.service, tt.namespace, tt.tags, got, tt.want, d.Problems)
		}
	}
	// Nobody has instances of what commands alone know.
	commands, _ := o.ParseCommands("key", "route add web /a http://10.0.0.3:80")
	o.Commands = Join(commands)
	if d := Parse(o, "web", nil); len(d.Routes) != 1 || len(d.Routes[0].Given()) != 1 {
		t.Errorf("by a command: %+v", d.Routes)
	}
}

// What the configuration can say wrongly is told.
func TestServicePolicyFaults(t *testing.T) {
	for _, s := range []ServicePolicy{
		{Service: "a"},
		{Service: "", Without: []string{"x"}},
		{Service: "[", Without: []string{"x"}},
		{Service: "a", Tags: []string{"["}, Without: []string{"x"}},
		{Service: "a", Namespaces: []string{""}, Without: []string{"x"}},
	} {
		if s.Validate() == nil {
			t.Errorf("%+v", s)
		}
	}
	if err := (&ServicePolicy{Service: "a", Without: []string{"x"}}).Validate(); err != nil {
		t.Error(err)
	}
}
